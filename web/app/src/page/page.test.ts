import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import type { Check, Verdict } from "../verdict.ts";
import type { History } from "../verifier/history.ts";
import { readPolicy } from "../verifier/policy.ts";
import { vectors } from "../verifier/vectors.ts";
import { verifyProof } from "../verifier/verify.ts";
import { inputs, type Checked } from "./check.ts";
import { minus, shown, typed } from "./exact.ts";
import { NotTaken, told, type Given } from "./given.ts";
import { unzipped } from "./gzip.ts";
import { tally } from "./history.ts";
import { carried, linked } from "./link.ts";
import { agree, outcome } from "./outcome.ts";
import { keyIn, policyOf } from "./trust.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const base64url = (data: Uint8Array): string => Buffer.from(data).toString("base64url");

test("amounts keep every digit in every language", () => {
  const long = "340282366920938463463.374607431768211455";
  assert.equal(shown(long, "en"), "340,282,366,920,938,463,463.374607431768211455");
  assert.equal(shown(long, "tr"), "340.282.366.920.938.463.463,374607431768211455");
  for (const locale of ["en", "es", "pt", "tr", "zh", "ar", "ar-EG"]) {
    for (const decimal of [long, "0", "0.00000001", "1234.5", "999", "1000", "12345678901234567890"]) assert.equal(typed(shown(decimal, locale), locale), decimal, locale);
  }
  assert.equal(shown("-1234.5", "en"), "−1,234.5");
  assert.equal(shown("what", "en"), "what");
});

test("what could mean two things is not taken for one", () => {
  const read: [text: string, locale: string, want: string | undefined][] = [
    ["1234.5", "en", "1234.5"], ["1,234.5", "en", "1234.5"], [" 1 234.50 ", "en", "1234.5"], [".5", "en", "0.5"], ["007", "en", "7"], ["٠٫٥", "ar-EG", "0.5"], ["0.5", "ar-EG", "0.5"],
    ["1,5", "en", undefined], ["1,23,4", "en", undefined], ["1.2.3", "en", undefined], ["1e3", "en", undefined], ["-1", "en", undefined], ["", "en", undefined], ["BTC", "en", undefined], ["1.", "en", undefined],
    ["1,5", "tr", "1.5"], ["1,2.3", "ar-EG", undefined], ["1.5", "tr", undefined], ["1.234", "tr", "1234"],
  ];
  for (const [text, locale, want] of read) assert.equal(typed(text, locale), want, `${text} in ${locale}`);
});

test("differences are exact", () => {
  assert.equal(minus("0.3", "0.1"), "0.2");
  assert.equal(minus("0.1", "0.3"), "-0.2");
  assert.equal(minus("340282366920938463463.374607431768211455", "340282366920938463463.374607431768211454"), "0.000000000000000001");
  assert.equal(minus("5", "5.0"), "0");
  assert.equal(minus("1000", "1"), "999");
});

test("files are told apart by what is in them", async () => {
  const { proof, policy } = vectors<{ proof: string; policy: string }>("proof").find((one) => one.name === "proof/happy-log")!;
  const json = JSON.parse(proof) as { envelope: object; statement: string; log: { entry: string; proof: string } };
  const all = async (text: string | Uint8Array) => told(typeof text === "string" ? bytes(text) : text, "file");
  const of = async (text: string | Uint8Array) => (await all(text))[0]!;
  const one = await of(proof);
  assert.deepEqual([one.kind, one.claims.exchange, one.claims.period, one.claims.about], ["proof", "Demo Exchange", "2026-10", json.statement]);
  assert.deepEqual((await of(gzipSync(proof))).bytes, bytes(proof));
  const statement = await of(JSON.stringify(json.envelope));
  assert.deepEqual([statement.kind, statement.claims.about], ["statement", json.statement]);
  assert.equal((await of(policy)).kind, "policy");
  assert.equal((await of(JSON.stringify(json.log))).kind, "notice");
  assert.equal((await of(proof.slice(0, -9))).kind, "proof");
  const answer = JSON.stringify({ content: Buffer.from(proof).toString("base64"), type: "assay/v1/receipt" });
  const answered = await of(answer);
  assert.deepEqual([answered.kind, answered.claims.answer, answered.bytes], ["proof", answer, bytes(proof)]);
  const finding = JSON.stringify({ payload: Buffer.from(JSON.stringify({ predicateType: "https://github.com/assay-por/assay/finding/v1", subject: [{ digest: { sha256: json.statement }, name: "statement" }] })).toString("base64") });
  assert.deepEqual([(await of(finding)).kind, (await of(finding)).claims.about], ["finding", json.statement]);
  const receipt = JSON.stringify({ type: "assay/v1/page-receipt", proof, statement: JSON.stringify(json.envelope), policy, answer });
  assert.deepEqual((await all(receipt)).map((one) => one.kind), ["proof", "statement"]);
  assert.deepEqual([(await of(receipt)).claims.answer, (await of(receipt)).bytes], [answer, bytes(proof)]);
  const refused: [string | Uint8Array, string][] = [
    ["", "given.empty"], ["assay/v1/confidential-proof\n", "given.part"], [" \n", "given.empty"], ["hello", "given.unknown"], ["{}", "given.unknown"], ["[1]", "given.unknown"], ["PK\u0003\u0004", "given.zip"], ["age-encryption.org/v1\n", "given.sealed"],
    [Uint8Array.of(0x1f, 0x8b, 8, 0), "given.gzip"], [JSON.stringify({ content: "", type: "assay/v1/receipt" }), "given.answer"],
  ];
  for (const [text, key] of refused) await assert.rejects(of(text), (e) => e instanceof NotTaken && e.key === key, key);
});

test("what is packed is unpacked up to a limit", async () => {
  const packed = gzipSync(Buffer.alloc(1 << 20, 32));
  assert.equal((await unzipped(packed, 1 << 20)).length, 1 << 20);
  await assert.rejects(unzipped(packed, (1 << 20) - 1));
});

test("a link carries files behind its #", () => {
  const proof = bytes('{"type":"assay/v1/proof"}'), policy = bytes("version = 1");
  assert.deepEqual(carried(`#proof=${base64url(proof)}&policy=${base64url(policy)}&proof=${base64url(policy)}&other=AA`), [policy, proof, policy]);
  assert.deepEqual(carried("#proof=***"), []);
  assert.deepEqual(carried("#main"), []);
  assert.equal(linked(` https://exchange.example/verify.html#policy=AA `), "policy=AA");
  assert.equal(linked("file:///verify.html#proof=AA&policy=BB"), "proof=AA&policy=BB");
  assert.equal(linked("version = 1 #proof=AA"), undefined);
});

test("a policy of a name and a key says what was typed", () => {
  const key = vectors<{ policy: string }>("proof")[0]!.policy.match(/ed25519:[0-9a-f]{64}/)![0];
  assert.equal(keyIn(` ${key.toUpperCase()}\n`), key);
  assert.equal(keyIn(key.slice(1)), undefined);
  for (const name of ["Demo Exchange", 'a "quoted" \\ one']) {
    const policy = readPolicy(bytes(policyOf(name, key, true)));
    assert.deepEqual([policy.exchange, policy.keys.map((one) => one.text), policy.recompute], [name, [key], true]);
    assert.equal(readPolicy(bytes(policyOf(name, key, false))).recompute, false);
  }
});

test("long files of blanks are told soon", async () => {
  for (const blank of ["\n", " ", "\t\n"]) await assert.rejects(told(bytes(`${blank.repeat(1 << 20)}x`), "file"), (e) => e instanceof NotTaken && e.key === "given.unknown");
  assert.equal(linked("https://exchange.example/#policy=".repeat(1 << 16) + " x"), undefined);
});

const check = (name: string, result: Check["result"], required = true): Check => ({ name, result, required, detail: "" });
const verdict = (exit: Verdict["exit"], checks: Check[], more: Partial<Verdict> = {}): Verdict => ({ proven: exit === 0, exit, checks, policy: "", signers: [], findings: [], ...more });

test("every verdict is one of four results", () => {
  const failing = (name: string, exit: Verdict["exit"] = 1): Verdict => verdict(exit, [check("first", "pass"), check(name, "fail"), check("proof.root", name === "proof.root" ? "fail" : "skipped")]);
  const cases: [Verdict, string, string][] = [
    [verdict(0, [check("proof.root", "pass")]), "included", "included"],
    [failing("proof.format", 3), "unchecked", "format"],
    [failing("proof.format", 4), "unchecked", "version"],
    [failing("statement.signature"), "unchecked", "signature"],
    [failing("statement.signature", 3), "unchecked", "unsigned"],
    [failing("statement.format", 3), "unchecked", "statement"],
    [failing("statement.exchange"), "unchecked", "exchange"],
    [failing("statement.approvals"), "unchecked", "approvals"],
    [failing("snapshot"), "unchecked", "statement"],
    [failing("log"), "unchecked", "log"],
    [failing("proof.statement"), "mismatch", "other"],
    [failing("proof.margin"), "mismatch", "margin"],
    [failing("proof.root"), "mismatch", "root"],
    [failing("what.is.new"), "unchecked", "other-check"],
    [{ ...verdict(1, [check("proof.root", "pass"), check("proof.counted", "skipped")]) }, "unchecked", "nobody"],
    [verdict(0, [], { state: { state: "withdrawn", text: "", issued: "" } }), "withdrawn", "withdrawn"],
    [verdict(1, [check("proof.root", "fail")], { state: { state: "superseded", text: "", issued: "" } }), "withdrawn", "superseded"],
    [verdict(0, [], { state: { state: "erratum", text: "", issued: "" } }), "included", "included"],
  ];
  for (const [one, result, cause] of cases) assert.deepEqual(outcome(one, "none"), { result, cause });
});

test("two that disagree prove nothing", () => {
  const one = verdict(0, [check("proof.root", "pass")]);
  assert.ok(agree(one, { proven: true, exit: 0, checks: [] }));
  const others = [{ proven: false, exit: 1, checks: [check("proof.root", "fail")] }, { proven: false, exit: 3, checks: [] }, { proven: true, exit: 0, checks: [check("log", "fail", false)] }];
  for (const other of others) {
    assert.deepEqual(outcome(one, other), { result: "unchecked", cause: "disagree" });
    assert.deepEqual(outcome({ ...one, state: { state: "withdrawn", text: "", issued: "" } }, other), { result: "unchecked", cause: "disagree" });
  }
  const counted = verdict(0, [check("proof.root", "pass"), check("proof.counted", "pass")]);
  const without = { proven: false, exit: 1, checks: [check("proof.root", "pass"), check("proof.counted", "skipped")] };
  assert.ok(agree(counted, without), "what only the first checks is no disagreement");
  assert.ok(!agree(counted, { ...without, checks: [check("proof.root", "fail"), check("proof.counted", "skipped")] }));
  assert.ok(!agree(counted, { ...without, checks: [check("proof.root", "pass"), check("proof.counted", "fail")] }));
  assert.equal(outcome(one, "awaited").result, "included");
  assert.equal(outcome(one, { missing: "no memory" }).result, "included");
});

test("a report of which two disagree is not counted", () => {
  const reports = ["included", "included", "committed", "none"].map((row) => ({ row, verdict: verdict(row === "none" ? 1 : 0, [check("proof.root", row === "none" ? "fail" : "pass")]) }));
  const list = reports.map((one) => ({ verdict: one.verdict, second: "awaited" }) as Checked);
  const history = { reports } as unknown as History;
  assert.deepEqual(tally(history, list), { included: 2, committed: 1 });
  list[1]!.second = { proven: false, exit: 1, checks: [check("proof.root", "fail")] };
  list[2]!.second = { proven: false, exit: 3, checks: [] };
  assert.deepEqual(tally(history, list), { included: 1, committed: 0 });
});

test("every vector of a proof gives the right one of four results", async (t) => {
  const counted: Record<string, number> = {};
  for (const v of vectors<{ customer: string; policy: string; proof?: string; files?: Record<string, { text?: string; base64?: string }>; skipped?: boolean; exit?: number }>("proof")) {
    const parts = Object.entries(v.files ?? {}).map(([path, { text, base64 }]) => told(text === undefined ? Buffer.from(base64!, "base64") : bytes(text), path.split("/").at(-1)!));
    const proof: Given = { kind: "proof", name: "", bytes: bytes(v.proof ?? ""), claims: { keys: [] } };
    const [read] = await told(proof.bytes, "").catch(() => [proof]);
    const [one] = inputs([read!, ...(await Promise.all(parts)).flat()], bytes(v.policy), v.customer);
    assert.deepEqual(Object.keys(one!.input.files ?? {}).sort(), Object.keys(v.files ?? {}).sort(), v.name);
    const { result, cause } = outcome(await verifyProof(one!.input), "none");
    const mismatch = ["proof.root", "proof.statement", "proof.margin"].includes(v.expect) || (v.expect === "proof.counted" && v.exit === 1 && !v.skipped);
    assert.equal(result, v.expect === "pass" ? "included" : mismatch ? "mismatch" : "unchecked", `${v.name}: ${cause}`);
    counted[result] = (counted[result] ?? 0) + 1;
  }
  t.diagnostic(`judged ${JSON.stringify(counted)}`);
  for (const result of ["included", "mismatch", "unchecked"]) assert.ok((counted[result] ?? 0) > 9, result);
});
