// A browser that tests drive: whoever visits a page, by the keyboard alone if need be, and what everybody needs of it.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";

// browse opens a Chromium that takes one certificate, beside those that all take; what pages look like is kept in a folder. Hosts below .example are this machine, at a port of their own if
// it is named.
export async function browse({ CHROMIUM, MODULES, SPKI, SHOTS, PORTS = {} }) {
  const require = createRequire(MODULES + "/");
  const { chromium } = require("playwright-core");
  const axe = require("axe-core");
  mkdirSync(SHOTS, { recursive: true });

  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ["--no-sandbox", `--host-resolver-rules=${Object.entries(PORTS).map(([host, port]) => `MAP ${host} 127.0.0.1:${port}, `).join("")}MAP *.example 127.0.0.1, EXCLUDE localhost`, "--ignore-certificate-errors-spki-list=" + SPKI],
  });

  // A visitor has a browser of their own; everything that their pages ask for, and complain of, is kept.
  async function visitor(options = {}) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    context.setDefaultTimeout(60_000);
    const asked = [], faults = [];
    context.on("request", (request) => asked.push(request.url()));
    const page = await context.newPage();
    page.on("console", (message) => { if (message.type() === "error" && !/Failed to load resource/.test(message.text())) faults.push(message.text()); });
    page.on("pageerror", (error) => faults.push(String(error)));
    return { context, page, asked, faults };
  }

  // steady asks a page again that gave way to another one meanwhile, as one does that is followed live.
  async function steady(v, ask) {
    for (let left = 5; ; left--) {
      try {
        await v.page.waitForLoadState();
        return await ask();
      } catch (error) {
        if (left === 0 || !/context was destroyed|navigat/.test(error.message)) throw error;
      }
    }
  }

  // looksAt holds a page to what everybody needs of it, and keeps what it looks like if that is asked for (make screenshots). Light and dark are apart in colours alone.
  let looked = 0;
  async function looksAt(v, name, shots = true) {
    shots &&= Boolean(process.env.ASSAY_SCREENSHOTS);
    for (const colorScheme of ["light", "dark"]) {
      await v.page.emulateMedia({ colorScheme });
      const found = await steady(v, async () => {
        await v.page.evaluate(axe.source);
        return v.page.evaluate((options) => globalThis.axe.run(document, { resultTypes: ["violations"], ...options }), colorScheme === "light" ? {} : { runOnly: ["color-contrast"] });
      });
      assert.deepEqual(found.violations.map((one) => one.id + ": " + one.nodes.map((node) => node.html + " " + node.failureSummary).join("; ")), [], name + ", " + colorScheme);
      if (shots) await v.page.screenshot({ path: `${SHOTS}/${name}-${colorScheme}.png`, fullPage: true });
    }
    await v.page.emulateMedia({ colorScheme: "light" });
    await v.page.setViewportSize({ width: 320, height: 700 });
    const wide = await steady(v, () => v.page.evaluate(() => document.documentElement.scrollWidth));
    assert.ok(wide <= 320, `${name} is ${wide} wide on a screen of 320`);
    if (shots) await v.page.screenshot({ path: `${SHOTS}/${name}-narrow.png`, fullPage: true });
    await v.page.setViewportSize({ width: 1280, height: 900 });
    looked++;
  }

  // focused is what the keyboard is at: its name, and whether that is to be seen. While a page gives way to the next there is nothing.
  const focused = (v) => v.page.evaluate(() => {
    const e = document.activeElement;
    const ring = getComputedStyle(e);
    return { name: (e.labels?.[0] ?? e).innerText?.trim() ?? "", seen: ring.outlineStyle !== "none" && parseFloat(ring.outlineWidth) >= 2 };
  }).catch(() => ({ name: "" }));

  // press goes by the keyboard alone to what has that name, and presses it.
  async function press(v, name, key = "Enter") {
    await v.page.waitForLoadState();
    for (let i = 0; i < 80; i++) {
      await v.page.keyboard.press("Tab");
      const at = await focused(v);
      if (!at.name.startsWith(name)) continue;
      assert.ok(at.seen, `the focus on ${name} is not seen`);
      if (key) await v.page.keyboard.press(key);
      return;
    }
    assert.fail(`the keyboard does not get to ${name} at ${v.page.url()}`);
  }

  async function types(v, label, value) {
    await press(v, label, "");
    await v.page.keyboard.type(value);
  }

  return { browser, visitor, steady, looksAt, press, types, looked: () => looked };
}
