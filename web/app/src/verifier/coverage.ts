// Reserves and coverage as the statement has them (SPEC part 15; of hidden totals part 29). Whether the groups are those of the lines only a bundle shows.

import { untrue } from "./canon.ts";
import { reaches, type Rule } from "./forms.ts";
import type { Policy } from "./policy.ts";
import type { Group, Liability, Statement, StatedCoverage } from "./statement.ts";

/** Figures are what an asset's coverage comes to. liabilities are missing where they are hidden. */
export interface Figures extends StatedCoverage {
  decimals: number;
  atMost?: bigint;
}

/** figuresOf computes what the statement's own groups and liabilities come to by a rule. */
export function figuresOf({ liabilities, reserves, snapshot }: Statement, rule: Rule): Figures[] {
  return reserves.assets.map(({ asset, groups }, i) => ({ ...cover(asset, countedBy(rule, groups), liabilities[i]!), decimals: snapshot.assets[i]!.decimals }));
}

export function counts(rule: Rule, group: Group): boolean {
  return rule.classes.includes(group.class) && rule.control.includes(group.control) && reaches(group.evidence, rule.evidence);
}

const countedBy = (rule: Rule, groups: readonly Group[]): bigint => groups.filter((group) => counts(rule, group)).reduce((total, { amount }) => total + amount, 0n);

function cover(asset: string, counted: bigint, { amount, atMost }: Liability): Omit<Figures, "decimals"> {
  if (atMost) return { asset, counted, atMost: amount };
  const gap = counted - amount;
  return { asset, counted, liabilities: amount, ...(amount === 0n ? {} : { coverage: percent((counted * 10_000n) / amount) }), ...(gap < 0n ? { shortfall: -gap } : { surplus: gap }) };
}

function percent(hundredths: bigint): string {
  const digits = hundredths.toString().padStart(3, "0");
  return `${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

/** checkReserves: groups are of the registry's tokens, and what is said to count of them is what the statement's rule counts. */
export function checkReserves({ reserves, snapshot }: Statement): void {
  reserves.assets.forEach(({ asset, counted, groups }, i) => {
    const tokens = snapshot.assets[i]!.tokens;
    for (const { token, class: of } of groups) if (tokens.find(({ id }) => id === token)?.class !== of) throw untrue(`${asset}: its reserves name ${token}, which is no token of that class and asset`);
    if (countedBy(reserves.rule, groups) !== counted) throw untrue(`${asset}: what is said to count is not what the groups come to`);
  });
}

/** checkCoverage is the check `coverage.stated`, by the statement's groups. */
export function checkCoverage(statement: Statement): void {
  const hidden = statement.tree.surplus !== undefined;
  figuresOf(statement, statement.reserves.rule).forEach((figures, i) => {
    const { asset, counted, atMost } = figures;
    const stated = statement.coverage[i]!;
    for (const key of ["counted", "liabilities", "coverage", "surplus", "shortfall"] as const)
      if (stated[key] !== figures[key]) throw untrue(`${asset}: ${key} is stated as ${stated[key] ?? "nothing"} and comes out as ${figures[key] ?? "nothing"}`);
    if (!hidden) return;
    if (atMost !== undefined && atMost !== counted) throw untrue(`${asset}: at most what counts is owed, and that is not what is stated`);
    if (atMost === undefined && statement.liabilities[i]!.amount <= counted) throw untrue(`${asset}: an amount is stated though totals are hidden and what counts is as much`);
  });
}

/** least is the check `coverage.policy` as far as the groups go: it refuses what is not covered whatever the evidence shows, and otherwise says whether the evidence has to be seen. */
export function least(statement: Statement, { rule, nodes, leastCoverage }: Policy): "shown" | "evidence needed" {
  const wanted = BigInt(leastCoverage!.replace(".", ""));
  const confirmed = rule.evidence === "header-trusted"; // which state-proved groups are, the anchors and light clients of a bundle say
  const widest: Rule = confirmed ? { ...rule, evidence: "state-proved" } : rule;
  for (const { asset, counted, liabilities, atMost } of figuresOf(statement, widest)) {
    const owed = liabilities ?? atMost!;
    if (owed > 0n && (counted * 10_000n) / owed < wanted) throw untrue(`${asset}: coverage is below the policy's least, ${leastCoverage} percent`);
  }
  const attested = nodes > 1 && statement.reserves.assets.some(({ groups }) => groups.some((group) => group.evidence === "node-attested" && counts(widest, group)));
  return confirmed || attested ? "evidence needed" : "shown";
}
