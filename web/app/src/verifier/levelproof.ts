// The proof of one level of a confidential tree (SPEC part 29): that every row is of balances from 0 to 2^128 − 1, and that the rows add up to what is said of them.

import { pippenger } from "@noble/curves/abstract/curve.js";

import { bytesOf, malformed, untrue } from "./canon.ts";
import { decodePoint, decodeScalar, encodePoint, order, Point, pointLength } from "./grumpkin.ts";
import { bigEndian, hash, same, tagged, unsigned } from "./octets.ts";
import { distinct, type Generators, rowBits } from "./rows.ts";

const header = bytesOf("assay/v1/confidential-proof\n");
const maxRows = 2 ** 31 - 1;
const totalLimit = 1n << 200n;
const factorLimit = 1n << 96n;

/** Claim is what a proof is of: the rows of a shard and its total row, or the total rows of all shards and their totals. */
export interface Claim {
  snapshot: Uint8Array;
  columns: readonly string[];
  rows: readonly Point[];
  root: Uint8Array; // of the shard's tree, or of the top's
  sum: Point; // of the rows
  of: { level: "shard"; index: number; total: Point; relations: readonly (readonly bigint[])[] } | { level: "top"; totals: readonly bigint[]; surplus?: Point };
}

/** Equations are named as in SPEC. */
export type Equation = "a" | "b" | "c" | "d" | "e" | "f";

/** checkClaim refuses what cannot be proved: step 0. Points are points already. */
function checkClaim({ columns, rows, of }: Claim): void {
  distinct(columns);
  if (rows.length === 0 || rows.length > maxRows) throw untrue(`a level has ${rows.length} rows; it has 1 to ${maxRows}`);
  if (of.level === "top") {
    if (of.totals.length !== columns.length || of.totals.some((total) => total < 0n || total >= totalLimit)) throw untrue("the totals are not one a column, each from 0 and below 2^200");
    if (of.surplus?.is0()) throw untrue("the surplus is the identity");
    return;
  }
  if (of.total.is0()) throw untrue("the total row is the identity");
  for (const relation of of.relations)
    if (relation.length !== columns.length || relation.some((factor) => factor >= factorLimit || factor <= -factorLimit)) throw untrue("the factors of a relation are not one a column, each below 2^96");
}

/** broken gives the equations that do not hold: none, and the proof holds. It makes steps 0 to 3; what is not of the format is refused. */
export function broken(claim: Claim, file: Uint8Array, generators: Generators): Equation[] {
  checkClaim(claim);
  const { columns, of } = claim;
  const { h, u } = generators.bases();
  const rows = of.level === "top" && of.surplus ? [...claim.rows, of.surplus] : claim.rows;
  const columnVariables = Math.log2(rowBits) + ceilLog2(columns.length);
  const rounds = columnVariables + ceilLog2(rows.length);
  const relations = of.level === "shard" ? of.relations : [];
  const proof = readProof(file, { rounds, columns: columns.length, relations: relations.length });
  const { challenges, e } = challenge(claim, proof);

  const at = challenges.map(({ r }) => r);
  const left = weights(at.slice(0, columnVariables));
  const right = weights(at.slice(columnVariables));
  const s = proof.z.reduce((sum, z, c) => mod(sum + left[c]! * z), 0n);
  const claimed = combine(
    proof.rounds.flat(),
    challenges.flatMap(({ tau, r }) => [mod(r - tau), mod(r * r - tau)]),
  );
  const opened = combine(rows, right.slice(0, rows.length));
  const q = of.level === "shard" ? claim.sum.subtract(of.total) : of.surplus ? claim.sum.add(of.surplus) : claim.sum;
  const total = (j: number): bigint => (of.level === "top" ? of.totals[j]! : 0n);
  const { y, z, zPrime } = proof;

  const holds: Record<Equation, boolean> = {
    a: generators.open(columns, z, proof.zDelta).equals(proof.D.add(times(opened, e))),
    b: combine([u, h], [s, proof.zSigma]).equals(proof.E.add(times(y, e))),
    c: combine([y, h], [s, proof.zOmega]).equals(proof.F.add(times(y.subtract(claimed), e))),
    d: generators.open(columns, zPrime, proof.zDeltaPrime).equals(proof.DPrime.add(times(q, e))),
    e: proof.f.every((mask, j) => amountOf(zPrime, j) === mod(mask + e * total(j))),
    f: relations.every((relation, i) => mod(relation.reduce((sum, factor, j) => sum + factor * amountOf(z, j), 0n)) === proof.g[i]),
  };
  return (Object.keys(holds) as Equation[]).filter((name) => !holds[name]);
}

/** LevelProof is the file, its parts named as in SPEC. */
interface LevelProof {
  rounds: [Point, Point][];
  y: Point;
  D: Point;
  E: Point;
  F: Point;
  DPrime: Point;
  f: bigint[];
  g: bigint[];
  z: bigint[];
  zDelta: bigint;
  zSigma: bigint;
  zOmega: bigint;
  zPrime: bigint[];
  zDeltaPrime: bigint;
  masks: Uint8Array; // Y to g, as they stand
  answers: Uint8Array; // z to z′_δ
}

/** readProof is step 1. How many parts there are, the claim says. */
function readProof(file: Uint8Array, { rounds, columns, relations }: { rounds: number; columns: number; relations: number }): LevelProof {
  if (!same(file.subarray(0, header.length), header)) throw malformed("the proof does not begin with assay/v1/confidential-proof");
  const points = 2 * rounds + 5;
  const scalars = 2 * rowBits * columns + columns + relations + 4;
  if (file.length !== header.length + pointLength * points + 32 * scalars) throw malformed("the proof's length is not that of its rows and columns");
  let at = header.length;
  const take = (length: number): Uint8Array => file.subarray(at, (at += length));
  const point = (): Point => decodePoint(take(pointLength), "no identity") ?? refuse("a part of the proof is no point");
  const scalar = (): bigint => decodeScalar(take(32)) ?? refuse("a part of the proof is no scalar");
  const list = (length: number): bigint[] => Array.from({ length }, scalar);
  const pairs = Array.from({ length: rounds }, (): [Point, Point] => [point(), point()]);
  const masks = file.subarray(at, at + 5 * pointLength + 32 * (columns + relations));
  const answers = file.subarray(at + masks.length);
  // Members are read in the order in which they stand here, which is the file's.
  return {
    rounds: pairs,
    y: point(),
    D: point(),
    E: point(),
    F: point(),
    DPrime: point(),
    f: list(columns),
    g: list(relations),
    z: list(rowBits * columns),
    zDelta: scalar(),
    zSigma: scalar(),
    zOmega: scalar(),
    zPrime: list(rowBits * columns),
    zDeltaPrime: scalar(),
    masks,
    answers,
  };
}

function refuse(message: string): never {
  throw malformed(message);
}

/** Transcript is a chain of hashes, from which challenges are drawn. */
class Transcript {
  private state = tagged("assay/v1/confidential/transcript");

  absorb(label: string, ...data: Uint8Array[]): void {
    const name = bytesOf(label);
    const length = data.reduce((sum, each) => sum + each.length, 0);
    this.state = hash(Uint8Array.of(1), this.state, Uint8Array.of(name.length), name, bigEndian(length, 8), ...data);
  }

  challenge(label: string): bigint {
    const name = bytesOf(label);
    const half = (i: number): bigint => unsigned(hash(Uint8Array.of(2), this.state, Uint8Array.of(i), name));
    const value = mod((half(0) << 256n) | half(1));
    this.state = hash(Uint8Array.of(3), this.state, name);
    return value;
  }
}

/** challenge draws τ and r of every round, and e, in the order of the transcript. */
function challenge(claim: Claim, proof: LevelProof): { challenges: { tau: bigint; r: bigint }[]; e: bigint } {
  const transcript = new Transcript();
  absorbClaim(transcript, claim);
  const taus = proof.rounds.map(() => transcript.challenge("tau"));
  const challenges = proof.rounds.map(([first, second], t) => {
    transcript.absorb("round", encodePoint(first), encodePoint(second));
    return { tau: taus[t]!, r: transcript.challenge("round") };
  });
  transcript.absorb("masks", proof.masks);
  return { challenges, e: transcript.challenge("e") };
}

function absorbClaim(transcript: Transcript, { snapshot, columns, rows, root, sum, of }: Claim): void {
  const relations = of.level === "shard" ? of.relations : [];
  transcript.absorb("level", Uint8Array.of(of.level === "shard" ? 0 : 1));
  transcript.absorb("snapshot", snapshot);
  transcript.absorb("shard", bigEndian(of.level === "shard" ? of.index : 0, 4));
  transcript.absorb("assets", bigEndian(columns.length, 2), ...columns.map(bytesOf).flatMap((name) => [Uint8Array.of(name.length), name]));
  transcript.absorb("relations", bigEndian(relations.length, 2), ...relations.flat().flatMap((factor) => [Uint8Array.of(factor < 0n ? 1 : 0), bigEndian(factor < 0n ? -factor : factor, 12)]));
  transcript.absorb("rows", bigEndian(rows.length, 8));
  transcript.absorb("root", root);
  transcript.absorb("sum", encodePoint(sum));
  if (of.level === "shard") transcript.absorb("total", encodePoint(of.total));
  else transcript.absorb("totals", ...of.totals.map((total) => bigEndian(total, 32)));
  if (of.level === "top" && of.surplus) transcript.absorb("surplus", encodePoint(of.surplus));
}

/** weights is eq(r, i) for every i of as many bits, least significant first. */
function weights(r: readonly bigint[]): bigint[] {
  return r.reduce((table, bit) => [...table.map((weight) => mod(weight * (1n - bit))), ...table.map((weight) => mod(weight * bit))], [1n]);
}

/** amountOf is Σ 2^b of the answers of column j. */
function amountOf(answers: readonly bigint[], j: number): bigint {
  return answers.slice(rowBits * j, rowBits * (j + 1)).reduceRight((sum, bit) => mod(2n * sum + bit), 0n);
}

const mod = (value: bigint): bigint => ((value % order) + order) % order;
const times = (point: Point, scalar: bigint): Point => point.multiplyUnsafe(scalar);
const combine = (points: readonly Point[], scalars: readonly bigint[]): Point => pippenger(Point, [...points], [...scalars]);

/** ceilLog2 is the least k with 2^k at least n. */
function ceilLog2(n: number): number {
  let k = 0;
  while (2 ** k < n) k++;
  return k;
}
