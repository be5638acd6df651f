// Several proofs, in the order of their reports.
import type { History } from "../verifier/history.ts";
import { instantOf, type Checked } from "./check.ts";
import { h, type Child } from "./dom.ts";
import { icon } from "./icons.ts";
import { outcome } from "./outcome.ts";
import type { Words } from "./words.ts";

/** strip shows what the proofs of each series show together, and the result of every one, of which one can be chosen. */
export function strip(w: Words, list: Checked[], histories: History[], chosen: Checked, choose: (one: Checked) => void): HTMLElement {
  return h("section", { class: "history", "aria-labelledby": "history-title" },
    h("h2", { id: "history-title" }, w.say("history.title")),
    ...histories.flatMap((history) => together(w, history, list)),
    h("ol", {}, ...list.map((one) => {
      const { result, cause } = outcome(one.verdict, one.second);
      const period = one.verdict.statement?.period ?? one.given.claims.period;
      return h("li", {}, h("button", { type: "button", class: `chip ${result}`, "aria-pressed": String(one === chosen), click: () => choose(one) },
        icon(result), h("span", {}, period ? w.month(period) : one.given.name), h("small", {}, w.say(cause === "committed" ? "history.committed.one" : `result.${result}`))));
    })));
}

/** tally counts the reports of a history in which the row is included or committed to. Where the second opinion disagrees neither is said. */
export function tally({ reports }: History, list: Checked[]): Record<"included" | "committed", number> {
  const relied = reports.filter(({ verdict }) => outcome(verdict, list.find((one) => one.verdict === verdict)!.second).cause !== "disagree");
  const rows = (is: "included" | "committed"): number => relied.filter(({ row }) => row === is).length;
  return { included: rows("included"), committed: rows("committed") };
}

// One history in words: in how many reports, whether they follow each other, and which are missing between them.
function together(w: Words, history: History, list: Checked[]): Child[] {
  const { reports, missing, checks } = history;
  const { included, committed } = tally(history, list);
  const since = w.month(reports[0]!.statement.period);
  const gaps = missing.reduce((n, { first, last }) => n + last - first + 1, 0);
  const broken = checks.some(({ name, result }) => name === "history.chain" && result === "fail");
  return [
    h("p", { class: "lead" }, w.count("history.included", reports.length, { included: w.number(String(included)), since })),
    committed > 0 && h("p", { class: "notice wait" }, w.count("history.committed", committed)),
    gaps > 0 && h("p", { class: "notice wait" }, w.count("history.gaps", gaps)),
    broken && h("p", { class: "notice bad" }, w.say("history.broken")),
  ];
}

/** newest is the last of them in time. */
export const newest = (list: Checked[]): Checked => list.reduce((a, b) => (instantOf(b) >= instantOf(a) ? b : a));
