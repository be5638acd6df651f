import assert from "node:assert/strict";
import { test } from "node:test";

import type { Input } from "../verdict.ts";
import { bytesOf, utf8Text } from "./canon.ts";
import { inputOf } from "./made.ts";
import { vectors } from "./vectors.ts";
import { verifyProof } from "./verify.ts";

interface ProofVector {
  customer: string;
  policy: string;
  proof: string;
}

const happy = (name: string): Input => {
  const v = vectors<ProofVector>("proof").find((each) => each.name === `proof/${name}`)!;
  return { proof: bytesOf(v.proof), policy: bytesOf(v.policy), customer: v.customer };
};

/** spots are positions of a file: all of what is short, and of what is long one in so many. */
function* spots(text: string, step: number): Generator<number> {
  for (const { index, 0: piece } of text.matchAll(/"[^"]*"|[0-9]+|./gs)) for (let i = 0; i < piece.length; i += piece.length > 300 ? step : piece.length > 40 ? 13 : 1) yield index + i;
}

/** believed are the places at which a changed byte left the proof proven. */
async function believed(input: Input, step: number): Promise<{ tried: number; places: string[] }> {
  const places: string[] = [];
  const text = utf8Text(input.proof);
  let tried = 0;
  for (const at of spots(text, step)) {
    const proof = input.proof.slice();
    proof[at]! ^= 1;
    const verdict = await verifyProof({ ...input, proof });
    assert.equal(verdict.exit === 0, verdict.proven);
    if (verdict.proven) places.push(`${at}: ${text.slice(at - 40, at)}[${text[at]}]`);
    tried++;
  }
  return { tried, places };
}

for (const name of ["happy-three-customers", "happy-margin", "happy-log", "happy-nothing-owed"])
  test(`no byte of ${name} can be another`, async (t) => {
    const input = happy(name);
    assert.ok((await verifyProof(input)).proven);
    const { tried, places } = await believed(input, 97);
    assert.deepEqual(places, []);
    assert.ok(tried > 200);
    t.diagnostic(`judged ${tried} changes`);
  });

test("no byte of a row of a confidential tree can be another", async (t) => {
  const input = inputOf({ kind: "confidential", assets: 3, held: 2, leaves: 5, shards: 3 });
  assert.ok((await verifyProof(input)).proven);
  const { tried, places } = await believed(input, 997);
  assert.deepEqual(places, []);
  assert.ok(tried > 200);
  t.diagnostic(`judged ${tried} changes`);
});

test("a proof is another customer's, or of another exchange's policy, nobody's", async () => {
  const input = happy("happy-three-customers");
  assert.ok(!(await verifyProof({ ...input, customer: "dave@example.org" })).proven);
  assert.ok(!(await verifyProof({ ...input, policy: bytesOf(utf8Text(input.policy).replace("Demo Exchange", "Other Exchange")) })).proven);
  const broken = await verifyProof({ ...input, policy: bytesOf("version = ") });
  assert.deepEqual([broken.proven, broken.exit, broken.checks.map(({ name }) => name)], [false, 3, ["policy"]]);
});

test("proofs of deep trees hold", async (t) => {
  for (const kind of ["plain", "confidential"] as const) {
    const input = inputOf({ kind, assets: 50, held: 3, leaves: 2 ** 19, shards: 2 ** 10 });
    await verifyProof(input);
    const before = performance.now();
    const verdict = await verifyProof(input);
    t.diagnostic(`a ${kind} proof of depth 29, 3 of 50 assets: ${Math.round(performance.now() - before)} ms, ${input.proof.length} bytes`);
    assert.ok(verdict.proven, JSON.stringify(verdict.checks));
    assert.equal(verdict.row!.path.length + verdict.row!.top.length, 29);
  }
});
