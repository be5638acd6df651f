// What a customer takes away: a print, a receipt, and where something is wrong what to do and a complaint.
import type { Held } from "./balances.ts";
import { h } from "./dom.ts";
import { complaint, receipt, type Complaint, type Kept } from "./files.ts";
import { save } from "./save.ts";
import type { Words } from "./words.ts";

const named = (kept: Kept, what: string): string => `${what}-${(kept.verdict.statement?.period ?? "unknown").replace(/[^\w-]/g, "_")}.json`;

/** keeping is the row of buttons below a result. */
export function keeping(w: Words, kept: () => Kept): HTMLElement {
  return h("div", { class: "do" },
    h("button", { type: "button", class: "quiet", click: () => print() }, w.say("keep.print")),
    h("button", { type: "button", class: "quiet", click: () => { const one = kept(); save(named(one, "receipt"), receipt(one)); } }, w.say("keep.receipt")),
  );
}

/** next says what to do, in three steps; part names the files of the list that the row is in. With a complaint to save, where the exchange's own claim is in question. */
export function next(w: Words, cause: string, part: string, kept: Kept | undefined, held: Held): HTMLElement {
  const group = w.has(`next.${cause}.1`) ? cause : kept ? "mismatch" : "unchecked";
  return h("section", { class: "next", "aria-labelledby": "next-title" },
    h("h2", { id: "next-title" }, w.say("next.title")),
    h("ol", { class: "steps" }, ...[1, 2, 3].map((step) => h("li", {}, w.say(`next.${group}.${step}`, { part })))),
    kept && complaining(w, kept, held));
}

function complaining(w: Words, kept: Kept, held: Held): HTMLElement {
  const words = h("textarea", { id: "complaint-words", rows: 3, autocomplete: "off", "aria-describedby": "complaint-hint" });
  const include = h("input", { id: "complaint-held", type: "checkbox" });
  const made = (): Complaint => ({
    words: words.value.trim() || undefined,
    held: include.checked ? [...held].map(([asset, amount]) => ({ asset, amount })) : undefined,
  });
  return h("details", { class: "panel" },
    h("summary", {}, w.say("complaint.title")),
    h("p", { id: "complaint-hint", class: "hint" }, w.say("complaint.hint")),
    h("div", { class: "field" }, h("label", { for: "complaint-words" }, w.say("complaint.words")), words),
    held.size > 0 && h("p", { class: "pick" }, include, h("label", { for: "complaint-held" }, w.say("complaint.held"))),
    h("button", { type: "button", click: () => save(named(kept, "complaint"), complaint(kept, made())) }, w.say("complaint.save")),
  );
}
