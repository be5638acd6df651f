// What a result rests on, what the report says, and every check for the curious.
import type { Coverage, Verdict } from "../verdict.ts";
import { h, type Child } from "./dom.ts";
import { isOpinion, type Second } from "./outcome.ts";
import type { Words } from "./words.ts";

/** facts is a list of terms, each with what it means here. */
export function facts(...list: ([string, Child | Child[]] | undefined)[]): HTMLDListElement {
  return h("dl", { class: "facts" }, ...list.filter((one) => one !== undefined).map(([term, value]) => h("div", {}, h("dt", {}, term), h("dd", {}, ...(Array.isArray(value) ? value : [value])))));
}

/** trusted names what the reader believed for this result. */
export function trusted(w: Words, { policy, signers, log, findings, statement }: Verdict): HTMLElement {
  return facts(
    [w.say("trusted.policy"), h("code", {}, policy)],
    signers.length > 0 ? [w.say("trusted.keys"), signers.map((id) => h("code", { class: "block" }, id))] : undefined,
    log ? [w.say("trusted.log"), [w.say("trusted.place", { origin: log.origin, index: w.number(String(log.index)), size: w.number(String(log.size)) })]] : undefined,
    log && log.witnesses.length > 0 ? [w.say("trusted.witnesses"), [w.list(log.witnesses), log.witnessed ? " · " : "", log.witnessed ? w.moment(log.witnessed) : ""]] : undefined,
    ...findings.map((finding): [string, Child] => [w.say(finding.known ? "trusted.auditor" : "trusted.stranger"), `${finding.auditor}: ${finding.scope}${finding.failed.length === 0 ? "" : ` (${w.say("trusted.notpassed", { checks: finding.failed.join(", ") })})`}`]),
    [w.say("trusted.id"), w.say("trusted.id.text")],
    statement ? [w.say("trusted.statement"), h("code", {}, statement.digest)] : undefined,
  );
}

/** report is what the exchange says of itself. This page checked that the exchange signed it, and not that it is so. */
export function report(w: Words, verdict: Verdict): HTMLElement {
  const of = verdict.statement!;
  return h("div", {},
    h("p", { class: "hint" }, w.say("report.hint", { exchange: of.exchange })),
    facts(
      [w.say("report.entity"), of.entity],
      [w.say("report.period"), `${of.period} · ${w.momentText(of.instant)}`],
      [w.say("report.series"), w.say("report.number", { series: of.series, number: w.number(String(of.number)) })],
      [w.say("report.included"), w.list(of.included)],
      of.excluded.length > 0 ? [w.say("report.excluded"), w.list(of.excluded)] : undefined,
      [w.say("report.encumbrances"), of.encumbrances],
    ),
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": w.say("report.coverage") },
      h("table", {},
        h("caption", {}, w.say("report.coverage")),
        h("thead", {}, h("tr", {}, ...["asset", "owed", "held", "covered"].map((key, i) => h("th", { scope: "col", class: i > 0 && "num" }, w.say(`report.${key}`))))),
        h("tbody", {}, ...of.coverage.map((line) => coverage(w, line)))),
    ),
  );
}

function coverage(w: Words, line: Coverage): HTMLTableRowElement {
  const owed = line.liabilities !== undefined ? w.number(line.liabilities) : line.atMost !== undefined ? w.say("report.atmost", { amount: w.number(line.atMost) }) : w.say("report.hidden");
  const covered = line.coverage !== undefined ? w.say("report.percent", { percent: w.number(line.coverage) }) : "–";
  const short = line.shortfall !== undefined && line.shortfall !== "0";
  return h("tr", { class: short && "short" },
    h("th", { scope: "row" }, line.asset),
    h("td", { class: "num" }, owed),
    h("td", { class: "num" }, w.number(line.counted)),
    h("td", { class: "num" }, covered, short && h("small", {}, w.say("report.short", { amount: w.number(line.shortfall!), asset: line.asset }))),
  );
}

/** checks is every check by its name, as both implementations made it. */
export function checks(w: Words, verdict: Verdict, second: Second): HTMLElement {
  const other = isOpinion(second) ? new Map(second.checks.map((check) => [check.name, check.result])) : undefined;
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": w.say("checks.title") },
    h("table", {},
      h("caption", {}, w.say("checks.caption")),
      h("thead", {}, h("tr", {}, ...["name", "result", ...(other ? ["second"] : []), "detail"].map((key) => h("th", { scope: "col" }, w.say(`checks.${key}`))))),
      h("tbody", {}, ...verdict.checks.map((check) => h("tr", {},
        h("th", { scope: "row" }, h("code", {}, check.name)),
        h("td", {}, w.say(`checks.${check.result}`)),
        other && h("td", {}, w.say(`checks.${other.get(check.name) ?? "skipped"}`)),
        h("td", { class: "text", lang: "en", dir: "ltr" }, check.detail)))),
    ),
  );
}
