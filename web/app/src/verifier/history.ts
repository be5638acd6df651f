// Statements of one series, one after the other, and a customer's proofs of them (SPEC part 24, History).

import type { Check, Input, Statement, Verdict } from "../verdict.ts";
import { untrue } from "./canon.ts";
import { Checks, Unmade } from "./checks.ts";
import { Generators } from "./rows.ts";
import { verifyProof } from "./verify.ts";

/** History is what several proofs of one series show together: of a customer, "included in 6 of 7 reports". */
export interface History {
  proven: boolean;
  exit: Verdict["exit"];
  checks: Check[]; // history.chain, history.complete, history.proofs
  exchange: string;
  series: string;
  reports: Report[]; // by number, each once
  missing: Gap[]; // numbers between the first and the last of which no report was given
  included: number; // of the reports
}

/** Report is one statement of a history. A row that is committed to, of which nobody checked that it is counted, is not included; nor is one of a report that does not stand. */
export interface Report {
  statement: Statement;
  row: "included" | "committed" | "none";
  verdict: Verdict;
  input: number; // which of the inputs it is
}

/** Gap is first to last, both missing. */
export interface Gap {
  first: number;
  last: number;
}

/** Histories has one history a series, in the order of the inputs. unread are the inputs whose statement does not verify: they are in no history. */
export interface Histories {
  histories: History[];
  unread: number[];
}

/** verifyHistory checks each proof by itself, and then what they show together. */
export async function verifyHistory(inputs: readonly Input[]): Promise<Histories> {
  const generators = new Generators();
  const verdicts: Verdict[] = [];
  for (const input of inputs) verdicts.push(await verifyProof(input, generators));
  return historiesOf(verdicts);
}

/** historiesOf is what proofs show together that were checked before. */
export function historiesOf(verdicts: readonly Verdict[]): Histories {
  const unread: number[] = [];
  const series = new Map<string, Report[]>();
  const given = new Set(verdicts.flatMap((verdict) => (verdict.statement && isSound(verdict) ? [verdict.statement.digest] : [])));
  verdicts.forEach((verdict, input) => {
    const { statement } = verdict;
    if (!statement || !isSound(verdict)) {
      unread.push(input);
      return;
    }
    const key = JSON.stringify([statement.exchange, statement.series]);
    series.set(key, withReport(series.get(key) ?? [], { statement, row: stands(verdict, given) ? rowOf(verdict) : "none", verdict, input }));
  });
  return { histories: [...series.values()].map(historyOf), unread };
}

/** isSound says whether all checks of the statement passed, whatever its proof comes to. */
export function isSound({ checks }: Pick<Verdict, "checks">): boolean {
  const of = checks.filter(({ name }) => name.startsWith("statement.") || name === "snapshot");
  return of.length > 0 && of.every(({ result }) => result === "pass");
}

function rowOf({ proven, row }: Verdict): Report["row"] {
  if (!proven || !row) return "none";
  return row.countedBy === "" ? "committed" : "included";
}

/** stands: a report that was withdrawn does not, and a superseded one only if what supersedes it is given too (SPEC part 25). */
function stands({ state }: Verdict, given: ReadonlySet<string>): boolean {
  return state?.state !== "withdrawn" && (state?.state !== "superseded" || given.has(state.by!));
}

/** withReport keeps of one statement the copy that shows more. */
function withReport(reports: Report[], added: Report): Report[] {
  const i = reports.findIndex(({ statement }) => statement.digest === added.statement.digest);
  const other = reports[i];
  if (!other) return [...reports, added];
  return worth(added) > worth(other) ? reports.with(i, added) : reports;
}

const worth = ({ row, verdict }: Report): number => 2 * ["none", "committed", "included"].indexOf(row) + (verdict.log ? 1 : 0);

function historyOf(given: Report[]): History {
  const reports = given.toSorted((a, b) => a.statement.number - b.statement.number || compare(a.statement.instant, b.statement.instant));
  const statements = reports.map(({ statement }) => statement);
  const included = reports.filter(({ row }) => row === "included").length;
  const checks = new Checks();
  checkHistory(checks, statements);
  checks.make("history.proofs", [], () => {
    const refused = reports.find(({ row }) => row === "none");
    if (refused) throw untrue(`${whyNot(refused)}: the customer is included in ${included} of ${reports.length} reports`);
    if (included < reports.length) throw new Unmade(false, `included in ${included} of ${reports.length} reports; in the others the row is committed to, and nobody checked that it is counted`);
    return `included in ${included} of ${reports.length} reports`;
  });
  const { exchange, series } = statements[0]!;
  return { ...checks.outcome(), exchange, series, reports, missing: gaps(statements), included };
}

const whyNot = ({ statement: { number }, verdict: { proven, state } }: Report): string => (proven && state ? `the report number ${number} is ${state.state}` : `the proof for number ${number} does not pass`);

/** Link is what a statement says of its place among the others. */
export type Link = Pick<Statement, "digest" | "instant" | "number" | "period" | "previous" | "supersedes">;

/** checkHistory makes `history.chain` and `history.complete` of sound statements of one series, sorted by number. */
export function checkHistory(checks: Checks, links: readonly Link[]): void {
  checks.make("history.chain", [], () => {
    links.forEach((link, i) => {
      const before = links[i - 1];
      if (before) follows(before, link);
      supersedes(links.slice(0, i), link);
    });
    return `${links.length} statements, each after the one before`;
  });
  checks.make("history.complete", [], () => {
    const missing = gaps(links);
    if (missing.length > 0) throw untrue(`missing: ${missing.map(({ first, last }) => (first === last ? `number ${first}` : `numbers ${first} to ${last}`)).join(", ")}`);
    return `numbers ${links[0]!.number} to ${links.at(-1)!.number}`;
  });
}

function follows(before: Link, link: Link): void {
  if (before.number === link.number) throw untrue(`two statements have the number ${link.number}: the exchange has said two things at one place of the series`);
  if (before.number + 1 === link.number && link.previous !== before.digest) throw untrue(`number ${link.number} follows another statement than the one given as number ${before.number}`);
  if (link.instant < before.instant) throw untrue(`the instant of number ${link.number} is before that of number ${before.number}`);
}

/** supersedes: a second statement of a period supersedes the last one before it of that period, and no other does. What it names may be missing only where a number is that it can have. */
function supersedes(before: readonly Link[], link: Link): void {
  const replaced = before.filter(({ period }) => period === link.period).at(-1);
  if (replaced?.digest === link.supersedes) return;
  if (link.supersedes === undefined) throw untrue(`numbers ${replaced!.number} and ${link.number} are of the period ${link.period}, and the later supersedes nothing`);
  if (before.some(({ digest }) => digest === link.supersedes)) throw untrue(`number ${link.number} supersedes what is not the last statement before it of its period`);
  const first = replaced ? replaced.number + 1 : 0;
  if (before.filter(({ number }) => number >= first).length === link.number - first) throw untrue(`number ${link.number} supersedes none of the statements before it, of which none is missing`);
}

function gaps(links: readonly Link[]): Gap[] {
  return links.flatMap((link, i) => {
    const before = links[i - 1];
    return before && link.number > before.number + 1 ? [{ first: before.number + 1, last: link.number - 1 }] : [];
  });
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
