import assert from "node:assert/strict";
import { test } from "node:test";
import type { Sum } from "./amount.ts";
import { fromHex, Refusal, toHex } from "./canon.ts";
import { hashed, Point } from "./grumpkin.ts";
import { identity } from "./identity.ts";
import { climb, type Proof } from "./proof.ts";
import { Generators, generatorMessage } from "./rows.ts";
import * as tree from "./tree.ts";

const columns = ["BTC", "ETH"];
const nonce = new Uint8Array(32);
const snapshot = "5".repeat(64);
const carol = identity("carol", fromHex(snapshot), nonce);
const proof = (of: Proof["tree"]): Proof => ({ balances: [], nonce, shard: { count: 1, index: 0, leaf: 0, leaves: 1 }, snapshot, statement: "", tree: of });

/** rootOf is the root of a tree with Carol alone. */
function rootOf<S>(kind: tree.Kind<S>, sum: S, total: S): string {
  const shard = tree.close(kind, tree.shard, 1, tree.leaf(kind, tree.shard, carol, sum));
  return toHex(tree.close(kind, tree.top, 1, tree.leaf(kind, tree.top, shard.hash, total)).hash);
}

test("the sum at the root is what the statement owes, whatever its root", () => {
  const balances: Sum = [{ column: 1, amount: 7n }];
  const root = rootOf(tree.plain, balances, balances);
  const climbed = (liabilities: Sum) => climb({ proof: proof({ kind: "plain", path: [], top: [] }), balances, path: [], top: [] }, " carol ", { root, columns, liabilities }, new Generators());
  assert.equal(climbed(balances).root, root);
  for (const other of [[], [{ column: 1, amount: 8n }], [{ column: 0, amount: 7n }], [...balances, { column: 2, amount: 1n }]]) assert.throws(() => climbed(other), Refusal);
});

test("a row that commits to nothing is refused, even under the root", () => {
  const [total] = hashed([generatorMessage("BTC", 0)]) as [Point];
  const climbed = (row: Point, blinding: bigint) => {
    const signed = { root: rootOf(tree.confidential, row, total), columns, liabilities: [] };
    return climb({ proof: proof({ kind: "confidential", path: [], top: [], blinding, total }), balances: [], path: [], top: [] }, "carol", signed, new Generators());
  };
  assert.throws(() => climbed(Point.ZERO, 0n), /commits to nothing/);
  climbed(new Generators().commit(columns, [], 1n), 1n);
});
