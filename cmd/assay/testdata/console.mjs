// Drives a browser through the console of a served exchange; see console_test.go.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { browse } from "./browser.mjs";

const { ORIGIN, ADA, BOB, ASSAY, SHOTS } = process.env;
const elsewhere = ORIGIN.replace("assay.example", "evil.assay.example");
const { browser, visitor, steady, looksAt, press, types, looked } = await browse(process.env);

async function authenticator(v) {
  v.devtools = await v.context.newCDPSession(v.page);
  await v.devtools.send("WebAuthn.enable");
  await addsAuthenticator(v);
}

async function addsAuthenticator(v) {
  const options = { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true };
  v.authenticatorId = (await v.devtools.send("WebAuthn.addVirtualAuthenticator", { options })).authenticatorId;
}

const pathOf = (v) => new URL(v.page.url()).pathname;
const text = (v) => v.page.locator("main").innerText();

async function enrols(v, link, name) {
  await authenticator(v);
  await v.page.goto(link);
  assert.equal(new URL(v.page.url()).hash, "", "the invitation stays in the address");
  await looksAt(v, "invitation");
  await press(v, "Continue");
  await v.page.getByRole("heading", { level: 1, name: "Welcome, " + name }).waitFor();
  await looksAt(v, "enrol");
  await press(v, "Make a passkey");
  await v.page.getByRole("heading", { level: 1, name: "Keep these codes" }).waitFor();
  await looksAt(v, "codes");
  await press(v, "I have kept them");
  await v.page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
}

async function signsOut(v) {
  await v.page.getByRole("button", { name: "Sign out" }).click();
  await v.page.getByRole("heading", { level: 1, name: "Sign in" }).waitFor();
}

// says waits until the page says something, and shows the passkey on the way there if it is asked for: on a slow machine it was shown long ago by then.
async function says(v, text) {
  const asked = v.page.getByRole("heading", { level: 1, name: "Show your passkey" }), said = v.page.getByText(text).first();
  await asked.or(said).first().waitFor();
  if (await asked.count() > 0) await v.page.getByRole("button", { name: "Show the passkey" }).click();
  await said.waitFor();
}

function totp(secret, step) {
  let bits = "";
  for (const c of secret.replaceAll(" ", "")) bits += "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac("sha1", key).update(counter).digest();
  return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

const step = () => Math.floor(Date.now() / 30_000);

// Two people enrol by the links that they were given, and sign in by their passkeys.
const ada = await visitor(), bob = await visitor();
await enrols(ada, ADA, "Ada Example");
await enrols(bob, BOB, "Bob Example");
await signsOut(ada);
await looksAt(ada, "sign-in");

// Whoever holds the authenticator is not verified: nobody is signed in.
await ada.devtools.send("WebAuthn.setUserVerified", { authenticatorId: ada.authenticatorId, isUserVerified: false });
await press(ada, "Sign in by passkey");
await ada.page.getByRole("alert").getByText("No passkey was shown").waitFor();
await looksAt(ada, "sign-in-refused");
await ada.devtools.send("WebAuthn.setUserVerified", { authenticatorId: ada.authenticatorId, isUserVerified: true });

// A page of another origin has the passkey shown to it, and is of no use.
await ada.page.goto(elsewhere + "/console/sign-in");
const status = await ada.page.evaluate(async () => {
  const { options } = await (await fetch("/v1/auth/passkey:begin", { method: "POST" })).json();
  const shown = (await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) })).toJSON();
  const { clientDataJSON, authenticatorData, signature, userHandle } = shown.response;
  const credential = { id: shown.id, rawId: shown.rawId, type: shown.type, response: { clientDataJSON, authenticatorData, signature, userHandle } };
  return (await fetch("/v1/auth/passkey", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ credential }) })).status;
});
assert.equal(status, 401);
await ada.page.getByRole("button", { name: "Sign in by passkey" }).click();
await ada.page.getByText("This form was not sent by a page of this console").waitFor();

// With the keyboard: a password beside the passkey, a report is asked for, and it is followed live by a browser without script.
await ada.page.goto(ORIGIN + "/console/account/password");
await press(ada, "Sign in by passkey");
await ada.page.waitForURL(ORIGIN + "/console/account/password");
await ada.page.getByRole("heading", { level: 1, name: "Password and second factor" }).waitFor();
await looksAt(ada, "password");
const secret = await ada.page.locator(".factor code").innerText();
const first = step();
await types(ada, "New password", "correct horse battery staple");
await types(ada, "Code", totp(secret, first));
await press(ada, "Set it");
await ada.page.getByText("It was changed.").waitFor();
await press(ada, "Runs");
await ada.page.getByRole("heading", { level: 1, name: "Runs" }).waitFor();
await press(ada, "Ask for a report");
await ada.page.getByRole("heading", { level: 1, name: "Ask for a report" }).waitFor();
await looksAt(ada, "run-new");
await types(ada, "Period", "2026-11");
await types(ada, "Instant of the snapshot", "2026-11-15");
await press(ada, "Ask for it");
await ada.page.getByText("A time of UTC such as").first().waitFor();
assert.equal(await ada.page.getByLabel("Instant of the snapshot").getAttribute("aria-invalid"), "true");
await looksAt(ada, "run-new-refused");
await ada.page.getByLabel("Instant of the snapshot").fill("2026-11-15T00:00:00Z");
await press(ada, "Ask for it");
await ada.page.getByText("The run was asked for.").waitFor();
const run = pathOf(ada);
const plain = await visitor({ javaScriptEnabled: false, storageState: await ada.context.storageState() });
await plain.page.goto(ORIGIN + run);
await plain.page.getByRole("link", { name: "Follow it live" }).click();
await plain.page.getByText("waiting for approvals of the draft").waitFor({ timeout: 60_000 });
await plain.page.getByRole("link", { name: "Stop following" }).click();
assert.equal(new URL(plain.page.url()).search, "");
await ada.page.goto(ORIGIN + run + "?follow");
await looksAt(ada, "run-live");
await ada.page.getByRole("link", { name: "Stop following" }).click();
await ada.page.getByRole("link", { name: "Follow it live" }).waitFor();

// Two approvers sign the draft's file on machines of their own; what they wrote is handed in.
await ada.page.goto(ORIGIN + run + "/draft");
assert.match(await text(ada), /2 more approvals are needed/);
assert.match(await text(ada), /savings/, "the difference to the former period is not shown");
await looksAt(ada, "draft-missing");
async function approves(v, name) {
  const [file] = await Promise.all([v.page.waitForEvent("download"), v.page.getByRole("link", { name: "the draft's file" }).click()]);
  await file.saveAs(name);
  for (const key of ["p0", "p1"]) {
    const signed = () => readdirSync(".").filter((name) => /^approval-.*\.dsse\.json$/.test(name));
    for (const name of signed()) rmSync(name); // of a draft before
    execFileSync(ASSAY, ["approve", name, "--key", `file:${key}.age`, "--yes", "--identity-file", "id.txt"], { stdio: "pipe" });
    await v.page.getByLabel("What the approver signed").setInputFiles(signed());
    await v.page.getByRole("button", { name: "Hand it in" }).click();
    await says(v, "The approval was taken.");
    await v.page.goto(ORIGIN + pathOf(v)); // without what was taken
  }
}
await approves(ada, "draft.json");
await looksAt(ada, "draft");

// From signing in to publishing by the keyboard alone. By a password it takes the passkey on the way, and the form goes on after it.
await signsOut(ada);
await types(ada, "Name", "ada");
await types(ada, "Password", "correct horse battery staple");
await types(ada, "Code", totp(secret, first + 1));
await press(ada, "Sign in by password");
await ada.page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
await looksAt(ada, "overview");
await press(ada, "Skip to content");
await press(ada, "2026-11");
await ada.page.waitForURL("**" + run);
await press(ada, "Read the draft");
await ada.page.waitForURL("**/draft");
await press(ada, "I have read this draft", "Space");
await press(ada, "Publish it");
await ada.page.getByRole("heading", { level: 1, name: "Show your passkey" }).waitFor();
await looksAt(ada, "step-up");
await press(ada, "Show the passkey");
await ada.page.getByText("The draft is to be published.").waitFor();
await ada.page.goto(ORIGIN + run + "?follow");
await ada.page.getByRole("link", { name: /^[0-9a-f]{64}$/ }).waitFor({ timeout: 60_000 }); // it is over, and follows no more
await looksAt(ada, "run-published");

// What takes two people: Ada proposes a client's change, and a person; Bob confirms, and is shown the link this once.
await ada.page.goto(ORIGIN + "/console/clients/new");
await ada.page.getByLabel("Name").fill("Statement mirror");
await ada.page.getByLabel("viewer").check();
await looksAt(ada, "client-new");
await ada.page.getByRole("button", { name: "Make the client" }).click();
await ada.page.getByText("It was made.").waitFor();
const client = pathOf(ada);
await ada.page.goto(ORIGIN + client + "/key");
await ada.page.getByLabel("What it is for").fill("reads runs");
await looksAt(ada, "key-new");
await ada.page.getByLabel("run:read").check();
await ada.page.getByLabel("Why it is needed").fill("The mirror follows what is published.");
await ada.page.getByRole("button", { name: "Propose: Make the key" }).click();
await ada.page.getByText("It was proposed.").waitFor();
const keyProposal = pathOf(ada);
await ada.page.goto(ORIGIN + "/console/people/new");
await looksAt(ada, "person-new");
await ada.page.getByLabel("Name", { exact: false }).first().fill("Carol Example");
await ada.page.getByLabel("Name to sign in by").fill("carol");
await ada.page.getByLabel("auditor").check();
await ada.page.getByLabel("Why it is needed").fill("She audits this year's reports.");
await ada.page.getByRole("button", { name: "Propose: Invite them" }).click();
await ada.page.getByRole("alert").waitFor();
await looksAt(ada, "person-new-refused");
await ada.page.getByLabel("Until", { exact: true }).fill(new Date(Date.now() + 90 * 86_400_000).toISOString().slice(0, 19) + "Z");
await ada.page.getByRole("button", { name: "Propose: Invite them" }).click();
await ada.page.getByText("It was proposed.").waitFor();
await looksAt(ada, "proposal-own");
const proposal = pathOf(ada);
await bob.page.goto(ORIGIN + "/console/proposals");
await looksAt(bob, "proposals");
await bob.page.goto(ORIGIN + proposal);
await looksAt(bob, "proposal");
await press(bob, "Confirm");
await bob.page.getByRole("heading", { level: 1, name: "An invitation for Carol Example" }).waitFor();
await looksAt(bob, "once-person");
const invitation = await bob.page.locator(".secret code").innerText();
assert.ok(invitation.startsWith(ORIGIN + "/console/invitation#"));
await bob.page.goto(ORIGIN + keyProposal);
await bob.page.getByRole("button", { name: "Confirm" }).click();
await bob.page.getByRole("heading", { level: 1, name: "The key, this once" }).waitFor();
await looksAt(bob, "once-key");
await bob.page.getByRole("link", { name: "I have kept it" }).click();
await bob.page.getByRole("heading", { level: 1, name: "Key reads runs" }).waitFor();
await looksAt(bob, "key");

// An auditor, who was invited just now, hands in what she found of the report of October.
async function reads(v, period) {
  await v.page.goto(ORIGIN + "/console/reports");
  await v.page.getByRole("link", { name: period }).first().click();
  await v.page.getByRole("heading", { level: 1, name: "Report of " + period }).waitFor();
}
async function published(v) {
  await v.page.goto(ORIGIN + pathOf(v) + "?follow");
  await v.page.getByText("Follow it live").or(v.page.getByText("Stop following")).waitFor({ state: "detached", timeout: 60_000 }); // it is over
  await v.page.locator(".lead .state.published").waitFor();
}
const carol = await visitor();
await enrols(carol, invitation, "Carol Example");
await reads(carol, "2026-10");
await looksAt(carol, "report-auditor");
await carol.page.getByLabel("What the auditor signed").setInputFiles("finding.dsse.json");
await carol.page.getByRole("button", { name: "Hand it in" }).click();
await says(carol, "The finding was handed in.");
await published(carol);
await looksAt(carol, "run-finding");

// It is withdrawn, with the word of those who approve.
await reads(ada, "2026-10");
await ada.page.getByLabel("Why it is withdrawn").fill("A wallet was counted twice.");
await ada.page.getByRole("button", { name: "Ask for the withdrawal" }).click();
await says(ada, "The withdrawal was asked for.");
const withdrawal = pathOf(ada);
await ada.page.goto(ORIGIN + withdrawal + "?follow");
await ada.page.getByText("waiting for approvals of the withdrawal").first().waitFor({ timeout: 60_000 });
await ada.page.goto(ORIGIN + withdrawal + "/draft");
await ada.page.getByText("A wallet was counted twice.").first().waitFor();
await looksAt(ada, "draft-withdrawal");
await approves(ada, "withdrawal.json");
await ada.page.goto(ORIGIN + withdrawal);
await published(ada);
await looksAt(ada, "run-withdrawal");
await reads(ada, "2026-10");
await ada.page.getByText("A wallet was counted twice.").first().waitFor();
assert.equal(await ada.page.getByRole("button", { name: "Ask for the withdrawal" }).count(), 0, "what is withdrawn can be withdrawn");
await looksAt(ada, "report-withdrawn");

// Every other page.
for (const name of ["runs", "reports", "clients", "people", "limits", "audit", "usage", "account", "proposals"]) {
  await ada.page.goto(ORIGIN + "/console/" + name);
  await looksAt(ada, name === "proposals" ? "proposals-own" : name);
}
await ada.page.goto(ORIGIN + client);
await looksAt(ada, "client");
await ada.page.goto(ORIGIN + client + "/change");
await looksAt(ada, "client-change");
await ada.page.goto(ORIGIN + "/console/people");
await ada.page.getByRole("link", { name: "Bob Example" }).click();
await looksAt(ada, "person");
await ada.page.goto(ORIGIN + "/console/reports");
await ada.page.locator("tbody a").first().click();
await looksAt(ada, "report");
await ada.page.goto(ORIGIN + "/console/limits/runs");
await looksAt(ada, "limit");
await ada.page.goto(ORIGIN + "/console/no/such/page");
await looksAt(ada, "not-found");
await bob.page.goto(ORIGIN + "/console/runs/new");
assert.match(await text(bob), /needs run:start/);
await looksAt(bob, "not-permitted");
const nobody = await visitor();
await nobody.page.goto(ORIGIN + "/console/recovery");
await looksAt(nobody, "recovery");

// Ada adds a second passkey, of another authenticator, signs in by it, and removes the first, which lets nobody in any more.
const [former] = (await ada.devtools.send("WebAuthn.getCredentials", { authenticatorId: ada.authenticatorId })).credentials;
await ada.page.goto(ORIGIN + "/console/account");
await signsOut(ada);
await press(ada, "Sign in by passkey");
await ada.page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
await ada.devtools.send("WebAuthn.removeVirtualAuthenticator", { authenticatorId: ada.authenticatorId });
await addsAuthenticator(ada);
await ada.page.goto(ORIGIN + "/console/account");
await ada.page.getByLabel("What to call this passkey").fill("A key in the drawer");
await press(ada, "Add a passkey");
await ada.page.getByText("The passkey was added.").waitFor();
await looksAt(ada, "account-two-passkeys");
await signsOut(ada);
await press(ada, "Sign in by passkey");
await ada.page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
await ada.page.goto(ORIGIN + "/console/account");
assert.equal(await ada.page.getByRole("button", { name: /^Remove the passkey/ }).count(), 2);
await ada.page.getByRole("button", { name: "Remove the passkey This device" }).click();
await says(ada, "It was removed.");
assert.equal(await ada.page.getByRole("button", { name: /^Remove the passkey/ }).count(), 1);
await signsOut(ada);
await ada.devtools.send("WebAuthn.clearCredentials", { authenticatorId: ada.authenticatorId });
await ada.devtools.send("WebAuthn.addCredential", { authenticatorId: ada.authenticatorId, credential: { ...former, signCount: former.signCount + 100 } });
await press(ada, "Sign in by passkey");
await ada.page.getByText("Nobody is signed in by that.").waitFor();

// A copy of Bob's passkey, whose count stays behind, lets nobody in.
const [kept] = (await bob.devtools.send("WebAuthn.getCredentials", { authenticatorId: bob.authenticatorId })).credentials;
await signsOut(bob);
await press(bob, "Sign in by passkey");
await bob.page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
await signsOut(bob);
await bob.devtools.send("WebAuthn.clearCredentials", { authenticatorId: bob.authenticatorId });
await bob.devtools.send("WebAuthn.addCredential", { authenticatorId: bob.authenticatorId, credential: { ...kept, signCount: Math.max(0, kept.signCount - 1) } });
await press(bob, "Sign in by passkey");
await bob.page.getByText("Nobody is signed in by that.").waitFor();
await looksAt(bob, "sign-in-cloned");

for (const v of [ada, bob, carol, plain, nobody]) {
  const foreign = v.asked.filter((url) => ![ORIGIN, elsewhere].includes(new URL(url).origin));
  assert.deepEqual(foreign, [], "something was asked of elsewhere");
  assert.deepEqual(v.faults, []);
}
if (process.env.ASSAY_SCREENSHOTS) writeFileSync(SHOTS + "/README", "What the console looks like: light, dark, and 320 pixels wide. Made by TestConsoleInABrowser.\n");
console.log(`${looked()} pages were looked at, light, dark and narrow`);
await browser.close();
