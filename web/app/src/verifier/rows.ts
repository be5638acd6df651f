// Rows of a confidential tree (SPEC part 29): commitments to a customer's balances.

import type { Sum } from "./amount.ts";
import { bytesOf, toHex, untrue } from "./canon.ts";
import { hashed, type Message, Point } from "./grumpkin.ts";
import { maxColumns } from "./margin.ts";

const maxName = "debit:".length + 32;
const blindingBase: Message = { message: new Uint8Array(0), tag: "assay/v1/confidential/blinding" };
const scalarBase: Message = { message: new Uint8Array(0), tag: "assay/v1/confidential/scalar" };

/** rowBits is how many columns of bits a balance has. */
export const rowBits = 128;

/** generatorMessage is what the generator of one bit of a column is hashed from. */
export function generatorMessage(column: string, bit: number): Message {
  const name = bytesOf(column);
  return { message: Uint8Array.of(name.length, ...name, bit), tag: "assay/v1/confidential/generator" };
}

/** Generators keeps those that it made: of several proofs most are the same. To commit to a row, only generators of bits that are set are ever made. */
export class Generators {
  private readonly made = new Map<string, Point>();

  /** commit is Σ e_c G_c + r H of a row of the given columns; the identity where nothing is committed to and the blinding is 0. */
  commit(columns: readonly string[], balances: Sum, blinding: bigint): Point {
    distinct(columns);
    const bits = balances.flatMap(({ column, amount }) => setBits(amount).map((bit) => generatorMessage(columns[column]!, bit)));
    const [base, ...points] = this.of([blindingBase, ...bits]) as [Point, ...Point[]];
    return points.reduce((sum, point) => sum.add(point), base.multiplyUnsafe(blinding));
  }

  /** every gives G_c of all columns, then H and U. */
  every(columns: readonly string[]): { columns: Point[]; h: Point; u: Point } {
    distinct(columns);
    const bits = columns.flatMap((name) => Array.from({ length: rowBits }, (_, bit) => generatorMessage(name, bit)));
    const [h, u, ...points] = this.of([blindingBase, scalarBase, ...bits]) as [Point, Point, ...Point[]];
    return { columns: points, h, u };
  }

  private of(messages: readonly Message[]): Point[] {
    const missing = messages.filter((message) => !this.made.has(keyOf(message)));
    const points = hashed(missing);
    missing.forEach((message, i) => this.made.set(keyOf(message), points[i]!));
    return messages.map((message) => this.made.get(keyOf(message))!);
  }
}

const keyOf = ({ message, tag }: Message): string => `${tag} ${toHex(message)}`;

/** distinct refuses columns of one name: they would have equal generators, and commit to anything. */
function distinct(columns: readonly string[]): void {
  if (columns.length === 0 || columns.length > maxColumns) throw untrue(`a row has ${columns.length} columns; it has 1 to ${maxColumns}`);
  if (new Set(columns).size !== columns.length) throw untrue("two columns of a row have one name");
  if (columns.some((name) => name.length === 0 || name.length > maxName)) throw untrue(`the name of a column has 1 to ${maxName} characters`);
}

function setBits(amount: bigint): number[] {
  const set: number[] = [];
  for (let bit = 0, rest = amount; rest > 0n; bit++, rest >>= 1n) if ((rest & 1n) === 1n) set.push(bit);
  return set;
}
