// <assay-state src="https://por.exchange.example" exchange="Example" key="ed25519:…" stale="45"></assay-state>
//
// shows on any page what became of the exchange's newest report. It believes the server nothing that the exchange's key does not
// vouch for, asks nobody else, and says in words what it finds, in the language of the page around it.
import texts from "words:widget";
import { look, type Outcome } from "./state";

const style = `
:host { display: inline-block; font: 500 .95rem/1.5 system-ui, sans-serif; color-scheme: light dark; }
p { display: flex; gap: .6em; align-items: flex-start; margin: 0; padding: .6em .9em; border: 1px solid; border-inline-start-width: 5px; border-radius: 3px; color: light-dark(#1f2328, #e7e5df); background: light-dark(#fff, #1b1f23); border-color: light-dark(#5a6068, #a5abb2); }
.published { border-color: light-dark(#0b5960, #7cc4c7); }
.withdrawn, .unknown { border-color: light-dark(#98231c, #ffa194); }
.sign { font-weight: 700; }
`;

const signs: Record<Outcome | "checking", string> = { checking: "…", published: "✓", withdrawn: "✕", superseded: "→", signed: "○", stale: "!", unknown: "?" };

// again is after how long a page that stays open looks anew, in milliseconds: what was published may be withdrawn meanwhile.
const again = 600_000;

class State extends HTMLElement {
  static readonly observedAttributes = ["src", "exchange", "key", "stale"];
  private readonly line = document.createElement("p");
  private looks = 0; // the last one's answer counts alone
  private next = 0;

  connectedCallback(): void {
    const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(style);
    root.adoptedStyleSheets = [sheet];
    this.line.setAttribute("role", "status");
    root.replaceChildren(this.line);
    this.begin();
  }

  disconnectedCallback(): void {
    this.looks++;
    clearTimeout(this.next);
  }

  attributeChangedCallback(): void {
    if (this.isConnected && this.shadowRoot) this.begin();
  }

  private begin(): void {
    this.show("checking", {}, 0, "");
    void this.look();
  }

  private async look(): Promise<void> {
    clearTimeout(this.next);
    const mine = ++this.looks;
    const of = (name: string): string => this.getAttribute(name) ?? "";
    const exchange = of("exchange");
    const stale = /^[1-9][0-9]{0,5}$/.test(of("stale")) ? Number(of("stale")) : 45;
    const seen = await look({ src: of("src"), exchange, key: of("key"), stale }, (...args) => fetch(...args), Date.now());
    if (mine !== this.looks) return; // it was asked something else meanwhile
    this.show(seen.outcome, { exchange, period: seen.period }, seen.days, seen.problem);
    this.next = setTimeout(() => void this.look(), again);
  }

  private show(outcome: Outcome | "checking", said: Record<string, string>, n: number, problem: string): void {
    const tag = (this.closest("[lang]")?.getAttribute("lang") ?? "en").split("-")[0] ?? "en";
    const known = Object.hasOwn(texts, tag) ? tag : "en";
    const all = texts[known] ?? {};
    const form = all[outcome] ?? all[`${outcome}#${new Intl.PluralRules(known).select(n)}`] ?? all[`${outcome}#other`] ?? "";
    const sign = document.createElement("span");
    sign.className = "sign";
    sign.setAttribute("aria-hidden", "true");
    sign.textContent = signs[outcome];
    const text = document.createElement("span");
    text.textContent = form.replace(/\{([a-z]+)\}/g, (_, name: string) => (name === "n" ? new Intl.NumberFormat(known).format(n) : `\u2068${said[name] ?? ""}\u2069`)); // each in its own order, whichever way the text is written
    this.line.className = outcome;
    this.line.lang = known;
    this.line.dir = "auto";
    this.line.title = problem;
    this.line.replaceChildren(sign, text);
    this.dataset.state = outcome;
  }
}

if (!customElements.get("assay-state")) customElements.define("assay-state", State);
