// Drives a browser through the public site; see browser_test.go.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";

const { CHROMIUM, MODULES, DISK, SERVER, SHOTS, LANGUAGES } = process.env;
const require = createRequire(MODULES + "/");
const { chromium } = require("playwright-core");
const axe = require("axe-core");
mkdirSync(SHOTS, { recursive: true });
const kept = process.env.ASSAY_SCREENSHOTS; // make screenshots

const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });

// A visitor keeps what their pages ask for, and complain of.
async function visitor(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  context.setDefaultTimeout(120_000);
  const asked = [], faults = [];
  context.on("request", (request) => asked.push(request.url()));
  context.on("response", (response) => { if (response.status() >= 400) faults.push(response.status() + " " + response.url()); });
  const page = await context.newPage();
  page.on("console", (message) => faults.push(message.text()));
  page.on("pageerror", (error) => faults.push(String(error)));
  return { context, page, asked, faults };
}

const pages = {
  list: "index.html", how: "how.html", missing: "404.html", report: "reports/main-4/index.html", accounts: "reports/main-5/index.html",
  withdrawn: "reports/main-1/index.html", superseded: "reports/main-2/index.html", hidden: "reports/main-6/index.html",
};

// passes wants axe to find nothing.
async function passes(page, what, options) {
  await page.evaluate(axe.source);
  const found = await page.evaluate((options) => globalThis.axe.run(document, { resultTypes: ["violations"], ...options }), options);
  assert.ok(found.passes.length > 0, what + ": axe has looked at nothing");
  assert.deepEqual(found.violations.map((one) => one.id + ": " + one.help + ": " + one.nodes.map((n) => n.target.join(" ")).slice(0, 3).join(", ")), [], what);
}

// fits wants nothing to be wider than a window of that width.
async function fits(page, what, width) {
  await page.setViewportSize({ width, height: 800 });
  const beyond = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.equal(beyond, 0, `${what} is ${beyond} px wider than a window of ${width}`);
}

// Every kind of page, from a disk. Light and dark are apart in colours alone.
{
  const v = await visitor();
  for (const [name, path] of Object.entries(pages)) {
    v.asked.length = 0;
    await v.page.goto(DISK + "/" + path);
    for (const colorScheme of ["light", "dark"]) {
      await v.page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await passes(v.page, name + ", " + colorScheme, colorScheme === "light" ? {} : { runOnly: ["color-contrast"] });
      if (kept) await v.page.screenshot({ path: `${SHOTS}/site-${name}-${colorScheme}.png`, fullPage: name !== "accounts" });
    }
    for (const width of [320, 390]) {
      await fits(v.page, name, width);
      if (kept && name !== "accounts") await v.page.screenshot({ path: `${SHOTS}/site-${name}-${width}.png`, fullPage: true });
    }
    await v.page.setViewportSize({ width: 1280, height: 900 });
    assert.deepEqual(v.asked, [DISK + "/" + path], name + " asks for something");
  }
  assert.deepEqual(v.faults, []);

  // The search, by the keyboard.
  await v.page.goto(DISK + "/" + pages.accounts);
  const rows = v.page.locator("#accounts tbody tr"), shown = v.page.locator("#accounts tbody tr:not([hidden])");
  const all = await rows.count();
  assert.equal(all, 1107);
  await v.page.locator("#search").focus();
  await v.page.keyboard.type("BITCOIN own-cold");
  assert.equal(await shown.count(), 1);
  assert.equal(await v.page.locator("#found").innerText(), "Shown: 1 of 1,107");
  await v.page.keyboard.press("ControlOrMeta+A");
  await v.page.keyboard.type("10044b"); // the last account of all, which is folded
  assert.equal(await shown.count(), 1);
  assert.ok(await shown.first().isVisible(), "what was found is folded still");
  await v.page.keyboard.press("ControlOrMeta+A");
  await v.page.keyboard.press("Delete");
  assert.equal(await shown.count(), all);
  assert.equal(await v.page.locator("#found").innerText(), "");
  assert.deepEqual(v.faults, []);
  await v.context.close();
}

// Every kind of page in every other language: its texts, its direction and its lengths are apart, its colours are not.
{
  const v = await visitor();
  for (const tag of LANGUAGES.split(" ")) {
    for (const name of ["list", "how", "withdrawn", "hidden"]) {
      const what = name + ", " + tag;
      await v.page.goto(`${DISK}/${tag}/${pages[name]}`);
      assert.equal(await v.page.evaluate(() => document.documentElement.lang), tag, what);
      await passes(v.page, what, { rules: { "color-contrast": { enabled: false } } });
      await fits(v.page, what, 320);
    }
  }
  assert.deepEqual(v.faults, []);
  await v.context.close();
}

// Without scripts: the whole table, and no field that does nothing.
{
  const v = await visitor({ javaScriptEnabled: false });
  await v.page.goto(DISK + "/" + pages.accounts);
  assert.equal(await v.page.locator("#accounts tbody tr").count(), 1107);
  assert.ok(!(await v.page.locator("#search").isVisible()));
  await v.page.locator("#accounts summary").click();
  assert.ok(await v.page.locator("#accounts details.batch tbody tr").last().isVisible());
  await v.context.close();
}

// Below a path of a server links lead on, and nobody else is asked.
{
  const v = await visitor();
  await v.page.goto(SERVER + "/");
  await v.page.locator(".entry a").first().click();
  await v.page.waitForURL(SERVER + "/reports/main-6/index.html");
  await v.page.locator("#history table a").last().click();
  await v.page.waitForURL(SERVER + "/reports/main-0/index.html");
  await v.page.locator("header.site a", { hasText: "How it works" }).click();
  await v.page.waitForURL(SERVER + "/how.html");
  await v.page.locator("header.site a", { hasText: "Reports" }).click();
  await v.page.waitForURL(SERVER + "/index.html");
  await v.page.locator(".entry.withdrawn a").click();
  await v.page.waitForURL(SERVER + "/reports/main-1/index.html");
  assert.match(await v.page.title(), /^Withdrawn: /);
  await v.page.keyboard.press("Tab");
  assert.equal(await v.page.evaluate(() => document.activeElement.getAttribute("href")), "#main");
  for (const url of v.asked) assert.ok(url.startsWith(SERVER + "/"), "it asks for " + url);
  assert.deepEqual(v.faults.filter((f) => !f.includes("/favicon.ico")), []);
  await v.context.close();
}
await browser.close();
