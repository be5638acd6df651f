// Trees of sums (SPEC part 6): a shard's tree has customers as leaves, the top tree has shards. What a sum is, amounts or a point (part 29), is the caller's.

import { addSums, encodeSum, type Sum } from "./amount.ts";
import { encodePoint, type Point } from "./grumpkin.ts";
import { bigEndian, hash } from "./octets.ts";

/** Limits of SPEC part 18. */
export const maxShards = 1 << 20;
export const maxLeaves = 2 ** 31 - 1; // of a shard

/** Kind is one kind of tree: its byte, and how its sums are added and written. */
export interface Kind<S> {
  byte: number;
  add(a: S, b: S): S;
  encode(sum: S): Uint8Array;
}

export const plain: Kind<Sum> = { byte: 1, add: addSums, encode: encodeSum };
export const confidential: Kind<Point> = { byte: 2, add: (a, b) => a.add(b), encode: encodePoint };

/** Level is the byte before a leaf's preimage; nodes have the next, the root the one after. */
export const shard = 0x00;
export const top = 0x10;
export type Level = typeof shard | typeof top;

export interface Node<S> {
  hash: Uint8Array;
  sum: S;
}

export type Side = "left" | "right";

/** Step is one step up: the sibling, on which side it stands, and the node that joins both. */
export interface Step<S> {
  side: Side;
  sibling: Node<S>;
  joined: Node<S>;
}

/** leaf hashes a customer's identity, or a shard's root, with its sum. */
export function leaf<S>(kind: Kind<S>, level: Level, data: Uint8Array, sum: S): Node<S> {
  return { hash: hash(Uint8Array.of(level), data, kind.encode(sum)), sum };
}

export function join<S>(kind: Kind<S>, level: Level, left: Node<S>, right: Node<S>): Node<S> {
  return {
    hash: hash(Uint8Array.of(level + 1), left.hash, kind.encode(left.sum), right.hash, kind.encode(right.sum)),
    sum: kind.add(left.sum, right.sum),
  };
}

/** close is the root of a tree with so many leaves. */
export function close<S>(kind: Kind<S>, level: Level, leaves: number, node: Node<S>): Node<S> {
  return { hash: hash(Uint8Array.of(level + 2, kind.byte), bigEndian(leaves, 8), node.hash, kind.encode(node.sum)), sum: node.sum };
}

/** sides says on which side each sibling of leaf index of count stands, lowest first. */
export function sides(index: number, count: number): Side[] {
  const path: Side[] = [];
  for (let i = index, n = count; n > 1; i = Math.floor(i / 2), n = Math.ceil(n / 2)) {
    if (i % 2 === 1) path.push("left");
    else if (i + 1 < n) path.push("right");
  }
  return path;
}

/** climb goes from a leaf to its tree's root. There are as many siblings as sides. */
export function climb<S>(kind: Kind<S>, level: Level, from: Node<S>, index: number, count: number, siblings: readonly Node<S>[]): { root: Node<S>; steps: Step<S>[] } {
  let node = from;
  const steps = sides(index, count).map((side, i): Step<S> => {
    const sibling = siblings[i]!;
    node = side === "left" ? join(kind, level, sibling, node) : join(kind, level, node, sibling);
    return { side, sibling, joined: node };
  });
  return { root: close(kind, level, count, node), steps };
}
