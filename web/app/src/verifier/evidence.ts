// Evidence against a log or its exchange, which anybody can check (SPEC part 25): a fork, an equivocation.

import { base64, Fields, fromHex, hex32, integer, list, malformed, parse, type Reader, record, Refusal, text, untrue, version } from "./canon.ts";
import { believe, type Checkpoint, readCheckpoint, signedBy, type Trust } from "./checkpoint.ts";
import { byTheExchange, contradict, openEntry } from "./entry.ts";
import { included, nodeHash } from "./log.ts";
import { same } from "./octets.ts";
import type { Policy } from "./policy.ts";

const maxEvidence = 1 << 20;
const maxEntry = 64 << 10;
const maxIndex = 2 ** 32 - 1;
const maxPath = 33;

const fork = "assay/v1/evidence/fork";
const equivocation = "assay/v1/evidence/equivocation";

/** caught says whom a file of evidence catches: the log, with two histories, or the exchange, with two statements where a series has room for one. undefined: it shows nothing. */
export function caught(bytes: Uint8Array, policy: Policy, trust: Trust): "log" | "exchange" | undefined {
  const fields = Fields.of(parse(bytes, maxEvidence), "");
  const type = fields.read("type", text());
  const isEquivocation = type.endsWith("/equivocation");
  version(type, isEquivocation ? equivocation : fork, "type");
  const check = isEquivocation ? equivocates(fields, policy, trust) : forks(fields, trust);
  fields.end();
  try {
    check();
    return isEquivocation ? "exchange" : "log";
  } catch (e) {
    if (e instanceof Refusal) return undefined;
    throw e;
  }
}

const checkpoint: Reader<Checkpoint> = (value, path) => readCheckpoint(base64(value, path));

const path: Reader<Uint8Array[]> = (value, at) => list(hex32, maxPath)(value, at).map(fromHex);

/** forks reads a fork and gives what verifies it. */
function forks(fields: Fields, trust: Trust): () => void {
  const first = fields.read("first", checkpoint);
  const second = fields.read("second", checkpoint);
  const rest = fields.read("path", path);
  return () => {
    if (first.size === 0 || first.size > second.size) throw untrue("the first checkpoint is of no entries, or larger than the second");
    const by = signedBy(first, trust);
    if (!signedBy(second, trust).some((key) => by.includes(key))) throw untrue("no key of the policy signed both checkpoints");
    const roots = subproof(first.size, second.size, rest);
    if (!roots || !same(roots.whole, second.root)) throw untrue("the path does not lead to the second checkpoint's root");
    if (same(roots.first, first.root)) throw untrue("the first checkpoint is of the same history");
  };
}

/** subproof is what SUBPROOF(m, D[n], false) of RFC 6962 §2.1.2 gives: the roots of the first m entries, and of all n. undefined: the path is too short or too long. */
function subproof(m: number, n: number, path: readonly Uint8Array[]): { first: Uint8Array; whole: Uint8Array } | undefined {
  const rest = path.slice(0, -1);
  const last = path.at(-1);
  if (!last) return undefined;
  if (m === n) return rest.length === 0 ? { first: last, whole: last } : undefined;
  let split = 1;
  while (split * 2 < n) split *= 2;
  const below = m <= split ? subproof(m, split, rest) : subproof(m - split, n - split, rest);
  if (!below) return undefined;
  return m <= split ? { first: below.first, whole: nodeHash(below.whole, last) } : { first: nodeHash(last, below.first), whole: nodeHash(last, below.whole) };
}

/** equivocates reads an equivocation and gives what verifies it. */
function equivocates(fields: Fields, policy: Policy, trust: Trust): () => void {
  const signed = fields.read("checkpoint", checkpoint);
  const entry = record((each) => ({ entry: each.read("entry", entryBytes), index: each.read("index", integer(maxIndex)), path: each.read("path", path) }));
  const [first, second] = fields.list("entries", entry, 2, 2) as [ReturnType<typeof entry>, ReturnType<typeof entry>];
  if (first.index >= second.index) throw malformed("entries are not in ascending order of their indexes, or one stands twice");
  return () => {
    signedBy(signed, trust);
    const shown = witnessed(signed, trust);
    const [one, other] = [first, second].map((each) => {
      included(each.entry, each, signed);
      const opened = openEntry(each.entry);
      byTheExchange(opened, policy, shown);
      return opened.entry;
    });
    if (one?.kind !== "statement" || other?.kind !== "statement" || !contradict(one, other)) throw untrue("the series has room for both entries");
  };
}

const entryBytes: Reader<Uint8Array> = (value, at) => {
  const bytes = base64(value, at);
  if (bytes.length > maxEntry) throw malformed(`${at} has ${bytes.length} bytes; at most ${maxEntry} are read`);
  return bytes;
};

/** witnessed is when so many witnesses as the policy asks for had seen the log. Too few, or one that signed something else, show no time, and take nothing from what the log signed. */
function witnessed(signed: Checkpoint, trust: Trust): string | undefined {
  try {
    return believe(signed, trust).witnessed;
  } catch (e) {
    if (e instanceof Refusal) return undefined;
    throw e;
  }
}
