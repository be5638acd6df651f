// The three things that a check needs, one step each: a proof, whom to trust, and who is asking.
import { fill, h, type Child } from "./dom.ts";
import type { Given } from "./given.ts";
import { factsOf, keyIn, policyOf } from "./trust.ts";
import { save } from "./save.ts";
import { facts } from "./trusted.ts";
import type { Words } from "./words.ts";

export interface Form {
  given: Given[];
  refused: string[]; // what was not taken, in words
  customer: string;
}

/** Steps are what the form asks of its owner. */
export interface Steps {
  takeFiles(files: Iterable<File>): void;
  takeText(text: string): void;
  takePolicy(text: string, name: string): void;
  drop(one: Given): void;
  check(): void;
}

/** FormView shows a form, and draws again the parts that files change; what is typed stays. */
export class FormView {
  readonly element: HTMLFormElement;
  private readonly files = h("div", {});
  private readonly trust = h("div", {});
  private readonly idLabel = h("label", { for: "customer" });
  private readonly wrong: Record<"proof" | "policy" | "customer", HTMLElement>;
  private readonly button: HTMLButtonElement;
  private readonly customer: HTMLInputElement;
  private readonly picker: HTMLInputElement;
  private readonly pasted: HTMLTextAreaElement;

  constructor(private readonly w: Words, private readonly form: Form, private readonly steps: Steps) {
    const error = (id: string): HTMLElement => h("p", { class: "error", id: `${id}-wrong`, hidden: true });
    this.wrong = { proof: error("proof"), policy: error("policy"), customer: error("customer") };
    this.customer = h("input", { id: "customer", type: "text", autocomplete: "off", autocapitalize: "none", spellcheck: "false", "aria-describedby": "customer-hint customer-wrong", value: form.customer, input: () => { form.customer = this.customer.value; this.given(); } });
    this.picker = h("input", { id: "proof", type: "file", multiple: true, class: "unseen", "aria-describedby": "proof-hint proof-wrong", change: () => { steps.takeFiles(this.picker.files ?? []); this.picker.value = ""; } });
    this.button = h("button", { type: "submit", class: "big" }, w.say("check"));
    this.pasted = h("textarea", { id: "pasted", rows: 4, autocomplete: "off", spellcheck: "false" });
    this.element = h("form", { novalidate: true, submit: (event) => { event.preventDefault(); steps.check(); } },
      h("ol", { class: "three" }, h("li", {}, this.proofStep()), h("li", {}, this.trustStep()), h("li", {}, this.idStep())),
      h("div", { class: "do last" }, this.button));
    this.draw();
  }

  /** draw shows what was given by now. */
  draw(): void {
    this.drawFiles();
    this.drawTrust();
    const exchange = this.form.given.find((one) => one.kind === "proof")?.claims.exchange;
    this.idLabel.textContent = exchange ? this.w.say("id.label.at", { exchange }) : this.w.say("id.label");
    this.given();
  }

  /** busy says that the check is being made. */
  busy(): void {
    this.button.textContent = this.w.say("checking");
    this.button.disabled = true;
  }

  /** broken says that it could not be made, which is a fault of this page. */
  broken(why: string): void {
    this.button.textContent = this.w.say("check");
    this.button.disabled = false;
    this.form.refused = [this.w.say("broken", { why })];
    this.drawFiles();
  }

  /** lacking tells what is missing, and goes to the first of it; false: nothing is. */
  lacking(): boolean {
    const missing = this.missing();
    for (const [name, is] of missing) this.tell(name, is);
    missing.find(([, is]) => is)?.[2].focus();
    return missing.some(([, is]) => is);
  }

  private missing(): [name: keyof typeof this.wrong, is: boolean, field: HTMLElement][] {
    return [
      ["proof", !this.has("proof"), this.picker],
      ["policy", !this.has("policy"), this.trust.querySelector("button") ?? this.picker],
      ["customer", this.form.customer.trim() === "", this.customer],
    ];
  }

  private tell(name: keyof typeof this.wrong, is: boolean): void {
    this.wrong[name].hidden = !is;
    this.wrong[name].textContent = is ? this.w.say(`missing.${name}`) : "";
    if (name !== "policy") (name === "proof" ? this.picker : this.customer).setAttribute("aria-invalid", String(is));
  }

  // given takes back what was said to be missing, once it is there.
  private given(): void {
    for (const [name, is] of this.missing()) if (!is) this.tell(name, false);
  }

  private has(kind: Given["kind"]): boolean {
    return this.form.given.some((one) => one.kind === kind);
  }

  private proofStep(): HTMLElement {
    const { w } = this;
    return h("fieldset", { class: "step" },
      h("legend", {}, h("h2", {}, w.say("proof.title"))),
      h("p", { class: "hint", id: "proof-hint" }, w.say("proof.hint")),
      this.wrong.proof,
      h("div", { class: "drop" }, this.picker, h("label", { class: "button", for: "proof" }, w.say("proof.choose")), h("span", { class: "or" }, w.say("proof.drop"))),
      h("details", { class: "paste" }, h("summary", {}, w.say("proof.paste")),
        h("div", { class: "field" }, h("label", { for: "pasted" }, w.say("proof.pasted")), this.pasted),
        h("button", { type: "button", class: "quiet", click: () => { this.steps.takeText(this.pasted.value); this.pasted.value = ""; } }, w.say("proof.take"))),
      this.files);
  }

  private drawFiles(): void {
    const { w } = this;
    fill(this.files,
      h("ul", { class: "given", "aria-label": w.say("given.list") }, ...this.form.given.map((one) => h("li", {},
        h("span", {}, h("strong", {}, w.say(`kind.${one.kind}`)), " ", h("span", { class: "what" }, this.described(one))),
        h("button", { type: "button", class: "quiet small", "aria-label": `${w.say("given.remove")}: ${w.say(`kind.${one.kind}`)}, ${one.name}`, click: () => this.steps.drop(one) }, w.say("given.remove"))))),
      h("div", { role: "status" }, ...this.form.refused.map((text) => h("p", { class: "error" }, text))));
  }

  private described({ claims: { exchange, period, answer }, name, kind }: Given): string {
    const parts = kind === "proof" && exchange ? [exchange, this.w.month(period ?? "")] : [name];
    return [...parts, answer === undefined ? "" : this.w.say("given.answered")].filter((part) => part !== "").join(" · ");
  }

  private trustStep(): HTMLElement {
    return h("fieldset", { class: "step" },
      h("legend", {}, h("h2", {}, this.w.say("trust.title"))),
      h("p", { class: "hint", id: "trust-hint" }, this.w.say("trust.hint")),
      this.wrong.policy,
      this.trust);
  }

  private drawTrust(): void {
    const policy = this.form.given.find((one) => one.kind === "policy");
    const proof = this.form.given.find((one) => one.kind === "proof");
    fill(this.trust, ...(policy ? this.believed(policy, proof) : [
      proof && this.claimed(proof),
      h("button", { type: "button", class: "quiet", click: () => this.picker.click() }, this.w.say("trust.choose")),
      this.ownKey(proof),
    ]));
  }

  // What a proof says of itself is shown as its own word, and believed by nobody.
  private claimed({ claims: { exchange, keys } }: Given): Child {
    const { w } = this;
    if (!exchange) return undefined;
    return h("div", { class: "notice wait" },
      h("p", {}, ...w.rich("trust.claimed", { exchange: h("strong", {}, exchange) })),
      keys.length > 0 && h("p", {}, w.say("trust.fingerprint"), ...keys.map((id) => h("code", { class: "block" }, id))));
  }

  private ownKey(proof: Given | undefined): HTMLElement {
    const { w } = this;
    const name = h("input", { id: "trust-name", type: "text", autocomplete: "off", value: proof?.claims.exchange ?? "" });
    const key = h("input", { id: "trust-key", type: "text", autocomplete: "off", spellcheck: "false", autocapitalize: "none", "aria-describedby": "trust-key-hint trust-key-wrong" });
    const loose = h("input", { id: "trust-loose", type: "checkbox", "aria-describedby": "trust-loose-hint" });
    const wrong = h("p", { class: "error", id: "trust-key-wrong", role: "alert" });
    const use = (): void => {
      const found = keyIn(key.value);
      wrong.textContent = name.value.trim() === "" ? w.say("trust.noname") : found ? "" : w.say("trust.nokey");
      key.setAttribute("aria-invalid", String(!found));
      if (found && name.value.trim() !== "") this.steps.takePolicy(policyOf(name.value.trim(), found, !loose.checked), w.say("trust.own"));
    };
    return h("details", { class: "paste" },
      h("summary", {}, w.say("trust.nofile")),
      h("div", { class: "field" }, h("label", { for: "trust-name" }, w.say("trust.name")), name),
      h("div", { class: "field" }, h("label", { for: "trust-key" }, w.say("trust.key")), h("p", { class: "hint", id: "trust-key-hint" }, w.say("trust.key.hint")), key, wrong),
      h("div", { class: "pick" }, loose, h("div", {}, h("label", { for: "trust-loose" }, w.say("trust.loose")), h("small", { id: "trust-loose-hint" }, w.say("trust.loose.hint")))),
      h("button", { type: "button", class: "quiet", click: use }, w.say("trust.use")));
  }

  private believed(policy: Given, proof: Given | undefined): Child[] {
    const { w } = this;
    const found = factsOf(policy.bytes);
    if ("refused" in found) return [h("p", { class: "error" }, w.say("trust.unreadable")), h("p", { class: "hint", lang: "en" }, found.refused)];
    const claims = proof?.claims.keys ?? [];
    return [
      policy.from === "link" && h("p", { class: "notice wait" }, w.say("trust.linked")),
      h("p", { class: "notice" }, ...w.rich("trust.believed", { exchange: h("strong", {}, found.exchange) })),
      facts(
        [w.say("trust.fingerprints"), [...found.keys.map((id) => h("code", { class: "block" }, id)),
          claims.length > 0 && h("p", { class: "hint" }, w.say(claims.some((id) => found.keys.includes(id)) ? "trust.same" : "trust.another"))]],
        [w.say("trust.asks"), h("ul", {}, ...found.asks.map((key) => h("li", {}, w.say(`asks.${key}`))))]),
      policy.from === "typed" && h("details", { class: "paste" }, h("summary", {}, w.say("trust.text")),
        h("pre", { tabindex: 0 }, new TextDecoder().decode(policy.bytes)),
        h("button", { type: "button", class: "quiet", click: () => save("policy.toml", new TextDecoder().decode(policy.bytes), "application/toml") }, w.say("trust.save"))),
    ];
  }

  private idStep(): HTMLElement {
    const { w } = this;
    return h("fieldset", { class: "step" },
      h("legend", {}, h("h2", {}, w.say("id.title"))),
      h("div", { class: "field" }, this.idLabel, h("p", { class: "hint", id: "customer-hint" }, w.say("id.hint")), this.wrong.customer, this.customer));
  }
}
