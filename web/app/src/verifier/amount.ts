// Amounts and sums of a plain tree (SPEC part 4).

import { malformed, untrue } from "./canon.ts";
import { bigEndian, unsigned } from "./octets.ts";

/** An amount is an integer of base units, 0 or more, and below this. */
export const amountLimit = 1n << 128n;

/** Sum is one amount a column, by the column's position, ascending; columns with nothing are left out. */
export type Sum = readonly { readonly column: number; readonly amount: bigint }[];

const entryLength = 18;

/** encodeSum is u16 count ‖ count × (u16 column ‖ u128 amount). */
export function encodeSum(sum: Sum): Uint8Array {
  const bytes = new Uint8Array(2 + sum.length * entryLength);
  bytes.set(bigEndian(sum.length, 2));
  sum.forEach(({ column, amount }, i) => {
    bytes.set(bigEndian(column, 2), 2 + i * entryLength);
    bytes.set(bigEndian(amount, 16), 4 + i * entryLength);
  });
  return bytes;
}

/** decodeSum reads all of bytes, for a registry of so many columns. */
export function decodeSum(bytes: Uint8Array, columns: number): Sum {
  if (bytes.length < 2) throw malformed("a sum is cut off");
  const count = Number(unsigned(bytes.subarray(0, 2)));
  if (bytes.length !== 2 + count * entryLength) throw malformed("a sum's length is not that of its count");
  const sum: { column: number; amount: bigint }[] = [];
  for (let at = 2; at < bytes.length; at += entryLength) {
    const column = Number(unsigned(bytes.subarray(at, at + 2)));
    const amount = unsigned(bytes.subarray(at + 2, at + entryLength));
    if (column >= columns || column <= (sum.at(-1)?.column ?? -1)) throw malformed("a sum's assets are not those of the registry, ascending");
    if (amount === 0n) throw malformed("a sum holds a zero");
    sum.push({ column, amount });
  }
  return sum;
}

/** addSums refuses what would reach 2^128. */
export function addSums(a: Sum, b: Sum): Sum {
  const amounts = new Map(a.map(({ column, amount }) => [column, amount]));
  for (const { column, amount } of b) {
    const total = (amounts.get(column) ?? 0n) + amount;
    if (total >= amountLimit) throw untrue("a sum of amounts reaches 2^128");
    amounts.set(column, total);
  }
  return [...amounts].map(([column, amount]) => ({ column, amount })).sort((x, y) => x.column - y.column);
}
