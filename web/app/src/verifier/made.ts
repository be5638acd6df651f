// For tests alone: statements and proofs of any size, signed with a key of the tests' own.

import { ed25519 } from "@noble/curves/ed25519.js";

import type { Input } from "../verdict.ts";
import { addSums, type Sum } from "./amount.ts";
import { bytesOf, canonical, fromHex, toHex, type Value } from "./canon.ts";
import { encodePoint, Point } from "./grumpkin.ts";
import { identity } from "./identity.ts";
import { hash, tagged } from "./octets.ts";
import { Generators } from "./rows.ts";
import * as tree from "./tree.ts";

const secret = new Uint8Array(32).fill(7);
export const keyText = `ed25519:${toHex(ed25519.getPublicKey(secret))}`;
const keyid = toHex(tagged("assay/v1/key", bytesOf(keyText)));

export const policyText = (recompute: boolean): string => `version = 1
[exchange]
name = "Demo Exchange"
keys = ["${keyText}"]
[evidence]
least = "inclusion-proved"
control = ["bound"]
classes = ["native"]
window = "2h"
anchored = false
[liabilities]
recompute = ${recompute}
`;

type Plain = string | number | boolean | Plain[] | { [key: string]: Plain };

/** json is the canonical form of a plain object, its keys sorted. */
export function json(value: Plain): string {
  const sorted = (plain: Plain): Value => {
    if (Array.isArray(plain)) return plain.map(sorted);
    if (typeof plain !== "object") return plain;
    return new Map(Object.entries(plain).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, member]) => [key, sorted(member)]));
  };
  return canonical(sorted(value));
}

export function signed(payload: string): { [key: string]: Plain } {
  const payloadType = "application/vnd.in-toto+json";
  const body = Buffer.from(payload);
  const message = Buffer.concat([Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} ${body.length} `), body]);
  return { payload: body.toString("base64"), payloadType, signatures: [{ keyid, sig: Buffer.from(ed25519.sign(message, secret)).toString("base64") }] };
}

/** Size is that of a tree of which one path is made: what the other leaves hold nobody knows. */
export interface Size {
  kind: "plain" | "confidential";
  assets: number;
  held: number; // of the assets, by the customer and in each sibling
  leaves: number;
  shards: number;
}

/** inputOf is a true proof of the customer in the last place but one of the last shard but one. */
export function inputOf({ kind, assets, held, leaves, shards }: Size): Input {
  const ids = Array.from({ length: assets }, (_, i) => `A${i}`);
  const exchange = { entity: "Demo Exchange Ltd", name: "Demo Exchange" };
  const covered = { assets: ids.map((id) => ({ decimals: 8, id, tokens: [] })), exchange, instant: "2026-11-01T00:00:00Z", kind, period: "2026-10" };
  const id = toHex(tagged("assay/v1/snapshot", bytesOf(json(covered))));
  const sum: Sum = Array.from({ length: held }, (_, column) => ({ column, amount: 123_456_789n + BigInt(column) }));
  const shard = { count: shards, index: Math.max(0, shards - 2), leaf: Math.max(0, leaves - 2), leaves };
  const nonce = "41".repeat(32);
  const customer = "carol@example.org";
  const who = identity(customer, fromHex(id), fromHex(nonce));
  const named = (each: Sum): Plain => each.map(({ column, amount }) => ({ amount: amount.toString(), asset: ids[column]! }));
  const made = kind === "plain" ? plainPath(who, sum, shard) : confidentialPath(who, sum, shard, ids);
  const owed = new Map(made.total.map(({ column, amount }) => [column, amount]));
  const texts = ids.map((asset, column) => ({ amount: (owed.get(column) ?? 0n).toString(), asset }));
  const predicate: Plain = {
    approvals: { keys: [], required: 0 },
    bands: [],
    coverage: texts.map(({ amount, asset }) => (amount === "0" ? { asset, counted: "0", liabilities: "0", surplus: "0" } : { asset, counted: "0", coverage: "0.00", liabilities: amount, shortfall: amount })),
    issued: "2026-11-01T01:00:00Z",
    ledger: {
      classes: [{ class: "customer", customers: 1, entries: 1, sum: named(made.total) }],
      customers: 1, duplicates: { entries: 0, rule: "error" }, entries: 1, negatives: { entries: 0, rule: "error", sum: [] }, unknown_assets: { entries: 0, rule: "error", sums: [] },
    },
    liabilities: texts,
    moment: { blocks: [] },
    reserves: { assets: ids.map((asset) => ({ asset, counted: "0", groups: [] })), claims: [], rule: { classes: ["native"], control: ["bound"], evidence: "inclusion-proved" } },
    scope: { encumbrances: "not declared", excluded: [], included: ["spot accounts"] },
    series: { name: "monthly", number: 0 },
    snapshot: { ...covered, blocks: [], id },
    tool: "assay 0.1.0",
    tree: { kind, leaves: leaves * shards, root: made.root, shards },
  };
  const payload = json({ _type: "https://in-toto.io/Statement/v1", predicate, predicateType: "https://github.com/assay-por/assay/solvency/v1", subject: [{ digest: { sha256: "00".repeat(32) }, name: "manifest.json" }] });
  const digest = toHex(hash(bytesOf(payload)));
  const spelt = (of: Sum | Point): Plain => (of instanceof Point ? toHex(encodePoint(of)) : named(of));
  const siblings = (nodes: Made["path"]): Plain => nodes.map((node) => ({ hash: toHex(node.hash), sum: spelt(node.sum) }));
  const proof: { [key: string]: Plain } = {
    balances: named(sum),
    envelope: signed(payload),
    kind,
    nonce,
    path: siblings(made.path),
    shard,
    snapshot: id,
    statement: digest,
    top: siblings(made.top),
    type: "assay/v1/proof",
    ...made.more,
  };
  return { proof: bytesOf(json(proof)), policy: bytesOf(policyText(kind === "plain")), customer };
}

interface Made {
  root: string;
  total: Sum;
  path: tree.Node<Sum | Point>[];
  top: tree.Node<Sum | Point>[];
  more: { [key: string]: Plain };
}

interface Shard {
  count: number;
  index: number;
  leaf: number;
  leaves: number;
}

/** siblingsOf is as many nodes as a place has siblings; no tree stands below them. */
const siblingsOf = <S>(index: number, count: number, sum: (i: number) => S): tree.Node<S>[] => tree.sides(index, count).map((_, i) => ({ hash: new Uint8Array(32).fill(i + 1), sum: sum(i) }));

function plainPath(who: Uint8Array, sum: Sum, shard: Shard): Made {
  const path = siblingsOf(shard.leaf, shard.leaves, () => sum);
  const top = siblingsOf(shard.index, shard.count, () => sum);
  const below = tree.climb(tree.plain, tree.shard, tree.leaf(tree.plain, tree.shard, who, sum), shard.leaf, shard.leaves, path);
  const above = tree.climb(tree.plain, tree.top, tree.leaf(tree.plain, tree.top, below.root.hash, below.root.sum), shard.index, shard.count, top);
  const total = [...path, ...top].reduce<Sum>((all, each) => addSums(all, each.sum), sum);
  return { root: toHex(above.root.hash), total, path, top, more: {} };
}

function confidentialPath(who: Uint8Array, sum: Sum, shard: Shard, ids: readonly string[]): Made {
  const blinding = 0x1234567890abcdefn ** 3n;
  const row = new Generators().commit(ids, sum, blinding);
  const point = (i: number): Point => row.multiplyUnsafe(BigInt(i + 2));
  const path = siblingsOf(shard.leaf, shard.leaves, point);
  const top = siblingsOf(shard.index, shard.count, point);
  const total = point(99);
  const below = tree.climb(tree.confidential, tree.shard, tree.leaf(tree.confidential, tree.shard, who, row), shard.leaf, shard.leaves, path);
  const above = tree.climb(tree.confidential, tree.top, tree.leaf(tree.confidential, tree.top, below.root.hash, total), shard.index, shard.count, top);
  return { root: toHex(above.root.hash), total: sum, path, top, more: { blinding: blinding.toString(16).padStart(64, "0"), total: toHex(encodePoint(total)) } };
}
