// What a verdict shows of a statement and of amounts, in texts.

import type { Amount, Coverage, Statement as Shown } from "../verdict.ts";
import { figuresOf } from "./coverage.ts";
import type { Statement } from "./statement.ts";

/** wholes writes base units as a decimal of whole assets, exactly. */
export function wholes(base: bigint, decimals: number): string {
  const digits = base.toString().padStart(decimals + 1, "0");
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, "");
  const whole = digits.slice(0, digits.length - decimals);
  return fraction === "" ? whole : `${whole}.${fraction}`;
}

export const amountOf = (asset: string, base: bigint, decimals: number): Amount => ({ asset, amount: wholes(base, decimals), base: base.toString(), decimals });

export function shownStatement(statement: Statement): Shown {
  const { snapshot, series, scope, tree } = statement;
  return {
    digest: statement.digest,
    exchange: snapshot.exchange.name,
    entity: snapshot.exchange.entity,
    period: snapshot.period,
    instant: snapshot.instant,
    issued: statement.issued,
    series: series.name,
    number: series.number,
    ...(series.previous === undefined ? {} : { previous: series.previous }),
    ...(series.supersedes === undefined ? {} : { supersedes: series.supersedes.statement }),
    kind: tree.kind,
    hiddenTotals: tree.surplus !== undefined,
    leaves: tree.leaves,
    shards: tree.shards,
    root: tree.root,
    included: [...scope.included],
    excluded: [...scope.excluded],
    encumbrances: scope.encumbrances,
    coverage: shownCoverage(statement),
  };
}

/** shownCoverage is what the statement's own figures come to by its own rule, whatever coverage it states. */
function shownCoverage(statement: Statement): Coverage[] {
  return figuresOf(statement, statement.reserves.rule).map(({ asset, decimals, counted, liabilities, atMost, coverage, shortfall }) => ({
    asset,
    decimals,
    counted: wholes(counted, decimals),
    ...(liabilities === undefined ? {} : { liabilities: wholes(liabilities, decimals) }),
    ...(atMost === undefined ? {} : { atMost: wholes(atMost, decimals) }),
    ...(coverage === undefined ? {} : { coverage }),
    ...(shortfall === undefined ? {} : { shortfall: wholes(shortfall, decimals) }),
  }));
}
