import assert from "node:assert/strict";
import { test } from "node:test";

import type { Verdict } from "../verdict.ts";
import { bytesOf } from "./canon.ts";
import { vectors } from "./vectors.ts";
import { verifyReport } from "./report.ts";
import { verifyProof } from "./verify.ts";

type Files = Record<string, { text?: string; base64?: string }>; // neither: an empty file

interface ProofVector {
  customer: string;
  policy: string;
  proof?: string;
  exit?: number;
  skipped?: boolean;
  files?: Files;
}

const failing = (verdict: Verdict): string[] => verdict.checks.filter(({ result }) => result === "fail").map(({ name }) => name);

test("proofs are judged as the vectors say", async (t) => {
  const all = vectors<ProofVector>("proof");
  for (const v of all)
    await t.test(v.name, async () => {
      const files = Object.fromEntries(Object.keys(v.files ?? {}).map((path) => [path, fileOf(v, path)!]));
      const verdict = await verifyProof({ proof: bytesOf(v.proof ?? ""), policy: bytesOf(v.policy), customer: v.customer, files });
      assert.deepEqual(failing(verdict), v.expect === "pass" || v.skipped ? [] : [v.expect], JSON.stringify(verdict.checks, null, 1));
      if (v.skipped) assert.equal(verdict.checks.find(({ name }) => name === v.expect)?.result, "skipped");
      assert.equal(verdict.exit, v.exit ?? 0);
      assert.equal(verdict.proven, v.expect === "pass");
      assert.equal(verdict.row !== undefined, verdict.checks.some(({ name, result }) => name === "proof.root" && result === "pass"));
    });
  assert.ok(all.length > 100);
  t.diagnostic(`judged ${all.length} of ${all.length} proofs`);
});

interface BundleVector {
  policy: string;
  exit?: number;
  files?: Files;
}

const fileOf = (v: { files?: Files }, path: string): Uint8Array | undefined => {
  const file = v.files?.[path];
  if (file === undefined) return undefined;
  return file.base64 === undefined ? bytesOf(file.text ?? "") : new Uint8Array(Buffer.from(file.base64, "base64"));
};

/** The checks of a bundle that a statement and what is attached to it are enough for. */
const own = new Set([
  ...["policy", "statement.signature", "statement.format", "statement.exchange", "snapshot", "statement.approvals", "statement.series", "statement.moment"],
  ...["log", "findings", "reserves.totals", "coverage.stated", "coverage.policy", "liabilities.ledger", "liabilities.margin", "bands"],
]);

/** Faults of lines and evidence, which a statement does not have. */
const inLines = new Set(
  ["attested-by-too-few", "band-grade-too-high", "band-line-inflated", "band-line-left-out", "band-line-of-another-wallet", "band-node-of-another-block", "band-total-wrong"].map((name) => `bundle/${name}`),
);
const isOwn = (v: { name: string; expect: string }): boolean => own.has(v.expect) && !inLines.has(v.name);

/** What enough nodes attested counts, and their number stands in the evidence: coverage.policy is not made. */
const asksForNodes = new Set(["bundle/attested-by-too-few", "bundle/happy-attested-by-enough"]);

/** A revoked key that a time stamp or a block saves: this verifier reads neither, and believes no such key. */
const datedOtherwise = (v: BundleVector & { expect: string }): boolean =>
  v.expect !== "statement.signature" && /\nrevoked = /.test(v.policy) && Object.keys(v.files ?? {}).some((path) => /^attachments\/(?:timestamps|anchor)/.test(path));

/** reportOf leaves out what is attached where the folder itself is at fault: that is told before. */
async function reportOf(v: BundleVector & { expect: string }): Promise<Verdict> {
  const statement = fileOf(v, "statement.dsse.json") ?? new Uint8Array(0);
  if (v.expect === "bundle.files") return verifyReport({ policy: bytesOf(v.policy), statement });
  const [entry, proof] = [fileOf(v, "attachments/entry.dsse.json"), fileOf(v, "attachments/log.tlog-proof")];
  const findings = Object.keys(v.files ?? {}).filter((path) => path.startsWith("attachments/findings/")).sort().map((path) => fileOf(v, path)!);
  return verifyReport({ policy: bytesOf(v.policy), statement, ...(entry && proof ? { log: { entry, proof } } : {}), findings });
}

test("statements of bundles are judged as the vectors say", async (t) => {
  const all = vectors<BundleVector>("bundle");
  const unjudged = all.filter(datedOtherwise);
  let failed = 0;
  let passed = 0;
  for (const v of all.filter((each) => !datedOtherwise(each)))
    await t.test(v.name, async () => {
      const verdict = await reportOf(v);
      const expected = isOwn(v) ? [v.expect] : [];
      assert.deepEqual(failing(verdict), expected, JSON.stringify(verdict.checks, null, 1));
      const unmade = asksForNodes.has(v.name);
      assert.equal(verdict.exit, isOwn(v) ? v.exit : unmade ? 1 : 0);
      assert.equal(verdict.proven, !isOwn(v) && !unmade);
      if (isOwn(v)) failed++;
      else passed++;
    });
  t.diagnostic(`judged ${failed + passed} of ${all.length} bundles: ${failed} statements are refused where they should be, ${passed} pass, whose faults are of other checks, or that have none`);
  t.diagnostic(`not judged ${unjudged.length}, which time stamps or anchors date: ${unjudged.map(({ name }) => name).join(", ")}`);
  assert.ok(failed > 100 && passed > 100);
});

test("what only confirmed blocks may count is neither said to cover nor not to", async () => {
  const v = vectors<BundleVector>("bundle").find(({ name }) => name === "bundle/happy-shortfall")!;
  const coverage = async (evidence: string, least: string): Promise<string | undefined> => {
    const policy = `${v.policy.replace(/least = "[a-z-]+"/, `least = "${evidence}"`)}[coverage]\nleast = "${least}"\n`;
    return (await reportOf({ ...v, policy })).checks.find(({ name }) => name === "coverage.policy")?.result;
  };
  assert.deepEqual([await coverage("inclusion-proved", "0.00"), await coverage("header-trusted", "0.00"), await coverage("header-trusted", "100.00")], ["pass", "skipped", "fail"]);
});
