import assert from "node:assert/strict";
import { test } from "node:test";
import { Refusal } from "./canon.ts";
import { columnsOf, type Priced, relationOf, satisfies } from "./margin.ts";

const snapshot = (...prices: [string, number, string, number][]): Priced => ({
  assets: [...prices.map(([id, decimals]) => ({ id, decimals })), { id: "OTHER", decimals: 2 }],
  margin: { prices: prices.map(([asset, , price, weight]) => ({ asset, price, weight })) },
});

test("columns are the assets, their debits, and net equity", () => {
  assert.deepEqual(columnsOf(snapshot(["BTC", 8, "60000", 90], ["ETH", 18, "2500.5", 80])), ["BTC", "ETH", "OTHER", "debit:BTC", "debit:ETH", "equity:low", "equity:high"]);
  assert.deepEqual(columnsOf({ assets: [{ id: "BTC", decimals: 8 }] }), ["BTC"]);
  assert.equal(relationOf({ assets: [{ id: "BTC", decimals: 8 }] }), undefined);
});

test("units are the largest in which every factor is an integer", () => {
  const equity = [-1n, -(1n << 64n)];
  const cases: [Priced, bigint[]][] = [
    [snapshot(["BTC", 0, "3", 100]), [3n, 0n, -3n, ...equity]],
    [snapshot(["BTC", 0, "3000", 0]), [0n, 0n, -3000n, ...equity]], // whole units: no fewer than none
    [snapshot(["BTC", 8, "60000", 90]), [54n, 0n, -60n, ...equity]], // 60000 · 10^−8 = 60 · 10^−5
    [snapshot(["BTC", 8, "60000", 95]), [57n, 0n, -60n, ...equity]],
    [snapshot(["BTC", 8, "60001", 95]), [5700095n, 0n, -6000100n, ...equity]],
    [snapshot(["BTC", 2, "0.5", 50], ["USD", 2, "1", 100]), [25n, 100n, 0n, -50n, -100n, ...equity]],
  ];
  for (const [of, wanted] of cases) assert.deepEqual(relationOf(of), wanted);
});

test("a factor of 2^96 is refused, one less is not", () => {
  assert.throws(() => relationOf(snapshot(["BTC", 0, String(1n << 96n), 100])), Refusal);
  relationOf(snapshot(["BTC", 0, String((1n << 96n) - 1n), 100]));
  assert.throws(() => relationOf(snapshot(...Array.from({ length: 512 }, (_, i): [string, number, string, number] => [`A${i}`, 0, "1", 1]))), Refusal); // 1027 columns
});

test("a row satisfies the rule exactly", () => {
  const relation = relationOf(snapshot(["BTC", 0, "3", 100]))!;
  const row = (equity: bigint) => [
    { column: 0, amount: 5n },
    { column: 1, amount: 7n },
    { column: 2, amount: 1n },
    { column: 3, amount: equity },
  ];
  assert.ok(satisfies(relation, row(12n)));
  assert.ok(!satisfies(relation, row(11n)));
  assert.ok(!satisfies(relation, row(13n)));
});
