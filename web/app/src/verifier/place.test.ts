import assert from "node:assert/strict";
import { test } from "node:test";
import { ed25519 } from "@noble/curves/ed25519.js";
import { bytesOf, fromHex, toHex } from "./canon.ts";
import { trustOf } from "./checkpoint.ts";
import { Register } from "./entries.ts";
import { entryType } from "./entry.ts";
import { signedMessage } from "./envelope.ts";
import { counted, type Found } from "./findings.ts";
import { leafHash, nodeHash } from "./log.ts";
import { bigEndian, hash, tagged } from "./octets.ts";
import { heard, readPlace, stateOf, witnessedFor } from "./place.ts";
import { type Policy, readPolicy } from "./policy.ts";

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
const seed = (name: string): Uint8Array => hash(bytesOf(name));
const publicText = (name: string): string => `ed25519:${toHex(ed25519.getPublicKey(seed(name)))}`;

/** verifierKey is a C2SP key of a log (1) or a witness (4), with the four bytes of its hash. */
function verifierKey(name: string, algorithm: number): { text: string; id: Uint8Array } {
  const decoded = Uint8Array.of(algorithm, ...ed25519.getPublicKey(seed(name)));
  const id = hash(bytesOf(`${name}\n`), decoded).subarray(0, 4);
  return { text: `${name}+${toHex(id)}+${base64(decoded)}`, id };
}

function policyWith(quorum: number, limits = ""): Policy {
  return readPolicy(
    bytesOf(`version = 1
[exchange]
name = "Demo Exchange"
keys = ["${publicText("exchange")}"]
[evidence]
least = "inclusion-proved"
control = ["bound"]
classes = ["native"]
window = "2h"
anchored = false
[liabilities]
recompute = true
[log]
required = false
keys = ["${verifierKey("log.example", 1).text}"]
witnesses = ["${verifierKey("one.example", 4).text}", "${verifierKey("two.example", 4).text}"]
quorum = ${quorum}
${limits}`),
  );
}

function envelopeBy(name: string, payload: string): string {
  const bytes = bytesOf(payload);
  const sig = ed25519.sign(signedMessage({ payload: bytes, payloadType: entryType, signatures: [] }), seed(name));
  return `{"payload":"${base64(bytes)}","payloadType":"${entryType}","signatures":[{"keyid":"${toHex(tagged("assay/v1/key", bytesOf(publicText(name))))}","sig":"${base64(sig)}"}]}`;
}

const digest = (letter: string): string => letter.repeat(64);
const told = (kind: string, statement: string, issued: string, text: string, by = "exchange"): string =>
  envelopeBy(by, `{"exchange":"Demo Exchange","issued":"${issued}","kind":"${kind}","statement":"${statement}","text":"${text}","type":"assay/v1/entry"}`);
const entered = (statement: string, series: string, by = "exchange"): string =>
  envelopeBy(
    by,
    `{"envelope":"${digest("e")}","exchange":"Demo Exchange","instant":"2026-11-01T00:00:00Z","issued":"2026-11-01T02:00:00Z","kind":"statement","period":"2026-10","series":${series},"snapshot":"${digest("5")}","statement":"${statement}","type":"assay/v1/entry"}`,
  );
const superseding = entered(digest("b"), `{"name":"monthly","number":1,"previous":"${digest("a")}","supersedes":{"reason":"a wrong total","statement":"${digest("a")}"}}`);

/** treeOf is MTH of RFC 6962, with each leaf's path. */
function treeOf(leaves: Uint8Array[]): { root: Uint8Array; paths: Uint8Array[][] } {
  if (leaves.length === 1) return { root: leaves[0]!, paths: [[]] };
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  const left = treeOf(leaves.slice(0, split));
  const right = treeOf(leaves.slice(split));
  return { root: nodeHash(left.root, right.root), paths: [...left.paths.map((path) => [...path, right.root]), ...right.paths.map((path) => [...path, left.root])] };
}

/** placesOf enters entries in a log, and gives the tlog-proof of each, cosigned at second 1793500000 and one later. */
function placesOf(entries: string[], witnesses: string[]): string[] {
  const { root, paths } = treeOf(entries.map((entry) => leafHash(bytesOf(entry))));
  const text = `log.example\n${entries.length}\n${base64(root)}\n`;
  const line = (name: string, algorithm: number, signature: Uint8Array): string => `— ${name} ${base64(Uint8Array.from([...verifierKey(name, algorithm).id, ...signature]))}\n`;
  const lines = [line("log.example", 1, ed25519.sign(bytesOf(text), seed("log.example")))];
  witnesses.forEach((name, i) => {
    const seconds = 1793500000 + i;
    const cosigned = ed25519.sign(bytesOf(`cosignature/v1\ntime ${seconds}\n${text}`), seed(name));
    lines.push(line(name, 4, Uint8Array.from([...bigEndian(seconds, 8), ...cosigned])));
  });
  return paths.map((path, index) => `c2sp.org/tlog-proof@v1\nindex ${index}\n${path.map((each) => `${base64(each)}\n`).join("")}\n${text}\n${lines.join("")}`);
}

function noticesOf(entries: string[], witnesses = ["one.example", "two.example"]): Uint8Array[] {
  return placesOf(entries, witnesses).map((proof, i) => bytesOf(`{"entry":${entries[i]},"proof":"${base64(bytesOf(proof))}"}`));
}

test("what notices say of a statement: withdrawn is for good, then what supersedes, then the last erratum", () => {
  const policy = policyWith(2);
  const said = (entries: string[]) => stateOf(digest("a"), heard(noticesOf([entered(digest("a"), '{"name":"monthly","number":0}'), ...entries]).reverse(), policy));
  const errata = [told("erratum", digest("a"), "2026-11-03T00:00:00Z", "one word"), told("erratum", digest("a"), "2026-11-02T00:00:00Z", "another word")];
  const withdrawal = told("withdrawal", digest("a"), "2026-11-04T00:00:00Z", "why");
  assert.equal(said([]), undefined);
  assert.deepEqual(said(errata), { state: "erratum", text: "another word", issued: "2026-11-02T00:00:00Z" });
  assert.deepEqual(said([superseding, ...errata]), { state: "superseded", text: "a wrong total", issued: "2026-11-01T02:00:00Z", by: digest("b") });
  assert.deepEqual(said([withdrawal, superseding, ...errata]), { state: "withdrawn", text: "why", issued: "2026-11-04T00:00:00Z" });
  assert.equal(said([told("withdrawal", digest("b"), "2026-11-04T00:00:00Z", "another statement")]), undefined);
  assert.equal(said([told("withdrawal", digest("a"), "2026-11-04T00:00:00Z", "why", "stranger")]), undefined);
});

test("in a log too, what was withdrawn stays withdrawn, though a later statement supersedes it", () => {
  const register = new Register(policyWith(0));
  const entries = [entered(digest("a"), '{"name":"monthly","number":0}'), told("withdrawal", digest("a"), "2026-11-04T00:00:00Z", "why"), superseding];
  assert.deepEqual(entries.map((entry, i) => register.enter(i, bytesOf(entry))), [undefined, undefined, undefined]);
  assert.deepEqual([...register.statements.values()].map(({ state }) => state), ["withdrawn", "published"]);
});

test("a notice that does not verify shows nothing", () => {
  const entries = [told("withdrawal", digest("a"), "2026-11-04T00:00:00Z", "why"), superseding];
  const seen = (policy: Policy, notice: Uint8Array) => stateOf(digest("a"), heard([notice], policy))?.state;
  const [notice] = noticesOf(entries) as [Uint8Array];
  assert.equal(seen(policyWith(2), notice), "withdrawn");
  for (let at = 0; at < notice.length; at += 7) assert.equal(seen(policyWith(2), notice.with(at, notice[at]! ^ 1)), undefined, `byte ${at}`);
  assert.equal(seen(policyWith(2), noticesOf(entries, ["one.example"])[0]!), undefined);
  assert.equal(seen(policyWith(1), noticesOf(entries, ["one.example"])[0]!), "withdrawn");
  const { log: _, ...noLog } = policyWith(2);
  assert.deepEqual(heard([notice], noLog), []);
});

test("a revoked key's withdrawal counts if witnesses saw it before", () => {
  const revoked = (at: string): Policy => policyWith(2, `[[key]]\nkey = "${publicText("exchange")}"\nrevoked = "${at}"\n`);
  const notices = noticesOf([told("withdrawal", digest("a"), "2026-10-01T00:00:00Z", "why")]);
  const seen = (policy: Policy) => stateOf(digest("a"), heard(notices, policy))?.state;
  assert.equal(seen(revoked("2026-11-01T02:26:42Z")), "withdrawn"); // the second witness saw it a second before
  assert.equal(seen(revoked("2026-11-01T02:26:41Z")), undefined);
});

test("the witnessed time is the quorum's, and dates the envelope that the entry names", () => {
  const entries = [entered(digest("a"), '{"name":"monthly","number":0}')];
  const place = (quorum: number) => readPlace(bytesOf(entries[0]!), bytesOf(placesOf(entries, ["one.example", "two.example"])[0]!), policyWith(quorum).log);
  assert.deepEqual([0, 1, 2].map((quorum) => place(quorum).witnessed), [undefined, "2026-11-01T02:26:40Z", "2026-11-01T02:26:41Z"]);
  assert.equal(witnessedFor(place(1), fromHex(digest("e"))), "2026-11-01T02:26:40Z");
  assert.equal(witnessedFor(place(1), fromHex(digest("f"))), undefined);
  assert.deepEqual(place(1).witnesses, ["one.example", "two.example"]);
});

test("verifier keys are what they say", () => {
  const log = verifierKey("log.example", 1).text;
  const one = verifierKey("one.example", 4).text;
  const refused: [string[], string[]][] = [
    [[one], []], // a witness is no log
    [[log], [log]],
    [[log.replace("log.", "lag.")], []],
    [[log.replace("+", " ")], []],
    [[log], [one, one]],
    [[""], []],
  ];
  for (const [keys, witnesses] of refused) assert.throws(() => trustOf({ keys, witnesses, quorum: 0 }), /log\.(?:keys|witnesses)/);
  assert.equal(trustOf({ keys: [log], witnesses: [one], quorum: 1 }).logs[0]!.name, "log.example");
});

test("a finding counts a row only if the policy knows its auditor, and asks for it", () => {
  const found: Found = { auditor: "A", known: true, scope: "all", failed: [], recomputed: true };
  const policy = (recompute: boolean, finding: boolean): Policy => ({ ...policyWith(0), recompute, finding });
  assert.equal(counted([found], policy(true, true)), "A");
  assert.equal(counted([found], policy(true, false)), undefined);
  assert.equal(counted([found], policy(false, false)), "A");
  assert.equal(counted([{ ...found, known: false }, { ...found, recomputed: false }], policy(false, true)), undefined);
});
