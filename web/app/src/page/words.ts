// Texts, numbers and dates of one language. Texts are in web/words/LANGUAGE/page.json.
import { h, type Child } from "./dom.ts";
import { shown } from "./exact.ts";
import { codes, textsOf, type Texts } from "./texts.ts";

export interface Language {
  code: string;
  name: string; // in that language
  dir: "ltr" | "rtl";
}

const known: Language[] = [
  { code: "en", name: "English", dir: "ltr" },
  { code: "es", name: "Español", dir: "ltr" },
  { code: "pt", name: "Português", dir: "ltr" },
  { code: "tr", name: "Türkçe", dir: "ltr" },
  { code: "zh", name: "中文", dir: "ltr" },
  { code: "ar", name: "العربية", dir: "rtl" },
];

/** languages are those that have texts. */
export const languages: Language[] = known.filter((language) => codes.includes(language.code));

/** preferred is the first of a reader's languages that there is, else English. */
export function preferred(wanted: readonly string[]): string {
  for (const tag of wanted) {
    const code = tag.toLowerCase().split("-")[0];
    if (languages.some((language) => language.code === code)) return code!;
  }
  return "en";
}

/** Words say things in one language; numbers and dates are those of the reader's region, where that is known. */
export class Words {
  readonly language: Language;
  readonly locale: string;
  private readonly table: Texts;
  private readonly plural: Intl.PluralRules;

  constructor(code: string, wanted: readonly string[]) {
    this.language = languages.find((language) => language.code === code) ?? known[0]!;
    this.locale = wanted.find((tag) => tag.toLowerCase().split("-")[0] === this.language.code) ?? this.language.code;
    this.table = textsOf(this.language.code);
    this.plural = new Intl.PluralRules(this.locale);
  }

  /** say is a text, with what stands in its {places}. */
  say(key: string, places: Record<string, string | number> = {}): string {
    return this.text(key).replace(/\{(\w+)\}/g, (_, name: string) => this.apart(String(places[name] ?? "")));
  }

  /** apart keeps names and figures in their own order within a text that is written from right to left. */
  apart(text: string): string {
    return this.language.dir === "rtl" ? `\u2068${text}\u2069` : text;
  }

  has(key: string): boolean {
    return this.table[key] !== undefined;
  }

  /** count is a text that goes with a number, which stands in its {n}. */
  count(key: string, n: number, places: Record<string, string | number> = {}): string {
    const form = `${key}#${this.plural.select(n)}`;
    return this.say(this.has(form) ? form : `${key}#other`, { n: this.number(String(n)), ...places });
  }

  /** rich is a text whose {places} are elements. */
  rich(key: string, places: Record<string, Child>): Child[] {
    return this.text(key)
      .split(/\{(\w+)\}/)
      .map((part, i) => (i % 2 === 0 ? part : h("bdi", {}, places[part])));
  }

  /** number groups a decimal text as the language does, and loses no digit. */
  number(decimal: string): string {
    return shown(decimal, this.locale);
  }

  /** date is a day of UTC. */
  date(time: string): string {
    return new Intl.DateTimeFormat(this.locale, { dateStyle: "long", timeZone: "UTC" }).format(new Date(time));
  }

  /** moment is a time of UTC, to the minute, which says so. */
  moment(time: string): HTMLTimeElement {
    return h("time", { datetime: time }, this.momentText(time));
  }

  momentText(time: string): string {
    const format = new Intl.DateTimeFormat(this.locale, { dateStyle: "long", timeStyle: "short", timeZone: "UTC", hourCycle: "h23" });
    return `${format.format(new Date(time))} UTC`;
  }

  /** month is that of a period such as 2026-10; another period stands as it is. */
  month(period: string): string {
    if (!/^\d{4}-(0[1-9]|1[0-2])$/.test(period)) return period;
    return new Intl.DateTimeFormat(this.locale, { month: "short", year: "numeric", timeZone: "UTC" }).format(new Date(`${period}-01T00:00:00Z`));
  }

  list(items: string[]): string {
    return new Intl.ListFormat(this.locale, { type: "conjunction" }).format(items);
  }

  private text(key: string): string {
    return this.table[key] ?? key;
  }
}
