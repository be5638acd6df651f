// Rows of a confidential tree (SPEC part 29): commitments to a customer's balances.

import type { Sum } from "./amount.ts";
import { bytesOf, untrue } from "./canon.ts";
import { hashed, type Message, Point } from "./grumpkin.ts";

const bits = 128;
const maxColumns = 1024;
const maxName = "debit:".length + 32;
const blindingBase: Message = { message: new Uint8Array(0), tag: "assay/v1/confidential/blinding" };

/** generatorMessage is what the generator of one bit of a column is hashed from. */
export function generatorMessage(column: string, bit: number): Message {
  const name = bytesOf(column);
  return { message: Uint8Array.of(name.length, ...name, bit), tag: "assay/v1/confidential/generator" };
}

/**
 * Rows commits to rows of the given columns, and keeps the generators that it made: of several proofs most are the same. Only generators of bits that are set are ever made.
 */
export class Rows {
  private readonly generators = new Map<number, Point>();
  private base: Point | undefined;

  /** Equal names would have equal generators, and commit to anything: they are refused. */
  constructor(private readonly columns: readonly string[]) {
    const distinct = new Set(columns).size;
    if (distinct === 0 || distinct > maxColumns) throw untrue(`a row has ${distinct} columns; it has 1 to ${maxColumns}`);
    if (distinct !== columns.length) throw untrue("two columns of a row have one name");
    if (columns.some((name) => name.length === 0 || name.length > maxName)) throw untrue(`the name of a column has 1 to ${maxName} characters`);
  }

  /** commit is Σ e_c G_c + r H; the identity where nothing is committed to and the blinding is 0. */
  commit(balances: Sum, blinding: bigint): Point {
    const wanted = balances.flatMap(({ column, amount }) => setBits(amount).map((bit) => bits * column + bit));
    this.make(wanted);
    const sum = wanted.reduce((point, c) => point.add(this.generators.get(c)!), Point.ZERO);
    return sum.add(this.base!.multiplyUnsafe(blinding));
  }

  private make(wanted: readonly number[]): void {
    const missing = wanted.filter((c) => !this.generators.has(c));
    const messages = missing.map((c) => generatorMessage(this.columns[Math.floor(c / bits)]!, c % bits));
    if (!this.base) messages.push(blindingBase);
    const points = hashed(messages);
    missing.forEach((c, i) => this.generators.set(c, points[i]!));
    this.base ??= points.at(-1)!;
  }
}

function setBits(amount: bigint): number[] {
  const set: number[] = [];
  for (let bit = 0, rest = amount; rest > 0n; bit++, rest >>= 1n) if ((rest & 1n) === 1n) set.push(bit);
  return set;
}
