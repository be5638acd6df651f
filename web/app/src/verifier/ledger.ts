// The ledger's account of how entries became leaves (SPEC part 7), and the totals of margin accounts (part 30): what the statement alone shows.

import { addSums, type Sum } from "./amount.ts";
import { untrue } from "./canon.ts";
import { columnsOf, debtOf, relationOf, satisfies } from "./margin.ts";
import { owedOf, type Statement } from "./statement.ts";

/** checkLedger is the check `liabilities.ledger`. */
export function checkLedger(statement: Statement): void {
  const { ledger, snapshot, tree } = statement;
  const { classes, negatives, underwater, unknown, duplicates } = ledger;
  const hidden = tree.surplus !== undefined;
  const assets = snapshot.assets.length;
  const total = (sums: readonly (Sum | undefined)[]): Sum => sums.reduce<Sum>((sum, next) => addSums(sum, next ?? []), []);
  if (!hidden && !equal(total(classes.map(({ sum }) => sum)), owedOf(statement).filter(({ column }) => column < assets))) throw untrue("the sums of the ledger's classes do not add up to the liabilities");
  const entries = [...classes, negatives, unknown].reduce((count, each) => count + BigInt(each.entries), 0n);
  if (entries !== BigInt(ledger.entries)) throw untrue("the ledger's entries are not those of its classes and those left out");
  for (const [name, { rule, entries: moved }] of Object.entries({ duplicates, negatives, unknown })) if (rule === "error" && moved > 0) throw untrue(`the ledger's rule for ${name} is error, and entries were moved`);
  if (negatives.sum && (negatives.sum.length === 0) !== (negatives.entries === 0)) throw untrue("the ledger's negatives have a sum exactly if there are some");
  if (unknown.rule === "error" && unknown.sums.length > 0) throw untrue("the ledger's rule for unknown assets is error, and some were left out");
  if (tree.kind === "plain" ? ledger.customers !== tree.leaves : ledger.customers > tree.leaves) throw untrue("the ledger's customers are not the tree's leaves");
  if (underwater) checkUnderwater(ledger);
  if (underwater && !hidden) checkDebts(statement);
}

function checkUnderwater({ underwater, negatives, customers }: Statement["ledger"]): void {
  const { rule, customers: under, sum } = underwater!;
  if (rule === "error" && under > 0) throw untrue("the ledger's rule for underwater is error, and debts were written off");
  if ((sum.length === 0) !== (under === 0)) throw untrue("what the ledger wrote off has a sum exactly if it is of some customers");
  if (under > customers || under > negatives.entries) throw untrue("the ledger wrote off debts of more customers than have some");
  if (negatives.rule !== "debit" && under > 0) throw untrue("the ledger wrote off debts, and has none");
}

function checkDebts(statement: Statement): void {
  const { ledger, snapshot } = statement;
  const names = columnsOf(snapshot);
  const ids = snapshot.assets.map(({ id }) => id);
  const debts = owedOf(statement).flatMap(({ column, amount }): Sum => {
    const asset = debtOf(names[column]!);
    return asset === undefined ? [] : [{ column: ids.indexOf(asset), amount }];
  });
  const stated = ledger.negatives.rule === "debit" ? ledger.negatives.sum! : [];
  if (!equal(addSums(debts, ledger.underwater!.sum), stated)) throw untrue("debts and what was written off do not add up to the ledger's negatives");
}

/** checkMarginTotals is the check `liabilities.margin`. Requires open totals. */
export function checkMarginTotals(statement: Statement): void {
  if (!satisfies(relationOf(statement.snapshot)!, owedOf(statement))) throw untrue("the statement's totals do not satisfy the rule that every row does");
}

function equal(a: Sum, b: Sum): boolean {
  return a.length === b.length && a.every(({ column, amount }, i) => column === b[i]!.column && amount === b[i]!.amount);
}
