// What an exchange enters in a log (SPEC part 24): a statement, a withdrawal, an erratum.

import { Fields, hex32, malformed, oneOf, parse, printable, record, text, time, untrue, within } from "./canon.ts";
import { type Envelope, readEnvelope, signedMessage } from "./envelope.ts";
import { verifies } from "./keys.ts";
import { limited, type Policy } from "./policy.ts";
import { period } from "./snapshot.ts";
import { series, type Series } from "./statement.ts";

export const entryType = "application/vnd.assay.entry+json";
export const maxEntry = 65535;

/** Entry is the payload. statement and envelope are digests, hex. */
export type Entry = Common & (Entered | Told);

interface Common {
  exchange: string;
  issued: string;
  statement: string;
}

interface Entered {
  kind: "statement";
  envelope: string;
  instant: string;
  period: string;
  series: Series;
  snapshot: string;
}

interface Told {
  kind: "withdrawal" | "erratum";
  text: string;
}

/** StatementEntry is an entry of kind statement. */
export type StatementEntry = Common & Entered;

export function readEntry(payload: Uint8Array): Entry {
  const fields = Fields.of(parse(payload, maxEntry), "");
  fields.type("assay/v1/entry");
  const kind = fields.read("kind", oneOf(["statement", "withdrawal", "erratum"] as const));
  const common = { exchange: fields.read("exchange", printable), issued: fields.read("issued", time), statement: fields.read("statement", hex32) };
  const entry: Entry = kind === "statement" ? { ...common, ...entered(fields) } : { ...common, kind, text: fields.read("text", text(1, 4096)) };
  fields.end();
  if (entry.kind === "statement" && entry.issued < entry.instant) throw malformed("issued is before instant");
  return entry;
}

function entered(fields: Fields): Entered {
  return {
    kind: "statement",
    envelope: fields.read("envelope", hex32),
    instant: fields.read("instant", time),
    period: fields.read("period", period),
    series: fields.read("series", record(series)),
    snapshot: fields.read("snapshot", hex32),
  };
}

/** openEntry reads an entry's envelope, which is bytes that a log holds, and what is in it. */
export function openEntry(bytes: Uint8Array): { envelope: Envelope; entry: Entry } {
  if (bytes.length === 0 || bytes.length > maxEntry) throw malformed(`the entry has ${bytes.length} bytes; it has 1 to ${maxEntry}`);
  return within("the entry", () => {
    const envelope = readEnvelope(bytes);
    if (envelope.payloadType !== entryType) throw malformed(`payloadType is not ${entryType}`);
    return { envelope, entry: readEntry(envelope.payload) };
  });
}

/** byTheExchange refuses an entry unless all its signatures are by keys of the policy's exchange, within their limits. shown is the earliest time at which evidence shows the entry. */
export function byTheExchange({ envelope, entry }: { envelope: Envelope; entry: Entry }, policy: Policy, shown: string | undefined): void {
  if (entry.exchange !== policy.exchange) throw untrue("the entry is of another exchange");
  for (const { keyid, signature } of envelope.signatures) {
    const key = policy.keys.find(({ id }) => id === keyid);
    if (!key) throw untrue(`the entry is signed by ${keyid}, which is no key of the exchange`);
    if (!verifies(key, signedMessage(envelope), signature)) throw untrue(`the signature of ${keyid} on the entry does not verify`);
    const why = limited(policy, key, entry.issued, shown);
    if (why !== undefined) throw untrue(why);
  }
}

/** contradict says whether two entries say two things where a series has room for one (SPEC part 25). Their order shows nothing. */
export function contradict(a: StatementEntry, b: StatementEntry): boolean {
  if (a.series.name !== b.series.name || a.statement === b.statement) return false;
  if (a.series.number === b.series.number) return true;
  if (a.period !== b.period) return false;
  const later = a.series.number > b.series.number ? a : b;
  return later.series.supersedes === undefined || a.series.supersedes?.statement === b.series.supersedes?.statement;
}
