import assert from "node:assert/strict";
import { test } from "node:test";
import type { Sum } from "./amount.ts";
import { fromHex, Refusal, toHex } from "./canon.ts";
import { decodePoint, decodeScalar, encodePoint, fieldElements, hashed, mapped, type Message, order, Point } from "./grumpkin.ts";
import { broken, type Claim } from "./levelproof.ts";
import { bigEndian, hash, unsigned } from "./octets.ts";
import { Generators, generatorMessage } from "./rows.ts";
import * as tree from "./tree.ts";
import { type Vector, vectors } from "./vectors.ts";

interface Hash {
  bit?: number;
  message: string;
  dst: string;
  u: string[];
  mapped: string[];
  point: string;
}

interface Confidential extends Vector {
  about: string;
  hashes: Hash[];
  asset: string;
  assets: string[];
  generators: string;
  hex: string;
  value: string;
  points: string[];
  sum: string;
  balances: string[];
  blinding: string;
  point: string;
  level: "shard" | "top";
  identities: string[];
  rows: string[];
  nodes: { hash: string; sum: string }[];
  paths: { hash: string; sum: string }[][];
  root: string;
  base: string;
  proof: string;
  edits: { at: number; cut?: number; hex?: string }[];
  fails: string[];
  snapshot: string;
  shard: number;
  relations: string[][];
  total: string;
  totals: string[];
  surplus: string;
}

const hexOf = (point: Point): string => toHex(encodePoint(point));
const read = (hex: string): Point => decodePoint(fromHex(hex), "identity")!;
const refused = (v: Vector, is: boolean): void => assert.equal(is, v.expect === "refused", v.name);

const judges: Record<string, (v: Confidential) => void> = {
  hash: (v) => v.hashes.forEach((each) => hashIs(v, each, { message: fromHex(each.message), tag: each.dst })),
  generators: (v) => {
    for (const each of v.hashes) {
      const made = generatorMessage(v.asset, each.bit!);
      assert.equal(toHex(made.message), each.message, v.name);
      hashIs(v, each, made);
    }
    const all = hashed(Array.from({ length: 128 }, (_, bit) => generatorMessage(v.asset, bit)));
    assert.equal(toHex(hash(...all.map(encodePoint))), v.generators, v.name);
  },
  registry: (v) => assert.throws(() => new Generators().commit(v.assets ?? [], [], 1n), Refusal, v.name),
  point: (v) => {
    const bytes = fromHex(v.hex);
    const strict = decodePoint(bytes, "no identity");
    const lax = decodePoint(bytes, "identity");
    assert.equal(strict !== undefined, v.expect === "pass", v.name);
    assert.equal(lax !== undefined, v.expect !== "refused", v.name);
    if (lax) assert.equal(hexOf(lax), v.hex, v.name);
  },
  addition: (v) => assert.equal(hexOf(v.points.map(read).reduce((a, b) => a.add(b))), v.sum, v.name),
  scalar: (v) => refused(v, decodeScalar(fromHex(v.hex)) === undefined),
  reduction: (v) => assert.equal(toHex(bigEndian(unsigned(fromHex(v.hex)) % order, 32)), v.value, v.name),
  row: (v) => {
    const blinding = decodeScalar(fromHex(v.blinding));
    if (blinding === undefined) return refused(v, true);
    const row = new Generators().commit(v.assets, sumOf(v.balances), blinding);
    assert.equal(row.is0(), v.expect === "identity", v.name);
    assert.equal(hexOf(row), v.point, v.name);
  },
  proof: (v) => judgeProof(withBase(v)),
  tree: (v) => {
    const level = v.level === "shard" ? tree.shard : tree.top;
    const hashes = new Set(v.nodes.map((node) => `${node.hash} ${node.sum}`));
    v.rows.forEach((row, i) => {
      const leaf = tree.leaf(tree.confidential, level, fromHex(v.identities[i]!), read(row));
      const siblings = v.paths[i]!.map((sibling) => ({ hash: fromHex(sibling.hash), sum: read(sibling.sum) }));
      const { root, steps } = tree.climb(tree.confidential, level, leaf, i, v.rows.length, siblings);
      for (const { hash: at, sum } of [leaf, ...steps.map(({ joined }) => joined)]) assert.ok(hashes.has(`${toHex(at)} ${hexOf(sum)}`), v.name);
      assert.equal(toHex(root.hash), v.root, v.name);
      assert.equal(hexOf(root.sum), v.sum, v.name);
    });
  },
};

// What a builder refuses is no verifier's to judge.
const unjudged = ["build"];
const all = vectors<Confidential>("confidential");
/** Remembering opens to the same point once: most vectors of proofs change something else than the answers. */
class Remembering extends Generators {
  private readonly opened = new Map<string, Point>();

  override open(columns: readonly string[], scalars: readonly bigint[], blinding: bigint): Point {
    const key = JSON.stringify([columns, [blinding, ...scalars].map(String)]);
    const point = this.opened.get(key) ?? super.open(columns, scalars, blinding);
    this.opened.set(key, point);
    return point;
  }
}

const generators = new Remembering();

test("vectors of confidential trees", (t) => {
  const judged = new Map<string, number>();
  const left = new Map<string, number>();
  for (const v of all) {
    const judge = judges[v.about];
    const counts = judge ? judged : left;
    assert.ok(judge ?? unjudged.includes(v.about), `${v.name} is about ${v.about}`);
    judge?.(v);
    counts.set(v.about, (counts.get(v.about) ?? 0) + 1);
  }
  assert.deepEqual([...judged.keys()].sort(), Object.keys(judges).sort());
  t.diagnostic(`judged of confidential: ${told(judged)}`);
  t.diagnostic(`not judged of confidential: ${told(left)}`);
});

/** withBase puts a vector's keys over those of its base, and its edits into the proof. */
function withBase(v: Confidential): Confidential {
  const base = v.base === undefined ? v : { ...all.find(({ name }) => name === `confidential/${v.base}`)!, ...v };
  const proof = (v.edits ?? []).reduce((hex, edit) => hex.slice(0, 2 * edit.at) + (edit.hex ?? "") + hex.slice(2 * (edit.at + (edit.cut ?? 0))), base.proof);
  return { ...base, proof };
}

/** judgeProof: what refuses, or which equations do not hold. */
function judgeProof(v: Confidential): void {
  const point = (hex: string): Point | undefined => decodePoint(fromHex(hex), "no identity");
  const rows = (v.rows ?? []).map(point);
  const [total, surplus] = [v.total, v.surplus].map((hex) => (hex ? point(hex) : undefined));
  if (rows.includes(undefined)) return assert.equal(v.expect, "rows", v.name);
  if ((v.level === "shard" && (!total || v.surplus)) || (v.level === "top" && ((v.surplus && !surplus) || v.relations?.length))) return assert.equal(v.expect, "claim", v.name);
  const of: Claim["of"] =
    v.level === "shard"
      ? { level: "shard", index: v.shard ?? 0, total: total!, relations: (v.relations ?? []).map((factors) => factors.map(BigInt)) }
      : { level: "top", totals: (v.totals ?? []).map(BigInt), ...(surplus ? { surplus } : {}) };
  const claim: Claim = { snapshot: fromHex(v.snapshot), columns: v.assets, rows: rows as Point[], root: fromHex(v.root), sum: read(v.sum), of };
  try {
    assert.deepEqual(broken(claim, fromHex(v.proof), generators), v.expect === "pass" ? [] : v.fails, v.name);
  } catch (e) {
    if (!(e instanceof Refusal)) throw e;
    assert.equal(v.expect, e.exit === 3 ? "format" : "claim", `${v.name}: ${e.message}`);
  }
}

const told = (counts: Map<string, number>): string => [...counts].map(([about, count]) => `${count} ${about}`).join(", ");

test("a row is what its generators add up to, whether they were made for it or kept", () => {
  const commit = (row: Sum, blinding: bigint): Point => generators.commit(["BTC", "ETH", "debit:BTC"], row, blinding);
  const [bit0, bit70, debit, base] = hashed([generatorMessage("BTC", 0), generatorMessage("ETH", 70), generatorMessage("debit:BTC", 127), { message: new Uint8Array(0), tag: "assay/v1/confidential/blinding" }]);
  const all: Sum = [
    { column: 0, amount: 1n },
    { column: 1, amount: 1n << 70n },
    { column: 2, amount: 1n << 127n },
  ];
  const wanted = bit0!.add(bit70!).add(debit!).add(base!.multiply(order - 5n));
  assert.ok(commit(all, order - 5n).equals(wanted));
  assert.ok(commit(all, order - 5n).equals(wanted));
  assert.ok(commit([], 0n).is0());
  assert.ok(!commit(all, order - 6n).equals(wanted));
});

function hashIs(v: Vector, each: Hash, message: Message): void {
  const us = fieldElements(message);
  assert.deepEqual(us.map((u) => toHex(bigEndian(u, 32))), each.u, v.name);
  assert.deepEqual(mapped(us).map(hexOf), each.mapped, v.name);
  assert.equal(hexOf(hashed([message])[0]!), each.point, v.name);
}

function sumOf(balances: string[]): Sum {
  return balances.map((amount, column) => ({ column, amount: BigInt(amount) })).filter(({ amount }) => amount > 0n);
}
