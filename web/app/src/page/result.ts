// The result of a check: first what it is, then why, then all the rest.
import type { Verdict } from "../verdict.ts";
import type { History } from "../verifier/history.ts";
import { balancesOf, differs, inWords, type Held } from "./balances.ts";
import type { Checked } from "./check.ts";
import { fill, h, type Child } from "./dom.ts";
import { pageVersion, type Kept } from "./files.ts";
import { newest, strip } from "./history.ts";
import { icon } from "./icons.ts";
import { keeping, next } from "./keep.ts";
import { agree, isOpinion, outcome } from "./outcome.ts";
import { describe, picture, table } from "./path.ts";
import { lead, open, reasons, trustReason } from "./reasons.ts";
import { checks, facts, report, trusted } from "./trusted.ts";
import type { Words } from "./words.ts";

export interface Shown {
  list: Checked[];
  histories: History[];
  chosen: Checked;
  linked: boolean; // whoever made a link chose whom to trust
  held: Held;
  at: string; // when the check was made, by the device's clock
}

/** ResultView shows what came of a check; what the second opinion may change is drawn again by draw. */
export class ResultView {
  readonly element: HTMLElement;
  private readonly card = h("div", { role: "status" });
  private readonly reasons = h("ul", { class: "reasons" });
  private readonly strip = h("div", {});
  private readonly advice = h("div", {});
  private readonly found = h("div", {}); // what is owed, which nobody is told where two disagree
  private readonly remembered = h("div", {});
  private readonly checks = h("div", {});

  constructor(private readonly w: Words, private readonly shown: Shown, private readonly choose: (one: Checked) => void, again: () => void) {
    const { row, statement } = shown.chosen.verdict;
    this.reasons.setAttribute("aria-label", w.say("reasons"));
    if (row && statement) {
      fill(this.found,
        h("section", { "aria-labelledby": "balances-title" },
          h("h2", { id: "balances-title" }, w.say("balances.title")),
          row.balances.length === 0 ? h("p", {}, w.say("balances.none")) : h("p", { class: "hint screen" }, w.say("held.hint")),
          balancesOf(w, row.balances, statement, shown.held, () => this.compare()),
          row.debts.length > 0 && h("h3", {}, w.say("debts.title")),
          row.debts.length > 0 && facts(...row.debts.map(({ asset, amount }): [string, Child] => [asset, w.number(amount)])),
          this.remembered),
        h("section", { class: "open", "aria-labelledby": "open-title" },
          h("h2", { id: "open-title" }, w.say("open.title")),
          h("ul", {}, ...open(w, shown.chosen.verdict).map((text) => h("li", {}, text)))));
    }
    this.element = h("div", { class: "outcome" },
      this.card, this.reasons,
      h("div", { class: "do screen" }, h("button", { type: "button", class: "quiet", click: again }, w.say("again"))),
      this.strip, this.advice,
      this.found,
      h("section", { "aria-labelledby": "more-title" },
        h("h2", { id: "more-title", class: "unseen" }, w.say("more.title")),
        row && panel(w.say("path.heading"), false, h("p", {}, describe(w, row)), picture(w, row),
          panel(w.say("path.astable"), false, h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": w.say("path.astable") }, table(w, row)))),
        statement && panel(w.say("report.title"), true, report(w, shown.chosen.verdict)),
        panel(w.say("trusted.title"), true, trusted(w, shown.chosen.verdict)),
        panel(w.say("checks.title"), false, this.checks)),
      h("section", { class: "screen", "aria-labelledby": "keep-title" },
        h("h2", { id: "keep-title" }, w.say("keep.title")),
        h("p", { class: "hint" }, w.say("keep.hint")),
        keeping(w, () => this.kept())),
      h("p", { class: "made" }, ...w.rich("made", { at: w.moment(shown.at), page: h("code", {}, pageVersion()) })));
    this.draw();
  }

  /** draw says again what rests on both opinions. */
  draw(): void {
    const { w, shown: { list, histories, chosen, linked } } = this;
    const { verdict, second } = chosen;
    const out = outcome(verdict, second);
    if (this.card.className !== `card ${out.result}` || this.card.dataset.cause !== out.cause) {
      this.card.className = `card ${out.result}`;
      this.card.dataset.cause = out.cause;
      fill(this.card, icon(out.result),
        h("h1", { tabindex: -1, id: "result" }, w.say(`result.${out.result}`)),
        h("p", { class: "lead" }, ...lead(w, verdict, out, inWords(w, verdict.row?.balances ?? []))),
        newest(list) !== chosen && h("p", { class: "hint" }, w.say("history.older")));
      this.advise();
      document.title = `${w.say(`result.${out.result}`)} · ${w.say("title")}`;
    }
    this.found.hidden = out.cause === "disagree";
    fill(this.reasons, ...[...reasons(w, verdict, second), ...trustReason(w, verdict, linked)].map(({ mark, text }) => h("li", { class: mark }, icon(mark), h("span", {}, text))));
    if (list.length > 1) fill(this.strip, strip(w, list, histories, chosen, this.choose));
    fill(this.checks, checks(w, verdict, second));
  }

  // advise says what to do next where something is wrong.
  private advise(): void {
    const { verdict, second } = this.shown.chosen;
    const { result, cause } = outcome(verdict, second);
    fill(this.advice, result !== "included" && next(this.w, cause, partOf(verdict), result === "mismatch" ? this.kept() : undefined, this.shown.held));
    this.compare();
  }

  // compare does so where the customer remembers another balance than the one that is included.
  private compare(): void {
    const { chosen: { verdict, second }, held } = this.shown;
    const other = outcome(verdict, second).result === "included" && differs(verdict.row?.balances ?? [], held);
    if (other === this.remembered.hasChildNodes()) return;
    fill(this.remembered, other && next(this.w, "held", partOf(verdict), this.kept(), held));
  }

  private kept(): Kept {
    const { chosen, at } = this.shown;
    const { verdict, second, input, given } = chosen;
    return { proof: given, policy: input.policy, statement: input.statement, verdict, outcome: outcome(verdict, second), at, agreed: isOpinion(second) ? agree(verdict, second) : undefined };
  }
}

const partOf = ({ row }: Verdict): string => `shard-${String(row?.shard.index ?? 0).padStart(5, "0")}`;

const panel = (title: string, printed: boolean, ...children: Child[]): HTMLDetailsElement =>
  h("details", { class: "panel", "data-print": printed }, h("summary", {}, title), ...children);
