// Looks at a page with widgets; see widget_test.go.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const { CHROMIUM, MODULES, PAGE, WANT } = process.env;
const require = createRequire(MODULES + "/");
const { chromium } = require("playwright-core");
const axe = require("axe-core");
const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
const page = await (await browser.newContext()).newPage();
const faults = [];
page.on("console", (message) => { if (/Content Security Policy|Content-Security-Policy/.test(message.text())) faults.push(message.text()); });
page.on("pageerror", (error) => faults.push(String(error)));
await page.goto(PAGE);
await page.waitForFunction(() => [...document.querySelectorAll("assay-state")].every((e) => e.dataset.state && e.dataset.state !== "checking"), null, { timeout: 180_000 });
const seen = await page.evaluate(() => Object.fromEntries([...document.querySelectorAll("assay-state")].map((e) => [e.id, [e.dataset.state, e.shadowRoot.querySelector("p").innerText.trim(), e.shadowRoot.querySelector("p").title]])));
console.log(seen);
assert.deepEqual(Object.fromEntries(Object.entries(seen).map(([id, [state]]) => [id, state])), JSON.parse(WANT));
const [state, words] = [seen.good[0], seen.good[1].replace(/[\u2066-\u2069]/g, "")]; // without the marks that keep names in their own order
assert.match(words, state === "published" ? /Demo Exchange: the report 2026-10 is published/ : /Demo Exchange: the report 2026-10 was withdrawn/);
for (const id of ["key", "name", "altered", "away"]) assert.match(seen[id][1], /cannot be checked now/);
assert.match(seen.key[2], /^response\.keys: /);
assert.match(seen.name[2], /^response\.keys: /);
assert.match(seen.altered[2], /^response\.(digest|signature): /);
assert.deepEqual(faults, []);
for (const colorScheme of ["light", "dark"]) {
  await page.emulateMedia({ colorScheme });
  await page.evaluate(axe.source);
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"] }));
  assert.deepEqual(found.violations.map((one) => one.id + ": " + one.help), []);
}
await browser.close();
