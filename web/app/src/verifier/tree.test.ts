import assert from "node:assert/strict";
import { test } from "node:test";
import { addSums, amountLimit, decodeSum, encodeSum, type Sum } from "./amount.ts";
import { bytesOf, fromHex, Refusal, toHex } from "./canon.ts";
import { customerId, identity } from "./identity.ts";
import { hash, tagged } from "./octets.ts";
import * as tree from "./tree.ts";
import { vectors } from "./vectors.ts";

test("vectors of sums", (t) => {
  const all = vectors<{ assets: number; hex: string }>("sum");
  for (const { name, expect, assets, hex } of all) {
    if (expect === "pass") assert.equal(toHex(encodeSum(decodeSum(fromHex(hex), assets))), hex, name);
    else assert.throws(() => decodeSum(fromHex(hex ?? ""), assets), Refusal, name);
  }
  t.diagnostic(`judged ${all.length} of ${all.length} vectors of sum`);
});

test("a sum that would reach 2^128 is refused", () => {
  const most: Sum = [{ column: 3, amount: amountLimit - 1n }];
  assert.deepEqual(addSums(most, [{ column: 1, amount: 5n }]), [{ column: 1, amount: 5n }, ...most]);
  assert.throws(() => addSums(most, [{ column: 3, amount: 1n }]), Refusal);
});

test("vectors of identities", (t) => {
  const all = vectors<{ customer?: string; snapshot: string; nonce: string; identity: string }>("identity");
  for (const v of all) {
    const made = () => toHex(identity(v.customer ?? "", fromHex(v.snapshot), fromHex(v.nonce)));
    if (v.expect === "pass") assert.equal(made(), v.identity, v.name);
    else assert.throws(made, Refusal, v.name);
  }
  t.diagnostic(`judged ${all.length} of ${all.length} vectors of identity`);
});

test("White_Space is trimmed, and only that", () => {
  assert.equal(customerId("\u3000carol\u00a0\u2003"), "carol");
  assert.throws(() => customerId("\ufeffcarol"), Refusal); // trim() takes it for white space
  assert.throws(() => customerId("\t \u3000"), Refusal);
  assert.throws(() => customerId("carol\ud800"), Refusal);
});

interface TreeVector {
  level: "shard" | "top";
  leaves: { data?: string; identity?: string; root?: string; sum: string }[];
  root: string;
  sum: string;
  paths: string[][];
}

test("vectors of trees", (t) => {
  const all = vectors<TreeVector>("tree");
  for (const v of all) {
    const level = v.level === "shard" ? tree.shard : tree.top;
    const leaves = v.leaves.map((leaf) => tree.leaf(tree.plain, level, fromHex(leaf.identity ?? leaf.root ?? leaf.data!), decodeSum(fromHex(leaf.sum), 1024)));
    const built = build(tree.plain, level, leaves);
    assert.equal(toHex(built.root.hash), v.root, v.name);
    assert.equal(toHex(encodeSum(built.root.sum)), v.sum, v.name);
    leaves.forEach((leaf, i) => {
      assert.deepEqual(built.paths[i]!.map((node) => toHex(node.hash)), v.paths[i], v.name);
      assert.equal(toHex(tree.climb(tree.plain, level, leaf, i, leaves.length, built.paths[i]!).root.hash), v.root, v.name);
    });
  }
  t.diagnostic(`judged ${all.length} of ${all.length} vectors of tree`);
});

test("every leaf of trees of 1 to 70 leaves climbs to the root, and no other way does", () => {
  for (let count = 1; count <= 70; count++) {
    const leaves = Array.from({ length: count }, (_, i) => tree.leaf(tree.plain, tree.shard, tagged("leaf", bytesOf(`${count}/${i}`)), i % 3 === 0 ? [] : [{ column: i % 5, amount: BigInt(i) }]));
    const { root, paths } = build(tree.plain, tree.shard, leaves);
    leaves.forEach((leaf, i) => {
      const path = paths[i]!;
      assert.equal(tree.sides(i, count).length, path.length);
      const climbed = (from: tree.Node<Sum>, siblings: tree.Node<Sum>[]) => toHex(tree.climb(tree.plain, tree.shard, from, i, count, siblings).root.hash);
      assert.equal(climbed(leaf, path), toHex(root.hash));
      const at = i % 32; // another byte for each leaf, and another step
      assert.notEqual(climbed({ ...leaf, hash: flipped(leaf.hash, at) }, path), toHex(root.hash));
      const step = i % Math.max(1, path.length);
      const node = path[step];
      if (!node) return;
      assert.notEqual(climbed(leaf, path.with(step, { ...node, hash: flipped(node.hash, at) })), toHex(root.hash));
      assert.notEqual(climbed(leaf, path.with(step, { ...node, sum: addSums(node.sum, [{ column: 7, amount: 1n }]) })), toHex(root.hash));
    });
  }
});

test("places in trees of any size have as many siblings as levels, or fewer at the right edge", () => {
  assert.equal(tree.sides(0, 2 ** 31 - 1).length, 31);
  assert.equal(tree.sides(2 ** 30, 2 ** 30 + 1).length, 1);
  assert.deepEqual(tree.sides(4, 7), ["right", "right", "left"]);
  assert.deepEqual(tree.sides(6, 7), ["left", "left"]);
});

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.with(at, bytes[at]! ^ 1);
}

/** build is the tree of SPEC part 6 by its recursive definition, which climbing does not use. */
function build<S>(kind: tree.Kind<S>, level: tree.Level, leaves: tree.Node<S>[]): { root: tree.Node<S>; paths: tree.Node<S>[][] } {
  const grow = (part: tree.Node<S>[]): { node: tree.Node<S>; paths: tree.Node<S>[][] } => {
    if (part.length === 1) return { node: part[0]!, paths: [[]] };
    let split = 1;
    while (split * 2 < part.length) split *= 2;
    const left = grow(part.slice(0, split));
    const right = grow(part.slice(split));
    const node = {
      hash: hash(Uint8Array.of(level + 1), left.node.hash, kind.encode(left.node.sum), right.node.hash, kind.encode(right.node.sum)),
      sum: kind.add(left.node.sum, right.node.sum),
    };
    return { node, paths: [...left.paths.map((path) => [...path, right.node]), ...right.paths.map((path) => [...path, left.node])] };
  };
  const { node, paths } = grow(leaves);
  const count = new Uint8Array(8);
  new DataView(count.buffer).setBigUint64(0, BigInt(leaves.length));
  return { root: { hash: hash(Uint8Array.of(level + 2, kind.byte), count, node.hash, kind.encode(node.sum)), sum: node.sum }, paths };
}
