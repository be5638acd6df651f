// Grumpkin, the group of a confidential tree (SPEC part 29): points, scalars, and hashes to points.

import { hash_to_field } from "@noble/curves/abstract/hash-to-curve.js";
import { Field, FpInvertBatch } from "@noble/curves/abstract/modular.js";
import { weierstrass } from "@noble/curves/abstract/weierstrass.js";
import { sha256 } from "@noble/hashes/sha2.js";

import { fromHex, malformed, matching, type Reader } from "./canon.ts";
import { bigEndian, unsigned } from "./octets.ts";
import { isSquare, p, squareRoot } from "./squareroot.ts";

/** q: the order of the group, the field of scalars. */
export const order = 21888242871839275222246405745257275088696311157297823662689037894645226208583n;

const field = Field(p);
// The generator is nobody's but this library's, which wants one: (1, sqrt(-16)). No commitment has it.
export const Point = weierstrass({ p, n: order, h: 1n, a: 0n, b: p - 17n, Gx: 1n, Gy: squareRoot(p - 16n) }, { Fp: field });
export type Point = InstanceType<typeof Point>;

/** pointLength is the length of an encoded point, x ‖ y. */
export const pointLength = 64;

/**
 * decodePoint reads x ‖ y, each below p, on the curve. undefined: it is no point. The identity, 64 zero bytes, is one only for callers that say so.
 */
export function decodePoint(bytes: Uint8Array, identity: "identity" | "no identity"): Point | undefined {
  if (bytes.length !== pointLength) return undefined;
  const x = unsigned(bytes.subarray(0, 32));
  const y = unsigned(bytes.subarray(32));
  if (x === 0n && y === 0n) return identity === "identity" ? Point.ZERO : undefined;
  if (x >= p || y >= p || field.sqr(y) !== curve(x)) return undefined;
  return new Point(x, y, 1n);
}

/** point reads a point in hex. */
export const point =
  (identity: "identity" | "no identity"): Reader<Point> =>
  (value, path) => {
    const read = decodePoint(fromHex(pointHex(value, path)), identity);
    if (!read) throw malformed(`${path} is no point`);
    return read;
  };

const pointHex = matching(/^[0-9a-f]{128}$/, "128 hex digits");

/** encodePoint is x ‖ y; of the identity 64 zero bytes. */
export function encodePoint(point: Point): Uint8Array {
  const bytes = new Uint8Array(pointLength);
  if (point.is0()) return bytes;
  const { x, y } = point.toAffine();
  bytes.set(bigEndian(x, 32));
  bytes.set(bigEndian(y, 32), 32);
  return bytes;
}

/** decodeScalar reads 32 bytes, below q. undefined: it is no scalar. */
export function decodeScalar(bytes: Uint8Array): bigint | undefined {
  if (bytes.length !== 32) return undefined;
  const scalar = unsigned(bytes);
  return scalar < order ? scalar : undefined;
}

/** Message is what is hashed to a point, with its domain separation tag. */
export interface Message {
  message: Uint8Array;
  tag: string;
}

/** hashed is hash_to_curve of RFC 9380 of each message, by the map of Shallue and van de Woestijne (6.6.1) with Z = 1. All at once, since a hundred inverses cost little more than one. */
export function hashed(messages: readonly Message[]): Point[] {
  const points = mapped(messages.flatMap(fieldElements));
  return messages.map((_, i) => points[2 * i]!.add(points[2 * i + 1]!));
}

/** fieldElements is hash_to_field of RFC 9380 with expand_message_xmd, SHA-256, L = 48, m = 1, for two elements. */
export function fieldElements({ message, tag }: Message): bigint[] {
  return hash_to_field(message, 2, { DST: tag, p, m: 1, k: 128, expand: "xmd", hash: sha256 }).map(([u]) => u!);
}

// Constants of RFC 9380, 6.6.1, for g(x) = x³ − 17 and Z = 1: g(Z) = −16, 3 Z² = 3.
const c1 = p - 16n;
const c2 = field.neg(field.inv(2n));
const c3 = even(squareRoot(48n));
const c4 = field.mul(64n, field.inv(3n));

/** mapped is map_to_curve of each element. Denominators are inverted together. */
export function mapped(us: readonly bigint[]): Point[] {
  const parts = us.map((u) => {
    const t = field.mul(field.sqr(u), c1);
    return { u, plus: field.add(1n, t), minus: field.sub(1n, t) };
  });
  const inverses = FpInvertBatch(field, parts.map(({ plus, minus }) => field.mul(plus, minus)), true);
  return parts.map(({ u, plus, minus }, i) => {
    const inverse = inverses[i]!;
    const t = field.mul(field.mul(u, minus), field.mul(inverse, c3));
    let x = field.sub(c2, t);
    if (!isSquare(curve(x))) x = field.add(c2, t);
    if (!isSquare(curve(x))) x = field.add(1n, field.mul(c4, field.sqr(field.mul(field.sqr(plus), inverse))));
    const y = squareRoot(curve(x));
    return new Point(x, (y & 1n) === (u & 1n) ? y : field.neg(y), 1n);
  });
}

function curve(x: bigint): bigint {
  return (x * x * x + p - 17n) % p;
}

function even(root: bigint): bigint {
  return (root & 1n) === 0n ? root : p - root;
}
