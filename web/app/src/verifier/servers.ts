// What a server enters in a log (SPEC parts 25 and 28): lists of the keys that it answers with, and heads of its audit log.

import { ed25519 } from "@noble/curves/ed25519.js";

import { ascending, Fields, fromHex, hex32, integer, malformed, oneOf, parse, printable, record, Refusal, time, toHex, untrue } from "./canon.ts";
import { type Envelope, readEnvelope, signedMessage, withinLimits } from "./envelope.ts";
import { type Key, publicKey, verifies } from "./keys.ts";
import { hash } from "./octets.ts";
import type { Policy } from "./policy.ts";

const listType = "application/vnd.assay.response-keys+json";
const headType = "application/vnd.assay.audit-head+json";
const maxEntry = 65535;
const maxKeys = 1000;

/** KeyList is a list of response keys. A key without use signs answers, one of use audit heads of the audit log. */
export interface KeyList {
  exchange: string;
  issued: string;
  keys: { key: Key; from: string; until: string; use?: "audit" }[];
}

export function readKeyList(payload: Uint8Array): KeyList {
  const fields = Fields.of(parse(payload, 1 << 20), "");
  fields.type("assay/v1/response-keys");
  const list = { exchange: fields.read("exchange", printable), issued: fields.read("issued", time), keys: fields.list("keys", record(responseKey), maxKeys, 1) };
  fields.end();
  ascending(list.keys, "keys", ({ key }) => key.text);
  return list;
}

function responseKey(fields: Fields): KeyList["keys"][number] {
  const key = fields.read("key", publicKey);
  const from = fields.read("from", time);
  const until = fields.read("until", time);
  const use = fields.optional("use", oneOf(["audit"] as const));
  if (!key.text.startsWith("ed25519:") || !isOfLargeOrder(key)) throw malformed(`${fields.at("key")} is not an Ed25519 key, or one that everybody could sign for`);
  if (from >= until) throw malformed(`${fields.path}: from is not before until`);
  return { key, from, until, ...(use === undefined ? {} : { use }) };
}

function isOfLargeOrder({ text }: Key): boolean {
  try {
    return !ed25519.Point.fromBytes(fromHex(text.slice("ed25519:".length)), true).isSmallOrder();
  } catch {
    return false; // no point
  }
}

interface Head {
  at: string;
  hash: string;
  seq: number;
}

function readHead(payload: Uint8Array): Head {
  const fields = Fields.of(parse(payload, maxEntry), "");
  fields.type("assay/v1/audit-head");
  const head = { at: fields.read("at", time), hash: fields.read("hash", hex32), seq: fields.read("seq", integer(Number.MAX_SAFE_INTEGER, 1)) };
  fields.end();
  return head;
}

/** Servers holds what one exchange's servers entered so far. told are the indexes of what counts. */
export class Servers {
  readonly told: number[] = [];
  private readonly payloads = new Set<string>();
  private list: KeyList | undefined;
  private head: Head | undefined;

  constructor(private readonly policy: Policy) {}

  /** enter takes the log's next entry; shown is when evidence shows it. It says what breach it is, if any: a key was hidden, or the audit log is not the one it was. */
  enter(index: number, bytes: Uint8Array, shown?: string): string | undefined {
    try {
      const envelope = entered(bytes);
      if (envelope?.payloadType === listType) this.takeList(index, envelope, shown);
      if (envelope?.payloadType === headType) this.takeHead(index, envelope);
      return undefined;
    } catch (e) {
      if (e instanceof Refusal) return e.message;
      throw e;
    }
  }

  private isNew({ payload }: Envelope): boolean {
    const digest = toHex(hash(payload));
    const known = this.payloads.has(digest);
    this.payloads.add(digest);
    return !known;
  }

  private takeList(index: number, envelope: Envelope, shown: string | undefined): void {
    const { policy, list: before } = this;
    const message = signedMessage(envelope);
    const by = envelope.signatures.flatMap((signature) => policy.keys.filter(({ id }) => id === signature.keyid).map((key) => ({ key, signature: signature.signature })));
    if (by.length === 0 || !by.every(({ key, signature }) => verifies(key, message, signature))) return;
    const list = readKeyList(envelope.payload);
    if (list.exchange !== policy.exchange || !this.isNew(envelope)) return;
    withinLimits(by.map(({ key }) => key), policy, list.issued, shown);
    this.told.push(index);
    this.list = list;
    if (!before) return;
    if (list.issued < before.issued) throw untrue("a list of response keys is issued before the one that was entered before it");
    const use = new Map(list.keys.map((each) => [each.key.id, each.use]));
    for (const each of before.keys) if (!use.has(each.key.id) || use.get(each.key.id) !== each.use) throw untrue(`the key ${each.key.id} was listed before, and is not listed any more for the same use`);
  }

  private takeHead(index: number, envelope: Envelope): void {
    const head = this.counts(envelope);
    if (!head || !this.isNew(envelope)) return;
    const before = this.head;
    this.told.push(index);
    this.head = head;
    if (!before) return;
    if (head.seq < before.seq || head.at < before.at) throw untrue("a head of the audit log goes back");
    if (head.seq === before.seq && head.hash !== before.hash) throw untrue(`two heads of the audit log have the number ${head.seq}, and are not the same`);
  }

  /** counts reads a head that a key of the last list signed in its time. Anybody can enter another: undefined. */
  private counts(envelope: Envelope): Head | undefined {
    const [signature, second] = envelope.signatures;
    const listed = this.list?.keys.find(({ key, use }) => key.id === signature?.keyid && use === "audit");
    if (!listed || !signature || second || !verifies(listed.key, signedMessage(envelope), signature.signature)) return undefined;
    try {
      const head = readHead(envelope.payload);
      return head.at >= listed.from && head.at <= listed.until ? head : undefined;
    } catch (e) {
      if (e instanceof Refusal) return undefined;
      throw e;
    }
  }
}

function entered(bytes: Uint8Array): Envelope | undefined {
  if (bytes.length > maxEntry) return undefined;
  try {
    return readEnvelope(bytes);
  } catch (e) {
    if (e instanceof Refusal) return undefined;
    throw e;
  }
}
