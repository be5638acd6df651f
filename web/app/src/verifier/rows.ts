// Rows of a confidential tree (SPEC part 29): commitments to a customer's balances.

import type { Sum } from "./amount.ts";
import { bytesOf, untrue } from "./canon.ts";
import { hashed, type Message, Point } from "./grumpkin.ts";

const maxColumns = 1024;
const maxName = "debit:".length + 32;
const blindingBase: Message = { message: new Uint8Array(0), tag: "assay/v1/confidential/blinding" };

/** generatorMessage is what the generator of one bit of a column is hashed from. */
export function generatorMessage(column: string, bit: number): Message {
  const name = bytesOf(column);
  return { message: Uint8Array.of(name.length, ...name, bit), tag: "assay/v1/confidential/generator" };
}

/** Generators keeps those that it made: of several proofs most are the same. Only generators of bits that are set are ever made. */
export class Generators {
  private readonly made = new Map<string, Point>();
  private base: Point | undefined;

  /** commit is Σ e_c G_c + r H of a row of the given columns; the identity where nothing is committed to and the blinding is 0. */
  commit(columns: readonly string[], balances: Sum, blinding: bigint): Point {
    distinct(columns);
    const wanted = balances.flatMap(({ column, amount }) => setBits(amount).map((bit) => ({ name: columns[column]!, bit })));
    this.make(wanted);
    const sum = wanted.reduce((point, generator) => point.add(this.made.get(keyOf(generator))!), Point.ZERO);
    return sum.add(this.base!.multiplyUnsafe(blinding));
  }

  private make(wanted: readonly Generator[]): void {
    const missing = wanted.filter((generator) => !this.made.has(keyOf(generator)));
    const messages = missing.map(({ name, bit }) => generatorMessage(name, bit));
    if (!this.base) messages.push(blindingBase);
    const points = hashed(messages);
    missing.forEach((generator, i) => this.made.set(keyOf(generator), points[i]!));
    this.base ??= points.at(-1)!;
  }
}

interface Generator {
  name: string;
  bit: number;
}

const keyOf = ({ name, bit }: Generator): string => `${name} ${bit}`;

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
