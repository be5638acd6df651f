// A log's entries, one after the other (SPEC part 24): what they make of each statement, and what is against the rules of a series.

import { Refusal, toHex, untrue } from "./canon.ts";
import { readEnvelope, signedMessage } from "./envelope.ts";
import { byTheExchange, contradict, type Entry, entryType, openEntry, type StatementEntry } from "./entry.ts";
import { verifies } from "./keys.ts";
import { hash } from "./octets.ts";
import type { Policy } from "./policy.ts";

export type State = "published" | "superseded" | "withdrawn";

/** Entered is one statement of the log, and what later entries say of it. */
export interface Entered {
  entry: StatementEntry;
  state: State;
}

/** Register holds what was entered so far. */
export class Register {
  readonly statements = new Map<string, Entered>();
  readonly errata: (Entry & { kind: "erratum" })[] = [];
  readonly equivocations: [number, number][] = [];
  private readonly payloads = new Set<string>();
  private readonly read: { index: number; entry: StatementEntry }[] = [];

  constructor(private readonly policy: Policy) {}

  /** enter takes the log's next entry; shown is when evidence shows it. It says what breach it is, if any: one of the rules of a series leaves what the entry says of an earlier statement standing. */
  enter(index: number, bytes: Uint8Array, shown?: string): string | undefined {
    try {
      this.take(index, bytes, shown);
      return undefined;
    } catch (e) {
      if (e instanceof Refusal) return e.message;
      throw e;
    }
  }

  private take(index: number, bytes: Uint8Array, shown: string | undefined): void {
    const opened = this.open(bytes);
    if (!opened) return;
    const payload = toHex(hash(opened.envelope.payload));
    if (this.payloads.has(payload)) return;
    byTheExchange(opened, this.policy, shown);
    this.payloads.add(payload);
    const { entry } = opened;
    if (entry.kind === "statement") this.publish(index, entry);
    else this.tell(entry);
  }

  /** open passes over what is nobody's business, undefined: what is no entry of this exchange. */
  private open(bytes: Uint8Array): ReturnType<typeof openEntry> | undefined {
    try {
      const opened = openEntry(bytes);
      return opened.entry.exchange === this.policy.exchange ? opened : undefined;
    } catch (e) {
      if (e instanceof Refusal && this.signed(bytes)) throw e;
      return undefined;
    }
  }

  /** signed says whether a key of the exchange signed an envelope of this type, whatever is in it. */
  private signed(bytes: Uint8Array): boolean {
    try {
      const envelope = readEnvelope(bytes);
      const by = ({ keyid, signature }: (typeof envelope.signatures)[number]): boolean =>
        this.policy.keys.some((key) => key.id === keyid && verifies(key, signedMessage(envelope), signature));
      return envelope.payloadType === entryType && envelope.signatures.some(by);
    } catch (e) {
      if (e instanceof Refusal) return false;
      throw e;
    }
  }

  private publish(index: number, entry: StatementEntry): void {
    const { series, period, statement } = entry;
    if (this.statements.has(statement)) throw untrue("the statement was entered before, in other words");
    const inSeries = [...this.statements.values()].map((each) => each.entry).filter((each) => each.series.name === series.name);
    const last = inSeries.at(-1);
    const replaced = inSeries.filter((each) => each.period === period).at(-1);
    for (const earlier of this.read) if (contradict(earlier.entry, entry)) this.equivocations.push([earlier.index, index]);
    this.read.push({ index, entry });
    const superseded = series.supersedes && this.statements.get(series.supersedes.statement);
    if (superseded?.state === "published") superseded.state = "superseded";
    if (last && series.number !== last.series.number + 1) throw untrue(`number ${series.number} follows ${last.series.number} in the series ${series.name}`);
    if (last && series.previous !== last.statement) throw untrue("previous is not the last statement of the series");
    if (series.supersedes?.statement !== replaced?.statement) throw untrue(replaced ? "a statement of this period was entered before, and is not superseded" : "what is superseded is no statement of this period");
    this.statements.set(statement, { entry, state: "published" });
  }

  private tell(entry: Entry & { text: string }): void {
    const about = this.statements.get(entry.statement);
    if (!about) throw untrue(`the ${entry.kind} is of a statement that was not entered before`);
    if (entry.kind === "withdrawal") about.state = "withdrawn";
    else this.errata.push(entry as Entry & { kind: "erratum" });
  }
}
