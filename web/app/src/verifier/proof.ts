// A customer's inclusion proof (SPEC part 8; part 29 for the confidential kind): its format, and the climb to the signed root.

import { amountLimit, type Sum } from "./amount.ts";
import { amount, base64, canonical, bytesOf, Fields, fromHex, hex32, integer, list, malformed, oneOf, parse, type Reader, record, toHex, untrue } from "./canon.ts";
import { decodeScalar, point, type Point } from "./grumpkin.ts";
import { identity } from "./identity.ts";
import { column, maxColumns } from "./margin.ts";
import type { Generators } from "./rows.ts";
import * as tree from "./tree.ts";

const maxProof = 4 << 20;
const maxWithEnvelope = 28 << 20;

/** Named is a sum as the file has it, by columns' names: what they are only the statement knows. */
export type Named = readonly { readonly asset: string; readonly amount: bigint }[];

/** Proof is the file, read. Envelope and entry are canonical JSON. */
export interface Proof {
  balances: Named;
  nonce: Uint8Array;
  shard: { count: number; index: number; leaf: number; leaves: number };
  snapshot: string;
  statement: string;
  envelope?: Uint8Array;
  log?: { entry: Uint8Array; proof: Uint8Array };
  tree: PlainPath | ConfidentialPath;
}

export interface PlainPath {
  kind: "plain";
  path: Sibling<Named>[];
  top: Sibling<Named>[];
}

export interface ConfidentialPath {
  kind: "confidential";
  path: Sibling<Point>[];
  top: Sibling<Point>[];
  blinding: bigint;
  total: Point;
}

interface Sibling<S> {
  hash: Uint8Array;
  sum: S;
}

/** readProof is check proof.format. */
export function readProof(bytes: Uint8Array): Proof {
  const fields = Fields.of(parse(bytes, maxWithEnvelope), "");
  fields.type("assay/v1/proof");
  const kind = fields.read("kind", oneOf(["plain", "confidential"] as const));
  const proof: Proof = {
    balances: fields.read("balances", sumReader),
    nonce: fromHex(fields.read("nonce", hex32)),
    shard: fields.read("shard", record(place)),
    snapshot: fields.read("snapshot", hex32),
    statement: fields.read("statement", hex32),
    tree: kind === "plain" ? plainPath(fields) : confidentialPath(fields),
  };
  const envelope = fields.optional("envelope", asBytes);
  if (envelope) proof.envelope = envelope;
  const log = fields.optional("log", logReader);
  if (log) proof.log = log;
  fields.end();
  if (bytes.length - (envelope?.length ?? 0) > maxProof) throw malformed(`the proof has more than ${maxProof} bytes without its envelope`);
  const { shard } = proof;
  exactly(proof.tree.path, "path", tree.sides(shard.leaf, shard.leaves).length);
  exactly(proof.tree.top, "top", tree.sides(shard.index, shard.count).length);
  return proof;
}

function place(fields: Fields): Proof["shard"] {
  const count = fields.read("count", integer(tree.maxShards, 1));
  const leaves = fields.read("leaves", integer(tree.maxLeaves, 1));
  return { count, index: fields.read("index", integer(count - 1)), leaf: fields.read("leaf", integer(leaves - 1)), leaves };
}

function plainPath(fields: Fields): PlainPath {
  const siblings = list(sibling(sumReader));
  return { kind: "plain", path: fields.read("path", siblings), top: fields.read("top", siblings) };
}

function confidentialPath(fields: Fields): ConfidentialPath {
  const siblings = list(sibling(point("identity")));
  return {
    kind: "confidential",
    path: fields.read("path", siblings),
    top: fields.read("top", siblings),
    blinding: fields.read("blinding", scalar),
    total: fields.read("total", point("no identity")),
  };
}

const sibling = <S>(sum: Reader<S>): Reader<Sibling<S>> => record((fields) => ({ hash: fromHex(fields.read("hash", hex32)), sum: fields.read("sum", sum) }));

const sumReader: Reader<Named> = list(
  record((fields) => ({ asset: fields.read("asset", column), amount: fields.read("amount", positive) })),
  maxColumns,
);

function positive(value: Parameters<typeof amount>[0], path: string): bigint {
  const read = amount(value, path);
  if (read === 0n || read >= amountLimit) throw malformed(`${path} is not an amount from 1 to 2^128 − 1`);
  return read;
}

const scalar: Reader<bigint> = (value, path) => {
  const read = decodeScalar(fromHex(hex32(value, path)));
  if (read === undefined) throw malformed(`${path} is no scalar`);
  return read;
};

const asBytes: Reader<Uint8Array> = (value, path) => {
  Fields.of(value, path);
  return bytesOf(canonical(value));
};

const logReader = record((fields) => ({ entry: fields.read("entry", asBytes), proof: fields.read("proof", base64) }));

function exactly(path: readonly unknown[], name: string, length: number): void {
  if (path.length !== length) throw malformed(`${name} has ${path.length} entries; the place in the tree has ${length}`);
}

/** Placed is a proof whose sums are known to be of a statement's columns. */
export interface Placed {
  proof: Proof;
  balances: Sum;
  path: tree.Node<Sum>[];
  top: tree.Node<Sum>[];
}

/** placed puts every sum of a proof into a statement's columns, in whose order it stands. That is part of check proof.statement. */
export function placed(proof: Proof, columns: readonly string[]): Placed {
  const positions = new Map(columns.map((name, i) => [name, i]));
  const sum = (named: Named): Sum => {
    let last = -1;
    return named.map(({ asset, amount }) => {
      const position = positions.get(asset);
      if (position === undefined) throw untrue(`the statement has no ${asset}`);
      if (position <= last) throw untrue(`${asset} is not in the statement's order, or stands twice`);
      last = position;
      return { column: position, amount };
    });
  };
  const nodes = (siblings: readonly Sibling<Named>[]): tree.Node<Sum>[] => siblings.map(({ hash, sum: named }) => ({ hash, sum: sum(named) }));
  const balances = sum(proof.balances);
  if (proof.tree.kind === "confidential") return { proof, balances, path: [], top: [] };
  return { proof, balances, path: nodes(proof.tree.path), top: nodes(proof.tree.top) };
}

/** Climb is the way from a customer's leaf to the root, for the reader to see. */
export interface Climb {
  leaf: string;
  shardRoot: string;
  root: string;
  path: Step[];
  top: Step[];
}

export interface Step {
  side: tree.Side;
  sibling: string;
  joined: string;
}

/** Signed is what the climb must lead to: root in hex, and of a plain tree the liabilities of its columns. */
export interface Signed {
  root: string;
  columns: readonly string[];
  liabilities: Sum;
}

/** climb is check proof.root, for the customer who typed this id. */
export function climb(placed: Placed, typed: string, signed: Signed, generators: Generators): Climb {
  const { proof } = placed;
  const id = identity(typed, fromHex(proof.snapshot), proof.nonce);
  if (proof.tree.kind === "plain") {
    const { ways, root } = up(tree.plain, placed, tree.leaf(tree.plain, tree.shard, id, placed.balances), (root) => root.sum);
    reached(ways.root, signed.root);
    if (!equal(root.sum, signed.liabilities)) throw untrue("the sum at the root is not what the statement owes");
    return ways;
  }
  const { path, top, blinding, total } = proof.tree;
  const row = generators.commit(signed.columns, placed.balances, blinding);
  if (row.is0()) throw untrue("the proof commits to nothing");
  const { ways } = up(tree.confidential, { proof, path, top }, tree.leaf(tree.confidential, tree.shard, id, row), () => total);
  reached(ways.root, signed.root);
  return ways;
}

function up<S>(
  kind: tree.Kind<S>,
  { proof, path, top }: { proof: Proof; path: readonly tree.Node<S>[]; top: readonly tree.Node<S>[] },
  leaf: tree.Node<S>,
  total: (shardRoot: tree.Node<S>) => S,
): { ways: Climb; root: tree.Node<S> } {
  const { shard } = proof;
  const below = tree.climb(kind, tree.shard, leaf, shard.leaf, shard.leaves, path);
  const topLeaf = tree.leaf(kind, tree.top, below.root.hash, total(below.root));
  const above = tree.climb(kind, tree.top, topLeaf, shard.index, shard.count, top);
  const ways = { leaf: toHex(leaf.hash), shardRoot: toHex(below.root.hash), root: toHex(above.root.hash), path: below.steps.map(shown), top: above.steps.map(shown) };
  return { ways, root: above.root };
}

const shown = <S>({ side, sibling, joined }: tree.Step<S>): Step => ({ side, sibling: toHex(sibling.hash), joined: toHex(joined.hash) });

function reached(root: string, signed: string): void {
  if (root !== signed) throw untrue("the way from the customer's row does not lead to the signed root");
}

function equal(a: Sum, b: Sum): boolean {
  return a.length === b.length && a.every(({ column, amount }, i) => column === b[i]!.column && amount === b[i]!.amount);
}
