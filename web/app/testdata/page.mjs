// Goes a customer's way through the built page, in a browser without a network; see page_test.go.
import assert from "node:assert/strict";
import { createHash, createPrivateKey, createPublicKey, sign } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";

const { CHROMIUM, MODULES, PAGES, VECTORS, SHOTS } = process.env;
const require = createRequire(MODULES + "/");
const { inputOf } = await import(pathToFileURL(`${PAGES}/made.mjs`).href);
const { chromium } = require("playwright-core");
const axe = require("axe-core");
mkdirSync(SHOTS, { recursive: true });

const small = pathToFileURL(`${PAGES}/verify-small.html`).href;
const full = pathToFileURL(`${PAGES}/verify.html`).href;
const vector = (name) => JSON.parse(readFileSync(`${VECTORS}/proof/${name}.json`, "utf8"));
const file = (name, text) => ({ name, mimeType: "application/octet-stream", buffer: Buffer.from(text) });
const patient = 60_000;

const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });

// A customer has a browser of their own, without a network; what the page asks for but itself, and complains of, is kept.
async function customer(address, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: "reduce", locale: "en-GB", ...options });
  context.setDefaultTimeout(patient);
  await context.setOffline(true);
  const faults = [];
  context.on("request", (request) => { if (request.url().split("#")[0] !== address.split("#")[0] && !/^(blob|data):/.test(request.url())) faults.push("asked for " + request.url()); });
  await context.addInitScript(() => document.addEventListener("securitypolicyviolation", (event) => console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`)));
  const page = await context.newPage();
  page.on("console", (message) => { if (message.type() === "error" || message.type() === "warning") faults.push(message.text()); });
  page.on("pageerror", (error) => faults.push(String(error)));
  await page.goto(address);
  return { context, page, faults };
}

const leaves = async (c) => {
  assert.deepEqual(c.faults, []);
  await c.context.close();
};

const result = (page) => page.locator(".card h1").innerText();
const cause = (page) => page.locator(".card").getAttribute("data-cause");

async function gives(page, ...files) {
  await page.setInputFiles("#proof", files);
  await page.locator(".given li").first().waitFor();
}

async function checks(page, id) {
  await page.fill("#customer", id);
  await page.getByRole("button", { name: "Check", exact: true }).click();
  await page.locator(".card h1").waitFor();
}

// settled waits until the second opinion is there, on a page that has one.
const settled = (page) => page.locator(".reasons .awaited").waitFor({ state: "detached" });

// keeps keeps what a page looks like, if that is asked for (make screenshots).
const keeps = async (page, name) => {
  if (process.env.ASSAY_SCREENSHOTS) await page.screenshot({ path: `${SHOTS}/page-${name}.png`, fullPage: true });
};

// looksAt holds what is shown to what everybody needs of it, in both schemes, which are apart in colours alone.
async function looksAt(page, name) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await page.evaluate(axe.source);
    const found = await page.evaluate((options) => globalThis.axe.run(document, { resultTypes: ["violations"], ...options }), colorScheme === "light" ? {} : { runOnly: ["color-contrast"] });
    assert.deepEqual(found.violations.map((one) => one.id + ": " + one.nodes.map((node) => node.html + " " + node.failureSummary).join("; ")), [], `${name}, ${colorScheme}`);
    await keeps(page, `${name}-${colorScheme}`);
  }
  await page.emulateMedia({ colorScheme: "light" });
  const size = page.viewportSize();
  await page.setViewportSize({ width: 320, height: 700 });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 320, `${name} is ${wide} wide on a screen of 320`);
  await keeps(page, `${name}-narrow`);
  await page.setViewportSize(size);
}

// saved is what a button hands to the customer.
async function saved(page, button) {
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: button }).click()]);
  return { name: download.suggestedFilename(), text: readFileSync(await download.path(), "utf8") };
}

const opens = async (page) => {
  for (const summary of await page.locator("summary").all()) if (await summary.isVisible() && !(await summary.evaluate((e) => e.parentElement.open))) await summary.click();
};

const logged = vector("happy-log");

// The whole way, and what is kept of it.
async function wholeWay(address, name, looks) {
  const c = await customer(address), { page } = c;
  await looks(page, `${name}-begin`);
  await page.getByRole("button", { name: "Check", exact: true }).click();
  await page.getByText("Give the file from your exchange first.").waitFor();
  await page.getByText("Type your customer id.").waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), "proof");
  await looks(page, `${name}-lacking`);
  await gives(page, file("proof.json", logged.proof));
  await page.getByText("Anybody can write that, so it is not believed yet.").waitFor();
  assert.equal(await page.getByText("Give the file from your exchange first.").isVisible(), false, "it is said to be missing, and is there");
  await looks(page, `${name}-claimed`);
  await gives(page, file("policy.toml", logged.policy));
  await page.getByText("The proof names this key.").waitFor();
  await looks(page, `${name}-believed`);
  await checks(page, logged.customer);
  assert.equal(await result(page), "Included");
  assert.equal(await page.evaluate(() => document.activeElement.id), "result", "the focus is not at the result");
  await settled(page);
  assert.match(await page.locator(".reasons").innerText(), address === full ? /share no code checked this, and agree/ : /One program checked this/);
  await page.getByText(/0\.50000002\sBTC and 2\.5\sETH/).waitFor();
  await page.getByText("where 2 witnesses whom you trust saw it").waitFor();
  await looks(page, `${name}-included`);
  await opens(page);
  await looks(page, `${name}-everything`);
  const receipt = await saved(page, "Save a receipt");
  assert.equal(receipt.name, "receipt-2026-10.json");
  assert.ok(!receipt.text.includes(logged.customer), "the receipt tells the customer's id");
  const kept = JSON.parse(receipt.text);
  assert.deepEqual([kept.type, kept.result, kept.proof, kept.policy, kept.verdict.proven], ["assay/v1/page-receipt", "included", logged.proof, logged.policy, true]);
  assert.match(kept.page, /^sha256-/);

  // Another balance is remembered: the difference, what to do, and a complaint.
  await page.getByLabel("What you held, BTC").fill("0.6");
  await page.getByLabel("What you held, ETH").fill("2,5");
  await page.getByLabel("What you held, ETH").blur();
  await page.getByText("This could mean more than one number.").waitFor();
  await page.getByLabel("What you held, ETH").fill("2.50");
  await page.getByLabel("What you held, ETH").blur();
  await page.getByText("The report has 0.09999998 BTC less than you typed.").waitFor();
  await page.getByText("The same.").waitFor();
  await page.getByText("Save a complaint", { exact: true }).click();
  await page.getByLabel("In your words").fill("I held 0.6 BTC.");
  await page.getByLabel("Add the balances that I typed above").check();
  await looks(page, `${name}-remembered`);
  const complaint = await saved(page, "Save the complaint");
  assert.ok(!complaint.text.includes(logged.customer), "the complaint tells the customer's id");
  const made = JSON.parse(complaint.text);
  assert.deepEqual([made.type, made.proof, made.words, made.held], ["assay/v1/complaint", logged.proof, "I held 0.6 BTC.", [{ asset: "BTC", amount: "0.6" }, { asset: "ETH", amount: "2.5" }]]);
  await page.emulateMedia({ media: "print" });
  await keeps(page, `${name}-print`);
  await page.emulateMedia({ media: "screen" });

  // Of another customer's id it says so, and the receipt is checked anew like a proof.
  await page.getByRole("button", { name: "Back to what you gave" }).click();
  assert.equal(await page.inputValue("#customer"), logged.customer);
  for (const remove of await page.getByRole("button", { name: /^Remove: Proof/ }).all()) await remove.click();
  await gives(page, file(receipt.name, receipt.text));
  await checks(page, "somebody@example.org");
  assert.deepEqual([await result(page), await cause(page)], ["Does not match", "root"]);
  await settled(page);
  await looks(page, `${name}-mismatch`);
  assert.equal(JSON.parse((await page.getByText("Save a complaint", { exact: true }).click(), await saved(page, "Save the complaint")).text).failed[0].name, "proof.root");
  await leaves(c);
}

// Other ways to give it: dropped, pasted, in a link; a key in place of a policy.
async function otherWays() {
  const plain = vector("happy-three-customers");
  const dropped = await customer(small);
  const transfer = await dropped.page.evaluateHandle(([proof, policy]) => {
    const data = new DataTransfer();
    data.items.add(new File([proof], "proof.json"));
    data.items.add(new File([policy], "policy.toml"));
    return data;
  }, [plain.proof, plain.policy]);
  await dropped.page.dispatchEvent("main", "drop", { dataTransfer: transfer });
  await dropped.page.getByText("policy.toml").waitFor();
  await checks(dropped.page, plain.customer);
  assert.equal(await result(dropped.page), "Included");
  await leaves(dropped);

  const fragment = `proof=${gzipSync(plain.proof).toString("base64url")}&policy=${Buffer.from(plain.policy).toString("base64url")}`;
  const linked = await customer(`${small}#${fragment}`);
  await linked.page.getByText("You trust what Demo Exchange signed").waitFor();
  await linked.page.getByText("Whoever made the link chose whom you trust.").waitFor();
  assert.equal(new URL(linked.page.url()).hash, "", "the proof stays in the address");
  await linked.page.selectOption("#language", "es");
  await linked.page.getByText("Quien hizo el enlace eligió en quién confía usted.").waitFor();
  await linked.page.selectOption("#language", "en");
  await checks(linked.page, plain.customer);
  assert.equal(await result(linked.page), "Included");
  await linked.page.locator(".reasons").getByText("Whoever made the link chose whom you trust.").waitFor();
  await leaves(linked);

  const pastedLink = await customer(small);
  await pastedLink.page.getByText("Paste it as text instead").click();
  await pastedLink.page.fill("#pasted", `https://exchange.example/verify.html#${fragment}`);
  await pastedLink.page.getByRole("button", { name: "Take this text" }).click();
  await pastedLink.page.getByText("Whoever made the link chose whom you trust.").waitFor();
  await leaves(pastedLink);

  const typed = await customer(small);
  await typed.page.getByText("Paste it as text instead").click();
  await typed.page.getByLabel("Text of the file").fill(`https://exchange.example/verify.html#proof=${Buffer.from(plain.proof).toString("base64url")}`);
  await typed.page.getByRole("button", { name: "Take this text" }).click();
  await typed.page.getByText("It says that this key signed it.").waitFor();
  await typed.page.getByText("No policy file?").click();
  await typed.page.getByLabel("Its key").fill("ed25519:12");
  await typed.page.getByRole("button", { name: "Use this key" }).click();
  await typed.page.getByText("This is no key.").waitFor();
  await typed.page.getByLabel("Its key").fill(/ed25519:[0-9a-f]{64}/.exec(plain.policy)[0]);
  await typed.page.getByRole("button", { name: "Use this key" }).click();
  await typed.page.getByText("Show the policy that was made of it").click();
  const policy = await saved(typed.page, "Save it for next time");
  assert.match(policy.text, /name = "Demo Exchange"/);
  await looksAt(typed.page, "own-key");
  await checks(typed.page, plain.customer);
  assert.equal(await result(typed.page), "Included");
  await leaves(typed);
}

// focused is what the keyboard is at: its name, and whether that is to be seen.
const focused = (page) => page.evaluate(() => {
  const e = document.activeElement;
  const ring = getComputedStyle(e.matches("input[type=file]") ? e.nextElementSibling : e);
  return { name: (e.labels?.[0] ?? e).innerText?.trim() ?? "", seen: ring.outlineStyle !== "none" && parseFloat(ring.outlineWidth) >= 2 };
});

async function press(page, name, key = "Enter") {
  for (let i = 0; i < 80; i++) {
    await page.keyboard.press("Tab");
    const at = await focused(page);
    if (!at.name.startsWith(name)) continue;
    assert.ok(at.seen, `the focus on ${name} is not seen`);
    if (key) await page.keyboard.press(key);
    return;
  }
  assert.fail(`the keyboard does not get to ${name}`);
}

async function byKeyboard() {
  const c = await customer(small), { page } = c;
  await press(page, "Skip to content");
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), press(page, "Choose files", "Space")]);
  await chooser.setFiles(file("proof.json", logged.proof));
  await page.getByText("Anybody can write that").waitFor();
  await press(page, "Paste it as text instead");
  await press(page, "Text of the file", "");
  await page.keyboard.insertText(logged.policy);
  await press(page, "Take this text");
  await page.getByText("You trust what Demo Exchange signed").waitFor();
  await press(page, "Your customer id", "");
  await page.keyboard.insertText(logged.customer);
  await page.keyboard.press("Enter");
  await page.locator(".card h1").waitFor();
  assert.equal(await result(page), "Included");
  await press(page, "Copy", "");
  await press(page, "What you held, BTC", "");
  await page.keyboard.insertText("0.50000002");
  await press(page, "The way from your row");
  await press(page, "Every check, for the curious");
  await page.getByText("proof.root", { exact: true }).waitFor();
  await page.keyboard.press("Shift+Tab");
  await leaves(c);
}

// Proofs with every class of fault, one of each, come out as the right one of four results.
const expected = (v) => {
  if (v.expect === "pass") return "Included";
  return ["proof.root", "proof.statement", "proof.margin"].includes(v.expect) ? "Does not match" : "Cannot be checked";
};

async function everyFault() {
  const c = await customer(full), { page } = c;
  const told = new Map();
  for (const name of readdirSync(`${VECTORS}/proof`).map((one) => one.replace(/\.json$/, ""))) {
    const v = vector(name), fault = `${v.expect}, exit ${v.exit ?? 0}, recompute ${v.policy.includes("recompute = true")}`;
    if (v.files || !v.proof?.includes("assay/v") || told.has(fault)) continue;
    await page.reload();
    await gives(page, file("policy.toml", v.policy), file("proof.json", v.proof));
    await page.getByRole("button", { name: /^Remove: Proof/ }).waitFor();
    await checks(page, v.customer);
    await settled(page);
    const got = await result(page);
    assert.equal(got, expected(v), `${name}: ${await cause(page)}`);
    assert.match(await page.locator(".reasons").innerText(), /share no code checked this, and agree/, name);
    told.set(fault, got);
  }
  console.log(`${told.size} classes of faults: ${[...told].map(([fault, got]) => `${fault}: ${got}`).join("; ")}`);
  assert.ok(told.size >= 12);
  await leaves(c);
}

// A log of one withdrawal, as somebody shows it to a customer (SPEC parts 24 and 25).
const h = (...parts) => createHash("sha256").update(Buffer.concat(parts.map((part) => Buffer.from(part)))).digest();
const keyOf = (seed) => createPrivateKey({ key: Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), h(seed)]), format: "der", type: "pkcs8" });
const publicOf = (key) => createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32);

function enveloped(key, type, payload) {
  const text = `ed25519:${publicOf(key).toString("hex")}`;
  const sig = sign(null, Buffer.concat([Buffer.from(`DSSEv1 ${type.length} ${type} ${payload.length} `), payload]), key).toString("base64");
  return { payload: payload.toString("base64"), payloadType: type, signatures: [{ keyid: h("assay/v1/key\0", text).toString("hex"), sig }] };
}

function notice(exchangeKey, origin, entry) {
  const envelope = enveloped(exchangeKey, "application/vnd.assay.entry+json", Buffer.from(JSON.stringify(entry)));
  const log = keyOf("log of this test"), decoded = Buffer.concat([Buffer.of(1), publicOf(log)]), id = h(origin, "\n", decoded).subarray(0, 4);
  const note = `${origin}\n1\n${h(Buffer.of(0), JSON.stringify(envelope)).toString("base64")}\n`;
  const checkpoint = `${note}\n— ${origin} ${Buffer.concat([id, sign(null, Buffer.from(note), log)]).toString("base64")}\n`;
  return {
    notice: JSON.stringify({ entry: envelope, proof: Buffer.from(`c2sp.org/tlog-proof@v1\nindex 0\n\n${checkpoint}`).toString("base64") }),
    log: `[log]\nrequired = false\nkeys = ["${origin}+${id.toString("hex")}+${decoded.toString("base64")}"]\nwitnesses = []\nquorum = 0\n`,
  };
}

async function withdrawn() {
  const v = vector("happy-three-customers");
  const about = JSON.parse(v.proof).statement;
  const entry = { exchange: "Demo Exchange", issued: "2026-11-03T09:00:00Z", kind: "withdrawal", statement: about, text: "Two wallets were counted twice.", type: "assay/v1/entry" };
  const { notice: told, log } = notice(keyOf("exchange"), "exchange.example/notices", entry);
  const c = await customer(small), { page } = c;
  await gives(page, file("proof.json", v.proof), file("policy.toml", v.policy + log), file("notice.json", told));
  await checks(page, v.customer);
  assert.equal(await result(page), "Withdrawn");
  await page.getByText("“Two wallets were counted twice.”").waitFor();
  await looksAt(page, "withdrawn");
  await leaves(c);
  const stranger = await customer(small);
  await gives(stranger.page, file("proof.json", v.proof), file("policy.toml", v.policy + log), file("notice.json", notice(keyOf("stranger"), "exchange.example/notices", entry).notice));
  await checks(stranger.page, v.customer);
  assert.notEqual(await result(stranger.page), "Withdrawn", "a stranger withdrew it");
  await stranger.page.getByText("A notice that you gave counts for nothing here").waitFor();
  await leaves(stranger);
  const logless = await customer(small);
  await gives(logless.page, file("proof.json", v.proof), file("policy.toml", v.policy), file("notice.json", told));
  await checks(logless.page, v.customer);
  await logless.page.getByText("A notice that you gave counts for nothing here").waitFor();
  await leaves(logless);
}

// Confidential rows: that the row is there, and who checked that it is counted, are two things.
async function confidential() {
  const v = vector("happy-confidential");
  const c = await customer(small), { page } = c;
  await gives(page, file("proof.json", v.proof), file("policy.toml", v.policy));
  await checks(page, v.customer);
  assert.equal(await result(page), "Included");
  await page.getByText("Nobody has checked here that it is counted.").waitFor();
  await page.getByText("That your row is counted in the totals.").waitFor();
  await looksAt(page, "confidential");
  await page.getByRole("button", { name: "Back to what you gave" }).click();
  await gives(page, file("strict.toml", v.policy.replace("recompute = false", "recompute = true")));
  await page.getByText("strict.toml").waitFor();
  await checks(page, v.customer);
  assert.deepEqual([await result(page), await cause(page)], ["Cannot be checked", "nobody"]);
  await looksAt(page, "nobody-counted");

  await leaves(c);

  // With the published part of the list that the row is in, the page checks that itself; the second program leaves it to the first.
  const counted = vector("happy-confidential-counted");
  const whole = await customer(full);
  await gives(whole.page, file("proof.json", counted.proof), file("policy.toml", counted.policy),
    ...Object.entries(counted.files).map(([path, { text, base64 }]) => ({ ...file(path.split("/").at(-1), ""), buffer: Buffer.from(text ?? base64, text === undefined ? "base64" : "utf8") })));
  await whole.page.getByRole("button", { name: "Remove: Part of the published list, top.proof" }).waitFor();
  await checks(whole.page, counted.customer);
  await whole.page.getByText("this page checked the whole part of the list that your row is in").waitFor();
  await whole.page.getByText("and agree; that your row is counted, only the first checked").waitFor();
  assert.equal(await result(whole.page), "Included");
  await leaves(whole);
}

// A series of reports with one customer each, month after month, made of a vector by the SPEC (parts 3, 5, 6, 9 and 10).
const canonical = (value) => JSON.stringify(value, (_, v) => (v && typeof v === "object" && !Array.isArray(v) ? Object.fromEntries(Object.entries(v).sort(([x], [y]) => (x < y ? -1 : 1))) : v));
const unsigned = (n, bytes) => Buffer.from(BigInt(n).toString(16).padStart(2 * bytes, "0"), "hex");

function series(v, months) {
  const proof = JSON.parse(v.proof), key = keyOf("exchange");
  const statement = JSON.parse(Buffer.from(proof.envelope.payload, "base64"));
  const { snapshot } = statement.predicate;
  const sum = Buffer.concat([unsigned(proof.balances.length, 2), ...proof.balances.map(({ asset, amount }) => Buffer.concat([unsigned(snapshot.assets.findIndex(({ id }) => id === asset), 2), unsigned(amount, 16)]))]);
  let previous;
  return months.map((month, number) => {
    Object.assign(snapshot, { period: month, instant: `${month}-28T00:00:00Z` });
    const { id: _, blocks: __, ...named } = snapshot;
    snapshot.id = h("assay/v1/snapshot\0", canonical(named)).toString("hex");
    const identity = h("assay/v1/identity\0", Buffer.from(snapshot.id, "hex"), Buffer.from(proof.nonce, "hex"), unsigned(v.customer.length, 2), v.customer);
    const root = (first, leaf) => h(Buffer.of(first + 2, 1), unsigned(1, 8), h(Buffer.of(first), leaf, sum), sum);
    statement.predicate.tree.root = root(0x10, root(0x00, identity)).toString("hex");
    statement.predicate.issued = `${month}-28T01:00:00Z`;
    statement.predicate.series = { name: "monthly", number, ...(previous && { previous }) };
    const payload = Buffer.from(canonical(statement));
    previous = h(payload).toString("hex");
    return canonical({ ...proof, snapshot: snapshot.id, statement: previous, envelope: enveloped(key, "application/vnd.in-toto+json", payload) });
  });
}

// Proofs of several reports: what they show together, what is missing between them, and one can be chosen.
async function history() {
  const v = vector("happy-one-leaf");
  const proofs = series(v, ["2026-05", "2026-06", "2026-07", "2026-08"]);
  const c = await customer(small), { page } = c;
  await gives(page, ...proofs.map((text, i) => file(`${i}.json`, text)), file("policy.toml", v.policy));
  await page.getByText("You trust what Demo Exchange signed").waitFor();
  await checks(page, v.customer);
  await page.getByText("Included in 4 of 4 reports since May 2026.").waitFor();
  await looksAt(page, "history");
  await page.getByRole("button", { name: "June 2026" }).or(page.getByRole("button", { name: "Jun 2026" })).click();
  assert.equal(await page.evaluate(() => document.activeElement.id), "result");
  await page.getByText("This is not the newest of the reports that you gave.").waitFor();
  await page.getByRole("button", { name: "Back to what you gave" }).click();
  await page.getByRole("button", { name: /^Remove: Proof, 1.json/ }).click();
  await gives(page, file("bad.json", proofs[3].replace(/"nonce":"../, '"nonce":"ff')));
  await page.getByRole("button", { name: /^Remove: Proof, 3.json/ }).click();
  await page.getByRole("button", { name: /^Remove: Proof, bad.json/ }).waitFor();
  await checks(page, v.customer);
  await page.getByText("Included in 2 of 3 reports since May 2026.").waitFor();
  await page.getByText("Between these reports there is 1 more of which you gave no proof.").waitFor();
  assert.equal(await result(page), "Does not match");
  await leaves(c);
}

// In a language that is written from right to left, chosen by the reader's preference or from the menu, in the midst of it all.
async function otherLanguage() {
  const c = await customer(pathToFileURL(`${PAGES}/mirrored/verify-small.html`).href, { locale: "ar-EG" }), { page } = c;
  const root = page.locator("html");
  assert.deepEqual([await root.getAttribute("lang"), await root.getAttribute("dir")], ["ar", "rtl"]);
  await page.getByRole("heading", { level: 1, name: "ء Is your balance included?" }).waitFor();
  await page.setInputFiles("#proof", [file("proof.json", logged.proof), file("policy.toml", logged.policy)]);
  await page.locator(".facts").waitFor();
  await looksAt(page, "rtl-begin");
  await page.fill("#customer", logged.customer);
  await page.locator("button.big").click();
  await page.getByText("ء two:").first().waitFor(); // two witnesses are a plural of their own
  await opens(page);
  await looksAt(page, "rtl");
  await page.fill("#held-BTC", "0.6");
  await page.locator("#language").selectOption("en");
  assert.deepEqual([await root.getAttribute("lang"), await root.getAttribute("dir")], ["en", "ltr"]);
  await page.getByRole("heading", { level: 1, name: "Included" }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), "language");
  await page.getByRole("button", { name: "Back to what you gave" }).click();
  assert.equal(await page.inputValue("#customer"), logged.customer, "what was typed went away with the language");
  await leaves(c);
}

// In each language that there is: the form, a proof that holds and one that does not, all of them opened.
async function everyLanguage() {
  const said = new Set();
  for (const [language, dir] of [["es", "ltr"], ["tr", "ltr"], ["zh", "ltr"], ["ar", "rtl"], ["pt", "ltr"]]) {
    const c = await customer(small, { locale: language }), { page } = c;
    const root = page.locator("html");
    assert.deepEqual([await root.getAttribute("lang"), await root.getAttribute("dir")], [language, dir]);
    await gives(page, file("proof.json", logged.proof), file("policy.toml", logged.policy));
    await page.locator(".facts").waitFor();
    await looksAt(page, `${language}-begin`);
    for (const [id, want] of [[logged.customer, "included"], ["somebody.else@example.org", "root"]]) {
      await page.fill("#customer", id);
      await page.locator("button.big").click();
      await page.locator(`.card[data-cause="${want}"]`).waitFor();
      said.add(await result(page));
      await opens(page);
      await looksAt(page, `${language}-${want}`);
      await page.locator(".do button.quiet").first().click();
    }
    await leaves(c);
  }
  assert.equal(said.size, 10, [...said].join(", "));
}

// A second program that lies, or breaks down: a result that the two do not share is none; one that stands alone says so.
async function secondThoughts() {
  for (const [twist, want, why, said] of [
    [() => Object.defineProperty(globalThis, "assaySecondOpinion", { set() {}, get: () => () => ({ proven: false, exit: 1, checks: [{ name: "proof.root", result: "fail", required: true, detail: "" }] }) }), "Cannot be checked", "disagree", "Two programs that share no code disagree."],
    [() => { WebAssembly.instantiate = () => Promise.reject(new Error("no memory")); }, "Included", "included", "could not run in this browser, so only one checked this (no memory)"],
  ]) {
    const c = await customer("about:blank"), { page } = c;
    await page.addInitScript(twist);
    await page.goto(full);
    await gives(page, file("proof.json", logged.proof), file("policy.toml", logged.policy));
    await page.getByText("You trust what Demo Exchange signed").waitFor();
    await checks(page, logged.customer);
    await settled(page);
    await page.getByText(said).waitFor();
    assert.deepEqual([await result(page), await cause(page)], [want, why]);
    assert.equal(await page.getByRole("heading", { name: "What you are owed" }).isVisible(), want === "Included");
    await looksAt(page, `second-${why}`);
    await c.context.close();
  }
}

// What is measured is told, and asserted nowhere: how long a verdict takes on a processor four times slower, in a tree of 2^29 customers with 3 of 50 assets.
async function throttled(address) {
  const c = await customer(address), { page } = c;
  const devtools = await c.context.newCDPSession(page);
  await devtools.send("Emulation.setCPUThrottlingRate", { rate: 4 });
  for (const kind of ["plain", "confidential"]) {
    const made = inputOf({ kind, assets: 50, held: 3, leaves: 1 << 18, shards: 1 << 11 });
    await page.reload();
    await gives(page, file("proof.json", made.proof), file("policy.toml", made.policy));
    await page.getByText("You trust what Demo Exchange signed").waitFor();
    await page.fill("#customer", made.customer);
    const times = await page.evaluate(async () => {
      const begun = performance.now();
      const until = async (there) => { while (!there()) await new Promise((done) => setTimeout(done, 1)); return Math.round(performance.now() - begun); };
      document.querySelector("form").requestSubmit();
      const verdict = await until(() => document.querySelector(".card h1"));
      return { verdict, second: await until(() => !document.querySelector(".reasons .awaited")) };
    });
    assert.equal(await result(page), "Included");
    console.log(`${address.split("/").at(-1)}, ${kind}, ${Math.round(made.proof.length / 1000)} KB, processor throttled four times: verdict after ${times.verdict} ms${address === full ? `, second opinion after ${times.second} ms` : ""}`);
  }
  await devtools.send("Emulation.setCPUThrottlingRate", { rate: 1 });
  await opens(page);
  await looksAt(page, "deep");
  await leaves(c);
}

await wholeWay(small, "small", async () => {});
await otherWays();
await byKeyboard();
await confidential();
await withdrawn();
await history();
await otherLanguage();
await everyLanguage();
await throttled(small);
await wholeWay(full, "full", looksAt);
await secondThoughts();
await everyFault();
await throttled(full);
await browser.close();
