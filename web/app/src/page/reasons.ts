// Why a result is as it is: a sentence each, and what each rests on kept apart.
import type { Verdict } from "../verdict.ts";
import type { Child } from "./dom.ts";
import { agree, aloneIn, isOpinion, type Outcome, type Second } from "./outcome.ts";
import type { Words } from "./words.ts";

export interface Reason {
  mark: "yes" | "no" | "open" | "awaited";
  text: string;
}

/** reasons are about the row, who checked that it is counted, the signature, the log, what came since, and the second opinion. */
export function reasons(w: Words, verdict: Verdict, second: Second): Reason[] {
  if (isOpinion(second) && !agree(verdict, second)) return secondReason(w, verdict, second);
  const list: Reason[] = [];
  const { row, statement, log, state } = verdict;
  const exchange = statement?.exchange ?? "";
  if (row && statement) {
    list.push({ mark: "yes", text: w.say(`reason.row.${statement.kind}`, { exchange }) });
    if (!failed(verdict, "proof.counted")) list.push(counted(w, verdict)); // else the result says it
  }
  if (passed(verdict, "statement.signature") && statement) list.push({ mark: "yes", text: w.say("reason.signed", { exchange }) });
  if (log?.witnesses.length) list.push({ mark: "yes", text: w.count("reason.log", log.witnesses.length) });
  else if (log) list.push({ mark: "open", text: w.say("reason.unseen") });
  else if (statement && !failed(verdict, "log")) list.push({ mark: "open", text: w.say("reason.nolog") });
  if (state?.state === "erratum") list.push({ mark: "open", text: w.say("reason.erratum", { text: state.text }) });
  if (verdict.unheard) list.push({ mark: "open", text: w.say("reason.unheard", { exchange }) });
  return [...list, ...secondReason(w, verdict, second)];
}

/** trustReason says again, where a signature is believed, that somebody else chose whom to believe. */
export const trustReason = (w: Words, { signers }: Verdict, linked: boolean): Reason[] => (linked && signers.length > 0 ? [{ mark: "open", text: w.say("trust.linked") }] : []);

function counted(w: Words, { row, statement }: Verdict): Reason {
  const by = row!.countedBy;
  if (by === "") return { mark: "open", text: w.say("reason.nobody", { exchange: statement!.exchange }) };
  if (by === "sums") return { mark: "yes", text: w.say(`reason.sums.${statement!.kind}`) };
  return { mark: "yes", text: w.say("reason.auditor", { auditor: by.auditor }) };
}

function secondReason(w: Words, verdict: Verdict, second: Second): Reason[] {
  if (second === "none") return [{ mark: "open", text: w.say("second.none") }];
  if (second === "awaited") return [{ mark: "awaited", text: w.say("second.awaited") }];
  if (!isOpinion(second)) return [{ mark: "open", text: w.say("second.missing", { why: second.missing }) }];
  if (!agree(verdict, second)) return [{ mark: "no", text: w.say("second.disagree") }];
  return [{ mark: "yes", text: w.say(aloneIn(verdict, second).size > 0 ? "second.agree.but" : "second.agree") }];
}

/** lead is the first sentence below the result. */
export function lead(w: Words, verdict: Verdict, { result, cause }: Outcome, amounts: Child): Child[] {
  const { statement, row } = verdict;
  const exchange = statement?.exchange ?? "";
  if (result === "withdrawn") return [w.say(`why.${cause}`, { exchange, date: w.date(verdict.state!.issued), text: verdict.state!.text })];
  if (result !== "included" || !row || !statement) return [w.say(`why.${cause}`, { exchange })];
  const totals = cause === "committed" ? "committed" : statement.hiddenTotals ? "hidden" : "included";
  return w.rich(row.balances.length === 0 ? `lead.${totals}.nothing` : `lead.${totals}`, { exchange, balances: amounts, instant: w.moment(statement.instant) });
}

/** open is what a check of this proof does not show. */
export function open(w: Words, { row, statement, state }: Verdict): string[] {
  const keys = ["reserves", "others", "all", ...(state ? [] : ["since"]), "instants"];
  if (row?.countedBy === "") keys.unshift("counted");
  if (statement?.hiddenTotals) keys.push("totals");
  if (row && row.debts.length > 0) keys.push("margin");
  return keys.map((key) => w.say(`open.${key}`));
}

const passed = (verdict: Verdict, name: string): boolean => verdict.checks.some((check) => check.name === name && check.result === "pass");
const failed = (verdict: Verdict, name: string): boolean => verdict.checks.some((check) => check.name === name && check.result === "fail");
