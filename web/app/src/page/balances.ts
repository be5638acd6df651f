// What a customer is owed by the proof, and how that compares with what they believe they held.
import type { Amount, Statement } from "../verdict.ts";
import { h, type Child } from "./dom.ts";
import { minus, typed } from "./exact.ts";
import type { Words } from "./words.ts";

/** Held is what a person typed, by asset: exact decimals. It lives as long as the page does. */
export type Held = Map<string, string>;

/** inWords is at most three balances in one phrase. */
export function inWords(w: Words, balances: Amount[]): Child {
  const said = balances.slice(0, 3).map(({ amount, asset }) => w.apart(`${w.number(amount)}\u00a0${asset}`));
  if (balances.length > 3) said.push(w.count("balances.more", balances.length - 3));
  return h("strong", {}, w.list(said));
}

/** balancesOf is a table with a field to compare for every balance. changed is called when a comparison comes out otherwise. */
export function balancesOf(w: Words, balances: Amount[], statement: Statement, held: Held, changed: () => void): HTMLElement {
  return h("ul", { class: "balances" }, ...balances.map((balance) => line(w, balance, statement, held, changed)));
}

function line(w: Words, balance: Amount, statement: Statement, held: Held, changed: () => void): HTMLLIElement {
  const { asset, amount } = balance;
  const id = `held-${asset.replace(/[^A-Z0-9]/g, "_")}`;
  const said = h("p", { class: "compared", id: `${id}-said`, role: "status" });
  const field = h("input", { id, type: "text", inputmode: "decimal", autocomplete: "off", spellcheck: "false", "aria-describedby": `${id}-said`, value: held.get(asset) === undefined ? "" : w.number(held.get(asset)!) });
  const compare = (): void => {
    const text = field.value.trim();
    const value = text === "" ? undefined : typed(text, w.locale);
    if (value === undefined) held.delete(asset);
    else held.set(asset, value);
    const [state, words] = text === "" ? ["", ""] : value === undefined ? ["bad", w.say("held.unclear", { example: w.number("1234.5") })] : compared(w, balance, value, statement);
    said.textContent = words;
    said.className = `compared ${state}`;
    field.setAttribute("aria-invalid", String(state === "bad"));
    changed();
  };
  field.addEventListener("change", compare);
  field.addEventListener("input", () => { if (said.textContent !== "") compare(); });
  if (field.value !== "") queueMicrotask(compare);
  return h("li", {},
    h("div", { class: "amount" },
      h("bdi", {}, h("span", { class: "figure" }, w.number(amount)), " ", h("span", { class: "asset" }, asset)),
      copyButton(w, `${w.say("copy")} ${w.number(amount)} ${asset}`, amount)),
    h("div", { class: "held" }, h("label", { for: id }, w.say("held.label", { asset })), field, said),
  );
}

function compared(w: Words, { amount, asset }: Amount, value: string, { instant, included, excluded }: Statement): [string, string] {
  const difference = minus(amount, value);
  if (difference === "0") return ["same", w.say("held.same")];
  const places = { asset, difference: w.number(difference.replace("-", "")), instant: w.momentText(instant) };
  if (!difference.startsWith("-")) return ["other", w.say("held.less", places)];
  const scope = excluded.length === 0 ? w.say("held.scope", { included: w.list(included) }) : w.say("held.scope.excluded", { included: w.list(included), excluded: w.list(excluded) });
  return ["other", `${w.say("held.more", places)} ${scope}`];
}

/** differs is whether anything that was typed is not what the proof says. */
export const differs = (balances: Amount[], held: Held): boolean =>
  balances.some(({ asset, amount }) => held.has(asset) && minus(amount, held.get(asset)!) !== "0");

/** copyButton copies a text exactly. Where the browser does not let it, the text is selected for the person to copy. */
export function copyButton(w: Words, label: string, text: string): HTMLButtonElement {
  const button: HTMLButtonElement = h("button", { type: "button", class: "quiet small", "aria-label": label, click: () => void copy() }, w.say("copy"));
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = w.say("copied");
    } catch {
      const shown = h("code", { tabindex: -1 }, text);
      button.after(shown);
      getSelection()?.selectAllChildren(shown);
    }
  };
  return button;
}
