// A statement by itself: what its own figures show (SPEC parts 7, 15, 21, 30).

import type { Verdict } from "../verdict.ts";
import { checkBands } from "./bands.ts";
import { Unmade } from "./checks.ts";
import { checkCoverage, checkReserves, least } from "./coverage.ts";
import { readFindings } from "./findings.ts";
import { checkLedger, checkMarginTotals } from "./ledger.ts";
import { hash } from "./octets.ts";
import type { Policy } from "./policy.ts";
import { Run } from "./run.ts";
import type { Statement } from "./statement.ts";

/** Report is a statement to be checked by itself: its envelope, and its place in a log where there is one. */
export interface Report {
  policy: Uint8Array;
  statement: Uint8Array;
  log?: { entry: Uint8Array; proof: Uint8Array };
  findings?: Uint8Array[];
  notices?: Uint8Array[];
}

/** verifyReport makes the checks of a statement that need no other file: its figures follow from each other. That they follow from the tree and from evidence, only a whole bundle shows. */
export async function verifyReport(report: Report): Promise<Verdict> {
  const run = new Run(report.policy);
  const { policy } = run;
  if (!policy) return run.verdict();
  run.place(report.log, hash(report.statement));
  run.checkSignature([], [["statement", report.statement]]);
  run.checkStatement();
  run.checkLog();
  checkFigures(run, policy);
  checkFindings(run, policy, report.findings);
  run.tell(report.findings, report.notices);
  return run.verdict();
}

function checkFigures({ checks, statement }: Run, policy: Policy): void {
  const of = statement as Statement; // no check that rests on statement.format is made without one
  checks.make("bands", ["statement.format"], () => {
    checkBands(of, policy);
    return `${of.bands.length} bands, each of other instants than the snapshot's; their lines only the whole report shows`;
  });
  checks.make("reserves.totals", ["statement.format"], () => {
    checkReserves(of);
    return "what counts follows from the stated groups; that those are the lines' only the whole report shows";
  });
  checks.make("coverage.stated", ["statement.format"], () => {
    checkCoverage(of);
    return "the stated coverage follows from the stated groups and liabilities; that those are true only the whole report shows";
  });
  if (policy.leastCoverage !== undefined)
    checks.make("coverage.policy", ["coverage.stated"], () => {
      if (least(of, policy) !== "shown") throw new Unmade(true, "whether what counts by the policy's rule is confirmed, or attested by enough nodes, only the whole report shows");
      return `by the policy's rule every asset is covered to ${policy.leastCoverage} percent or more`;
    });
  checks.make("liabilities.ledger", ["statement.format"], () => {
    checkLedger(of);
    return `${of.ledger.entries} entries of ${of.ledger.customers} customers`;
  });
  if (statement?.snapshot.margin && statement.tree.surplus === undefined)
    checks.make("liabilities.margin", ["snapshot"], () => {
      checkMarginTotals(of);
      return "the totals satisfy the rule of margin accounts";
    });
}

function checkFindings({ checks, statement }: Run, policy: Policy, files: readonly Uint8Array[] = []): void {
  if (files.length === 0) return;
  checks.make("findings", ["statement.format"], () =>
    readFindings(files, statement!.digest, policy)
      .map(({ auditor, known }) => `${auditor}${known ? "" : ", whom the policy does not know"}`)
      .join("; "),
  );
}
