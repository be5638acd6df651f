// Margin accounts (SPEC part 30): columns beside the assets', and the rule that every row satisfies.

import type { Sum } from "./amount.ts";
import { matching, untrue } from "./canon.ts";

/** Priced is what this part needs of a snapshot. A price is a decimal, a weight percent. */
export interface Priced {
  assets: readonly { readonly id: string; readonly decimals: number }[];
  margin?: { readonly prices: readonly { readonly asset: string; readonly price: string; readonly weight: number }[] } | undefined;
}

export const maxColumns = 1024;
const factorLimit = 1n << 96n;
const equity = ["equity:low", "equity:high"];
const debit = (asset: string): string => `debit:${asset}`;

/** column reads a column's name: an asset id, that of a debit, or one of the two of net equity. */
export const column = matching(/^(?:(?:debit:)?[A-Z0-9.#-]{1,32}|equity:(?:low|high))$/, "an asset, or a column of margin accounts");

/** columnsOf names the columns of a snapshot's sums, in order. */
export function columnsOf({ assets, margin }: Priced): string[] {
  const ids = assets.map(({ id }) => id);
  return margin ? [...ids, ...margin.prices.map(({ asset }) => debit(asset)), ...equity] : ids;
}

/** debtOf is the asset that a column is the debit of. */
export const debtOf = (column: string): string | undefined => (column.startsWith("debit:") ? column.slice("debit:".length) : undefined);

/** relationOf gives each column's λ, in units that make all of them integers. It refuses too many columns and a λ that is too great. Without margin it is undefined. */
export function relationOf(snapshot: Priced): bigint[] | undefined {
  const { assets, margin } = snapshot;
  if (!margin) return undefined;
  const columns = columnsOf(snapshot);
  if (columns.length > maxColumns) throw untrue(`the snapshot has ${columns.length} columns; at most ${maxColumns} are allowed`);
  const factors = new Map<string, Scaled>();
  for (const { asset, price, weight } of margin.prices) {
    const [whole, fraction = ""] = price.split(".");
    const digits = BigInt(whole + fraction);
    const decimals = assets.find(({ id }) => id === asset)!.decimals + fraction.length;
    factors.set(asset, scaled(digits * BigInt(weight), decimals + 2));
    factors.set(debit(asset), scaled(-digits, decimals));
  }
  const scale = Math.max(0, ...[...factors.values()].map(({ decimals }) => decimals));
  return columns.map((column) => {
    if (column === equity[0]) return -1n;
    if (column === equity[1]) return -(1n << 64n);
    const factor = factors.get(column);
    if (!factor) return 0n;
    const value = factor.digits * 10n ** BigInt(scale - factor.decimals);
    if (value >= factorLimit || value <= -factorLimit) throw untrue(`the price of ${column} is too great for a row's rule`);
    return value;
  });
}

/** satisfies says whether Σ λ v = 0. */
export function satisfies(relation: readonly bigint[], row: Sum): boolean {
  return row.reduce((total, { column, amount }) => total + relation[column]! * amount, 0n) === 0n;
}

/** Scaled is digits · 10^−decimals with the least decimals, which may be below zero. */
interface Scaled {
  digits: bigint;
  decimals: number;
}

function scaled(digits: bigint, decimals: number): Scaled {
  if (digits === 0n) return { digits, decimals: 0 };
  while (digits % 10n === 0n) {
    digits /= 10n;
    decimals--;
  }
  return { digits, decimals };
}
