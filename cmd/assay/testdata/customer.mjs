// Goes a customer's way from a served site to a result, and again offline by the page as a file; see customer_test.go.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { browse } from "./browser.mjs";

const { ORIGIN, DIR, CUSTOMER, WANT } = process.env;
const files = process.argv.slice(2);
const withdrawn = WANT === "Withdrawn";
const { browser, visitor, looksAt } = await browse(process.env);

// drops gives the page files as a mouse does.
async function drops(page, paths) {
  const given = paths.map((path) => [basename(path), readFileSync(path).toString("base64")]);
  const transfer = await page.evaluateHandle((all) => {
    const data = new DataTransfer();
    for (const [name, content] of all) data.items.add(new File([Uint8Array.from(atob(content), (c) => c.charCodeAt(0))], name));
    return data;
  }, given);
  await page.dispatchEvent("main", "drop", { dataTransfer: transfer });
  for (const path of paths) await page.getByRole("button", { name: `, ${basename(path)}` }).waitFor();
}

// checks has the page look at all of it, and holds what it says to what is so.
async function checks(v, paths, name) {
  const { page } = v;
  await page.getByText("You trust what Demo Exchange signed").waitFor();
  await page.getByText("Whoever made the link chose whom you trust.").waitFor();
  assert.equal(new URL(page.url()).hash, "", "what the link carries stays in the address");
  await drops(page, paths);
  await page.fill("#customer", CUSTOMER);
  await page.getByRole("button", { name: "Check", exact: true }).click();
  await page.locator(".card h1").waitFor();
  assert.equal(await page.locator(".card h1").innerText(), WANT, await page.locator("main").innerText());
  await page.locator(".reasons .awaited").waitFor({ state: "detached" });
  const said = await page.locator("main").innerText();
  for (const words of [
    /this page checked the whole part of the list that your row is in/, /Two programs that share no code checked this, and agree/, /Demo Exchange signed this report with a key that you trust/,
    /stands in a public log, where 1 witness whom you trust saw it/, withdrawn ? /Demo Exchange took this report back on .*“A wallet was missing\.”/ : /Your balance of 4000017\.5\sBTC|Your balance of 4,000,017\.5\sBTC/,
  ]) assert.match(said, words);
  await looksAt(v, name);
  assert.deepEqual(v.faults, []);
}

// Online: the list, the report, the files of the customer's shard, and the page that checks.
const online = await visitor({ locale: "en-GB" });
await online.page.goto(ORIGIN + "/");
await online.page.getByRole("link", { name: "2026-10", exact: true }).click();
await online.page.getByText(withdrawn ? "This report was withdrawn. Do not rely on it." : "nothing there takes it back").first().waitFor();
const parts = [];
for (const summary of await online.page.locator("#files summary").all()) await summary.click();
for (const link of await online.page.locator('#files a[download][href*="bundle/liabilities/"]').all()) {
  const [download] = await Promise.all([online.page.waitForEvent("download"), link.click()]);
  parts.push(join(DIR, basename(await link.getAttribute("href"))));
  await download.saveAs(parts.at(-1));
}
const action = online.page.locator("#files a.action");
const link = await action.evaluate((a) => a.href);
assert.match(link, /\/verify\.html#policy=[\w-]+$/);
await action.click();
await online.page.waitForURL("**/verify.html");
const before = online.asked.length;
await checks(online, [...parts, ...files], `way-${WANT.toLowerCase()}`);
assert.deepEqual(online.asked.slice(before).filter((url) => !url.startsWith("blob:")), [], "the page asked somebody");
assert.ok(online.asked.every((url) => url.startsWith(ORIGIN + "/") || url.startsWith("blob:")), online.asked.join(" "));

// Offline: the page as it was served, from a disk.
const kept = join(DIR, "verify.html");
writeFileSync(kept, await (await online.context.request.get(ORIGIN + "/verify.html")).body());
const offline = await visitor({ locale: "en-GB", offline: true });
await offline.page.goto(pathToFileURL(kept).href + new URL(link).hash);
await checks(offline, [...parts, ...files], `way-${WANT.toLowerCase()}-offline`);
assert.ok(offline.asked.every((url) => url.startsWith(pathToFileURL(kept).href) || url.startsWith("blob:")), offline.asked.join(" "));
await browser.close();
