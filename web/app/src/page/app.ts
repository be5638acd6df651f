// The page: a form, then a result.
import { asked, checked, inputs, type Ask } from "./check.ts";
import { fill, h } from "./dom.ts";
import { FormView, type Form, type Steps } from "./form.ts";
import { NotTaken, told, type Given, type Source } from "./given.ts";
import { newest } from "./history.ts";
import { carried, linked } from "./link.ts";
import { ResultView, type Shown } from "./result.ts";
import { languages, preferred, Words } from "./words.ts";

/** start draws the page. ask is the second implementation, where the page has one. */
export function start(ask: Ask | undefined): void {
  const page = new Page(ask);
  page.draw();
  void page.takeLink();
}

class Page implements Steps {
  private w = new Words(preferred(navigator.languages), navigator.languages);
  private readonly form: Form = { given: [], refused: [], customer: "" };
  private view: FormView | undefined;
  private shown: Shown | undefined;
  private result: ResultView | undefined;
  private readonly header = document.querySelector("header")!;
  private readonly main = document.querySelector("main")!;
  private readonly footer = document.querySelector("footer")!;

  constructor(private readonly ask: Ask | undefined) {
    addEventListener("hashchange", () => void this.takeLink());
    addEventListener("dragover", (event) => event.preventDefault());
    addEventListener("drop", (event) => { event.preventDefault(); this.takeFiles(event.dataTransfer?.files ?? []); });
    addEventListener("paste", (event) => {
      if (event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement || this.shown) return;
      const { files, text } = { files: event.clipboardData?.files, text: event.clipboardData?.getData("text") ?? "" };
      if (files && files.length > 0) this.takeFiles(files);
      else if (text !== "") this.takeText(text);
    });
    addEventListener("beforeprint", () => document.querySelectorAll<HTMLDetailsElement>("details[data-print]").forEach((one) => { one.open = true; }));
  }

  /** draw draws everything, as after a change of language. */
  draw(): void {
    const { w } = this;
    document.documentElement.lang = w.language.code;
    document.documentElement.dir = w.language.dir;
    this.drawHeader();
    fill(this.footer, h("p", {}, w.say("footer")), h("p", {}, w.say(this.ask ? "footer.two" : "footer.one")),
      h("details", {}, h("summary", {}, w.say("footer.licences")), h("pre", { tabindex: 0, lang: "en" }, document.getElementById("licences")?.textContent ?? "")));
    if (this.shown) this.result = this.drawResult();
    else this.drawForm();
  }

  /** takeLink takes what a link carried behind its #, and takes it out of the address. */
  async takeLink(): Promise<void> {
    const fragment = location.hash;
    if (fragment.length < 2) return;
    const files = carried(fragment);
    if (files.length === 0) return;
    history.replaceState(null, "", location.pathname + location.search);
    for (const bytes of files) await this.take(bytes, this.w.say("given.link"), "link");
    this.refresh();
  }

  takeFiles(files: Iterable<File>): void {
    const list = [...files]; // a FileList empties as soon as its field does
    void (async () => {
      this.form.refused = [];
      for (const file of list) await this.take(new Uint8Array(await file.arrayBuffer()), file.name, "file");
      this.refresh();
    })();
  }

  takeText(text: string): void {
    const link = linked(text);
    this.form.refused = [];
    const parts = link === undefined ? [new TextEncoder().encode(text.trim())] : carried(link);
    void (async () => {
      for (const bytes of parts) await this.take(bytes, this.w.say("given.pasted"), link === undefined ? "pasted" : "link");
      this.refresh();
    })();
  }

  takePolicy(text: string, name: string): void {
    void this.take(new TextEncoder().encode(text), name, "typed").then(() => this.refresh());
  }

  drop(one: Given): void {
    this.form.given = this.form.given.filter((other) => other !== one);
    this.refresh();
    document.getElementById("proof")?.focus();
  }

  check(): void {
    if (this.view!.lacking()) return;
    this.checks().catch((error: unknown) => this.view?.broken(String(error)));
  }

  private async checks(): Promise<void> {
    this.view!.busy();
    await painted();
    const policy = this.form.given.find((one) => one.kind === "policy")!;
    const { list, histories } = await checked(inputs(this.form.given, policy.bytes, this.form.customer), this.ask);
    this.shown = { list, histories, chosen: newest(list), linked: policy.from === "link", held: new Map(), at: new Date().toISOString().replace(/\.\d+Z$/, "Z") };
    this.result = this.drawResult();
    toResult();
    if (!this.ask) return;
    const shown = this.shown;
    for (const one of [...list].reverse()) {
      await painted();
      await asked(one, this.ask);
      if (this.shown === shown) this.result.draw();
    }
  }

  // One policy holds: a new one takes the former's place. The same file given again is one file.
  private async take(bytes: Uint8Array, name: string, from: Source): Promise<void> {
    try {
      for (const one of await told(bytes, name)) {
        const others = this.form.given.filter((other) => other.kind !== one.kind || (one.kind !== "policy" && !same(other.bytes, one.bytes)));
        this.form.given = [...others, { ...one, from }];
      }
    } catch (error) {
      this.form.refused.push(this.w.say(error instanceof NotTaken ? error.key : "given.unknown", { name }));
    }
  }

  private refresh(): void {
    if (!this.shown) this.view?.draw();
    else this.again();
  }

  private drawHeader(): void {
    const { w } = this;
    const menu = h("select", { id: "language", change: () => { this.w = new Words(menu.value, navigator.languages); this.draw(); document.getElementById("language")?.focus(); } },
      ...languages.map(({ code, name }) => h("option", { value: code, lang: code, selected: code === w.language.code }, name)));
    fill(this.header, h("a", { class: "skip", href: "#main", click: (event) => { event.preventDefault(); this.main.focus(); } }, w.say("skip")),
      h("p", { class: "brand" }, w.say("brand")),
      languages.length > 1 && h("div", { class: "language" }, h("label", { for: "language" }, w.say("language")), menu));
  }

  private drawForm(): void {
    const { w } = this;
    document.title = w.say("title");
    this.view = new FormView(w, this.form, this);
    fill(this.main, h("h1", { tabindex: -1 }, w.say("heading")), h("p", { class: "lead" }, w.say("intro")), this.view.element);
  }

  private drawResult(): ResultView {
    const shown = this.shown!;
    const view = new ResultView(this.w, shown, (one) => { shown.chosen = one; this.result = this.drawResult(); toResult(); }, () => this.again());
    fill(this.main, view.element);
    return view;
  }

  private again(): void {
    this.shown = undefined;
    this.drawForm();
    scrollTo(0, 0);
    this.main.querySelector("h1")?.focus();
  }
}

const same = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, i) => byte === b[i]);

// What is said is on the screen before a check takes the processor.
const painted = (): Promise<void> => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));

function toResult(): void {
  scrollTo(0, 0);
  document.getElementById("result")?.focus({ preventScroll: true });
}
