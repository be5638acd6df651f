// Run by cmd/assay/typescript_test.go, which compiles the client: node --test. VECTORS is the folder of the verifier's vectors.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { Client, readKeyList, readReceipt, readWebhook, receipt, Refused, verify } from "./assay-client.js";

const bytes = (text) => new TextEncoder().encode(text);

/** trustOf reads of a policy what this client has of it: the exchange, its keys and their limits. */
function trustOf(policy) {
  const name = /^name = "(.*)"$/m.exec(policy)[1];
  const keys = /^keys = \[(.*)\]$/m.exec(policy)[1].match(/[a-z0-9]+:[0-9a-f]+/g).map((key) => ({ key }));
  for (const section of policy.split("[[key]]\n").slice(1)) {
    const lines = Object.fromEntries([...section.matchAll(/^(\w+) = "(.*)"$/gm)].map(([, k, v]) => [k, v]));
    Object.assign(keys.find((k) => k.key === lines.key), lines);
  }
  return { exchange: name, keys };
}

/** judge says which check a kept answer fails, or pass. */
async function judge(v) {
  try {
    const answer = readReceipt(bytes(v.receipt));
    const list = await readKeyList(bytes(v.keys), trustOf(v.policy));
    await verify(answer, list, { now: Date.parse(v.now), fresh: v.fresh ?? false });
    return "pass";
  } catch (e) {
    if (e instanceof Refused) return e.check;
    throw e;
  }
}

const vectors = readdirSync(process.env.VECTORS).map((name) => [name, JSON.parse(readFileSync(join(process.env.VECTORS, name), "utf8"))]);

test("vectors", async () => {
  assert.ok(vectors.length >= 250, `${vectors.length} vectors`);
  for (const [name, v] of vectors) assert.equal(await judge(v), v.expect, `${name}: ${v.comment}`);
});

test("a receipt is written as it was read", async () => {
  for (const [name, v] of vectors) {
    if (v.expect !== "pass" || /not-covered/.test(name)) continue;
    assert.equal(receipt(readReceipt(bytes(v.receipt))), v.receipt, name);
  }
});

/** p256 makes a key list that a P-256 key signed, and that key. */
async function p256(respelled) {
  const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
  const point = Buffer.from(await crypto.subtle.exportKey("raw", pair.publicKey));
  const key = `p256:0${2 + (point[64] & 1)}${point.subarray(1, 33).toString("hex")}`;
  const v = vectors.find(([name]) => name === "happy-list.json")[1];
  const envelope = JSON.parse(v.keys);
  const payload = Buffer.from(envelope.payload, "base64");
  const message = Buffer.concat([bytes(`DSSEv1 ${envelope.payloadType.length} ${envelope.payloadType} ${payload.length} `), payload]);
  const sig = Buffer.from(await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, pair.privateKey, message));
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const s = BigInt(`0x${sig.subarray(32).toString("hex")}`);
  if (s > order / 2n !== respelled) sig.set(Buffer.from((order - s).toString(16).padStart(64, "0"), "hex"), 32);
  const id = Buffer.from(await crypto.subtle.digest("SHA-256", bytes(`assay/v1/key\0${key}`))).toString("hex");
  envelope.signatures = [{ keyid: id, sig: sig.toString("base64") }];
  return { raw: bytes(JSON.stringify(envelope)), trust: { exchange: "Demo Exchange", keys: [{ key }] }, v };
}

test("a key list signed by a key of P-256", async () => {
  for (let i = 0; i < 8; i++) { // both signs of y
    const { raw, trust, v } = await p256(false);
    await verify(readReceipt(bytes(v.receipt)), await readKeyList(raw, trust), { now: Date.parse(v.now), fresh: true, nonce: "" });
    const other = await p256(false);
    await assert.rejects(readKeyList(raw, other.trust), { check: "response.keys" });
    const respelled = await p256(true);
    await assert.rejects(readKeyList(respelled.raw, respelled.trust), { check: "response.keys" });
  }
});

test("a nonce is the one that was asked for", async () => {
  for (const [name, good, bad] of [["happy-with-a-nonce.json", "0123456789-_abcDEF", ""], ["happy-list.json", "", "0123456789abcdef"]]) {
    const v = vectors.find(([n]) => n === name)[1];
    const list = await readKeyList(bytes(v.keys), trustOf(v.policy));
    const asked = (nonce) => verify(readReceipt(bytes(v.receipt)), list, { now: Date.parse(v.now), fresh: true, nonce });
    await asked(good);
    await assert.rejects(asked(bad), { check: "response.time" });
  }
});

test("a webhook", async () => {
  const trust = { exchange: "Demo Exchange", keys: [{ key: process.env.KEY }] };
  const client = new Client(process.env.SERVER, trust);
  const told = JSON.parse(process.env.WEBHOOK);
  const a = (altered = {}) => ({ url: told.url, headers: told.headers, content: Uint8Array.from(atob(told.content), (c) => c.charCodeAt(0)), ...altered });
  const w = await client.webhook(a());
  assert.deepEqual(w, { at: w.at, event: "key.revoked", exchange: "Demo Exchange", id: "1-1", object: "k" });
  await assert.rejects(client.webhook(a({ url: "https://other.example/hook?x" })), { check: "response.signature" });
  await assert.rejects(client.webhook(a({ content: bytes("{}") })), { check: "response.digest" });
  await assert.rejects(client.webhook(a({ headers: told.headers.filter(([name]) => name !== "signature") })), { check: "response.format" });
  const header = (name, old, altered) => told.headers.map(([n, v]) => [n, n === name ? v.replace(old, altered) : v]);
  await assert.rejects(client.webhook(a({ headers: header("signature-input", "webhook-1", "response-1") })), { check: "response.format" });
  await assert.rejects(client.webhook(a({ headers: header("signature-input", "created=1", "created=2") })), { check: "response.signature" });
  await assert.rejects(readWebhook(a(), await client.keys(), Date.now() + 301_000), { check: "response.time" });
  await assert.rejects(readWebhook(a(), await client.keys(), Date.now() - 120_000), { check: "response.time" });
  await assert.rejects(readWebhook(a(), { ...(await client.keys()), exchange: "Other Exchange" }, Date.now()), { check: "response.format" });
});

// SERVER is a real one, whose key is KEY; its certificate is believed by NODE_EXTRA_CA_CERTS.
test("a server", async () => {
  const trust = { exchange: "Demo Exchange", keys: [{ key: process.env.KEY }] };
  const client = new Client(process.env.SERVER, trust);
  for (const [path, status] of [["/v1/reports?limit=1", 200], ["/", 200], ["/bundle.zip", 200], ["/v1/nothing", 404], ["/v1/reports?limit=x", 422]]) {
    const answer = await client.get(path, path === "/" ? "0123456789abcdef" : "");
    assert.equal(answer.status, status, path);
    const kept = readReceipt(bytes(receipt(answer)));
    assert.deepEqual((await verify(kept, await client.keys(), { now: Date.now(), fresh: true })).keyid, answer.signed.keyid);
  }
  const stranger = new Client(process.env.SERVER, { ...trust, keys: [{ key: `ed25519:${"11".repeat(32)}` }] });
  await assert.rejects(stranger.get("/"), { check: "response.keys" });
  const cut = new Client(process.env.SERVER, trust, async (url, init) => {
    const r = await fetch(url, init);
    const headers = new Headers(r.headers);
    if (url.endsWith("/v1/health")) headers.delete("signature");
    return new Response(await r.arrayBuffer(), { status: r.status, headers });
  });
  await cut.get("/v1/reports");
  await assert.rejects(cut.get("/v1/health"), { check: "response.format" });
});
