// The published files of a confidential tree (SPEC parts 6 and 29): a shard's rows with their proof, and the total rows of all shards with theirs.

import { amountLimit } from "./amount.ts";
import { bytesOf, Fields, fromHex, hex32, integer, list, malformed, parse, record, toHex, untrue } from "./canon.ts";
import { decodePoint, point, type Point, pointLength } from "./grumpkin.ts";
import { broken, type Claim } from "./levelproof.ts";
import { columnsOf, relationOf } from "./margin.ts";
import { same, unsigned } from "./octets.ts";
import type { Generators } from "./rows.ts";
import { treeKind } from "./snapshot.ts";
import type { Statement } from "./statement.ts";
import * as tree from "./tree.ts";

const header = bytesOf("assay/v1/leaves\n");
const headLength = header.length + 32 + 4 + 8;
const leafLength = 32 + pointLength;
const maxLevelProof = 16 << 20;
const maxShardList = 64 << 20;

/** Shard is what the tree says of one shard; root is its hash, total its total row. */
export interface Shard {
  index: number;
  leaves: number;
  root: Uint8Array;
  total: Point;
}

/** checkShard is what the check `liabilities.full` has of one shard: its leaves give its root, no identity stands twice, and its proof holds. */
export function checkShard(leaves: Uint8Array, proof: Uint8Array, shard: Shard, { snapshot }: Statement, generators: Generators): void {
  const rows = readLeaves(leaves, fromHex(snapshot.id), shard);
  if (new Set(rows.map(({ identity }) => toHex(identity))).size !== rows.length) throw untrue(`an identity stands twice in shard ${shard.index}`);
  const root = rootOf(tree.shard, rows.map(({ identity, row }) => tree.leaf(tree.confidential, tree.shard, identity, row)));
  if (!same(root.hash, shard.root)) throw untrue(`the leaves of shard ${shard.index} do not give its root`);
  const relation = relationOf(snapshot);
  holds(
    {
      snapshot: fromHex(snapshot.id),
      columns: columnsOf(snapshot),
      rows: rows.map(({ row }) => row),
      root: shard.root,
      sum: root.sum,
      of: { level: "shard", index: shard.index, total: shard.total, relations: relation ? [relation] : [] },
    },
    proof,
    generators,
  );
}

function readLeaves(file: Uint8Array, snapshot: Uint8Array, shard: Shard): { identity: Uint8Array; row: Point }[] {
  if (file.length < headLength || !same(file.subarray(0, header.length), header)) throw malformed("the leaves do not begin with assay/v1/leaves, snapshot, shard and count");
  const [id, index, count] = [file.subarray(header.length, headLength - 12), file.subarray(headLength - 12, headLength - 8), file.subarray(headLength - 8, headLength)];
  if (!same(id, snapshot)) throw untrue("the leaves are of another snapshot");
  if (unsigned(index) !== BigInt(shard.index)) throw untrue(`the leaves are of shard ${unsigned(index)}, the proof is of shard ${shard.index}`);
  if (unsigned(count) !== BigInt(shard.leaves)) throw untrue(`the leaves are ${unsigned(count)}, the shard has ${shard.leaves}`);
  if (file.length !== headLength + shard.leaves * leafLength) throw malformed("the leaves end too early, or something follows the last");
  return Array.from({ length: shard.leaves }, (_, i) => {
    const at = headLength + i * leafLength;
    const row = decodePoint(file.subarray(at + 32, at + leafLength), "no identity");
    if (!row) throw malformed(`row ${i} of shard ${shard.index} is no point`);
    return { identity: file.subarray(at, at + 32), row };
  });
}

/** checkShardList is the check `liabilities.root`. It gives the shards. */
export function checkShardList(file: Uint8Array, { snapshot, tree: stated }: Statement): Shard[] {
  const fields = Fields.of(parse(file, maxShardList), "");
  fields.type("assay/v1/shards");
  if (fields.read("kind", treeKind) !== stated.kind) throw untrue("the shard list is of another kind than the statement's tree");
  const id = fields.read("snapshot", hex32);
  const shards = fields.read("shards", list(record(shardOf), tree.maxShards, 1)).map((shard, index) => ({ ...shard, index }));
  fields.end();
  if (id !== snapshot.id) throw untrue("the shard list is of another snapshot than the statement");
  const root = rootOf(tree.top, shards.map((shard) => tree.leaf(tree.confidential, tree.top, shard.root, shard.total)));
  if (toHex(root.hash) !== stated.root) throw untrue("the shard list does not give the signed root");
  if (shards.length !== stated.shards || shards.reduce((sum, { leaves }) => sum + leaves, 0) !== stated.leaves) throw untrue("the shard list has another number of shards or leaves than the statement");
  return shards;
}

function shardOf(fields: Fields): Omit<Shard, "index"> {
  return { leaves: fields.read("leaves", integer(tree.maxLeaves, 1)), root: fromHex(fields.read("root", hex32)), total: fields.read("total", point("no identity")) };
}

/** checkTotals is the check `liabilities.totals`: of the shards' total rows, by the top's proof. */
export function checkTotals(shards: readonly Shard[], proof: Uint8Array, { snapshot, liabilities, tree: stated }: Statement, generators: Generators): void {
  const columns = columnsOf(snapshot);
  const rows = shards.map(({ total }) => total);
  const sum = rows.reduce((total, row) => total.add(row));
  // With hidden totals nothing is said of columns beside the assets'.
  const totals = columns.map((_, i) => liabilities[i]?.amount ?? amountLimit - 1n);
  const { surplus } = stated;
  holds({ snapshot: fromHex(snapshot.id), columns, rows, root: fromHex(stated.root), sum, of: { level: "top", totals, ...(surplus ? { surplus } : {}) } }, proof, generators);
}

function holds(claim: Claim, proof: Uint8Array, generators: Generators): void {
  if (proof.length > maxLevelProof) throw malformed(`the proof has ${proof.length} bytes; at most ${maxLevelProof} are read`);
  const faults = broken(claim, proof, generators);
  if (faults.length > 0) throw untrue(`the proof does not hold: of its equations, ${faults.join(", ")} do not`);
}

/** rootOf builds a whole tree. */
function rootOf(level: tree.Level, leaves: tree.Node<Point>[]): tree.Node<Point> {
  let nodes = leaves;
  while (nodes.length > 1) {
    const above: tree.Node<Point>[] = [];
    for (let i = 0; i < nodes.length; i += 2) {
      const [left, right] = [nodes[i]!, nodes[i + 1]];
      above.push(right ? tree.join(tree.confidential, level, left, right) : left);
    }
    nodes = above;
  }
  return tree.close(tree.confidential, level, leaves.length, nodes[0]!);
}
