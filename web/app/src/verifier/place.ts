// A statement's place in a log (SPEC part 25, check `log`), and what later entries in it say of the statement.

import type { LogPlace, State } from "../verdict.ts";
import { base64, bytesOf, canonical, Fields, parse, Refusal, toHex, untrue, within } from "./canon.ts";
import { believe, type Trust } from "./checkpoint.ts";
import { byTheExchange, type Entry, openEntry } from "./entry.ts";
import type { Envelope } from "./envelope.ts";
import { included, readLogProof } from "./log.ts";
import type { Policy } from "./policy.ts";
import type { Series, Statement } from "./statement.ts";

const maxNotice = 256 << 10;

/** Place is an entry that stands in a log. A log that the policy does not know shows no witnesses and no time. */
export interface Place extends LogPlace {
  opened: { envelope: Envelope; entry: Entry };
  known: boolean;
}

/** readPlace makes steps 2 and 3 of the check `log`, which need nothing of a statement. Without trust a checkpoint is read, not believed. */
export function readPlace(entry: Uint8Array, proof: Uint8Array, trust: Trust | undefined): Place {
  const opened = openEntry(entry);
  const { checkpoint, index, path } = within("the log proof", () => readLogProof(proof));
  const seen = trust ? believe(checkpoint, trust) : { witnesses: [] };
  included(entry, { index, path }, checkpoint);
  return { opened, origin: checkpoint.origin, index, size: checkpoint.size, known: trust !== undefined, ...seen };
}

/** witnessedFor is the time before which a place shows the signatures of a statement's envelope, of which digest is H (SPEC part 26). */
export function witnessedFor(place: Place, digest: Uint8Array): string | undefined {
  const { entry } = place.opened;
  return entry.kind === "statement" && entry.envelope === toHex(digest) ? place.witnessed : undefined;
}

/** checkPlace makes step 1 of the check `log`: the entry is the exchange's, and of this statement; digest is H of its envelope. */
export function checkPlace({ opened, witnessed }: Place, statement: Statement, digest: Uint8Array, policy: Policy): void {
  byTheExchange(opened, policy, witnessed);
  const { entry } = opened;
  if (entry.kind !== "statement") throw untrue(`the entry is of kind ${entry.kind}, and enters no statement`);
  const { instant, period, id } = statement.snapshot;
  const said: [string, string, string][] = [
    ["statement", entry.statement, statement.digest],
    ["envelope", entry.envelope, toHex(digest)],
    ["snapshot", entry.snapshot, id],
    ["instant", entry.instant, instant],
    ["period", entry.period, period],
    ["series", spelt(entry.series), spelt(statement.series)],
  ];
  for (const [name, entered, stated] of said) if (entered !== stated) throw untrue(`the entry's ${name} is not that of the statement`);
}

const spelt = ({ name, number, previous = "", supersedes }: Series): string => JSON.stringify([name, number, previous, supersedes?.reason, supersedes?.statement]);

/**
 * stateOf is what notices say of a statement: entries of its exchange, each with its place in a log that the policy believes, {"entry", "proof"} as a proof's `log`. A withdrawal is for good; then comes what
 * supersedes, then the last erratum. Which notices there are, only the log knows: none among those given is no proof that there is none.
 */
export function stateOf(statement: string, heard: readonly Place[]): State | undefined {
  const entries = heard.toSorted((a, b) => a.index - b.index).map(({ opened }) => opened.entry);
  const last = <T>(read: (entry: Entry) => T | undefined): T | undefined => entries.flatMap((entry) => read(entry) ?? []).at(-1);
  const words = (kind: "withdrawal" | "erratum", state: State["state"]) =>
    last((entry): State | undefined => (entry.kind === kind && entry.statement === statement ? { state, text: entry.text, issued: entry.issued } : undefined));
  const superseded = last((entry): State | undefined => {
    const supersedes = entry.kind === "statement" ? entry.series.supersedes : undefined;
    return supersedes?.statement === statement ? { state: "superseded", text: supersedes.reason, issued: entry.issued, by: entry.statement } : undefined;
  });
  return words("withdrawal", "withdrawn") ?? superseded ?? words("erratum", "erratum");
}

/** heard are the notices that verify. One that does not shows nothing, and where the policy believes no log none does. */
export function heard(notices: readonly Uint8Array[], policy: Policy): Place[] {
  const { log } = policy;
  return log ? notices.flatMap((notice) => told(notice, policy, log) ?? []) : [];
}

function told(notice: Uint8Array, policy: Policy, trust: Trust): Place | undefined {
  try {
    const fields = Fields.of(parse(notice, maxNotice), "");
    const entry = bytesOf(canonical(fields.value("entry")));
    const place = readPlace(entry, fields.read("proof", base64), trust);
    fields.end();
    byTheExchange(place.opened, policy, place.witnessed);
    return place;
  } catch (e) {
    if (e instanceof Refusal) return undefined;
    throw e;
  }
}
