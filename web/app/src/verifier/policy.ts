// The trust policy: what a verifier believes (SPEC part 16, limits of keys part 23). TOML, strictly read.

import { parse as parseToml, TomlError } from "smol-toml";

import { Fields, hex32, integer, list, malformed, matching, oneOf, printable, record, time, toHex, truth, unsupported, utf8Text, type Reader, type Value } from "./canon.ts";
import { isCertificate, pemBody } from "./certificate.ts";
import { type Trust, trustOf } from "./checkpoint.ts";
import { type Block, blockHash, chain, controlGrade, distinct, evidenceGrade, isErc20, type Rule, token, tokenClass } from "./forms.ts";
import { type Key, publicKey } from "./keys.ts";
import { hash } from "./octets.ts";

const maxPolicy = 1 << 20;

/** Policy is what this verifier needs of the file. All of the file is read, and what is not of its format refused. */
export interface Policy {
  digest: string;
  exchange: string;
  keys: readonly Key[];
  rule: Rule;
  window: number; // seconds
  nodes: number;
  recompute: boolean;
  finding: boolean;
  leastCoverage?: string; // percent with two decimals
  anchors: readonly Anchor[];
  approvals?: { required: number; keys: readonly Key[] };
  limits: ReadonlyMap<string, Limit>; // by the key's text
  log?: LogTrust;
  auditors: readonly { name: string; keys: readonly Key[] }[];
}

export type Anchor = Pick<Block, "chain" | "number" | "hash">;

/** Limit bounds in time what a key may have signed. */
export interface Limit {
  from?: string;
  until?: string;
  revoked?: string;
}

/** LogTrust is what the policy believes of logs (SPEC part 25). */
export interface LogTrust extends Trust {
  required: boolean;
}

export function readPolicy(bytes: Uint8Array): Policy {
  if (bytes.length > maxPolicy) throw malformed(`the policy has ${bytes.length} bytes; at most ${maxPolicy} are read`);
  const file = Fields.of(toml(utf8Text(bytes)), "");
  file.read("version", integer(1, 1));
  const exchange = file.object("exchange");
  const evidence = file.object("evidence");
  const liabilities = file.object("liabilities");
  const policy: Policy = {
    digest: toHex(hash(bytes)),
    exchange: exchange.read("name", printable),
    keys: exchange.read("keys", keys),
    rule: {
      evidence: evidence.read("least", evidenceGrade),
      control: evidence.read("control", distinct(list(controlGrade), String)),
      classes: evidence.read("classes", distinct(list(tokenClass), String)),
    },
    window: evidence.read("window", duration),
    nodes: evidence.optional("nodes", integer(2 ** 31 - 1, 1)) ?? 1,
    recompute: liabilities.read("recompute", truth),
    finding: liabilities.optional("finding", truth) ?? false,
    anchors: sections(file, "anchor", anchor, ({ chain, number }) => `${chain} ${number}`),
    limits: new Map(),
    auditors: sections(file, "auditor", record((fields) => ({ name: fields.read("name", printable), keys: fields.read("keys", keys) })), ({ name }) => name),
  };
  evidence.read("anchored", truth);
  for (const section of [exchange, evidence, liabilities]) section.end();
  const coverage = file.optional("coverage", record((fields) => fields.read("least", percent)));
  if (coverage !== undefined) policy.leastCoverage = coverage;
  sections(file, "token", pinnedToken, String);
  sections(file, "custodian", custodian, String);
  sections(file, "checkpoint", checkpoint, String);
  const approvals = file.optional("approvals", record(approval));
  if (approvals) policy.approvals = approvals;
  policy.limits = limitsOf(file, roles(policy));
  const log = file.optional("log", record(logTrust));
  if (log) policy.log = log;
  const authorities = sections(file, "timestamp", record((fields) => ({ name: fields.read("name", printable), certificate: fields.read("certificate", certificate) })), ({ name }) => name);
  distinct(() => authorities, ({ certificate }) => certificate)([], "timestamp");
  file.end();
  return policy;
}

/** toml is the file as the readers of canonical JSON take it. What those have no value for is refused: dates, fractions, numbers below zero. Of another version nothing but that is read. */
function toml(text: string): Value {
  if (text.startsWith("\ufeff")) throw malformed("the policy begins with a byte-order mark");
  const file = tables(text);
  const { version } = file;
  if (typeof version === "bigint" && version !== 1n) throw unsupported(`version ${version}: this verifier reads policies of version 1`);
  return valueOf(file, "", 0);
}

function tables(text: string): Record<string, unknown> {
  try {
    return parseToml(text, { integersAsBigInt: true });
  } catch (e) {
    if (e instanceof TomlError) throw malformed(`line ${e.line}, column ${e.column}: is not TOML`);
    throw e;
  }
}

// Nothing of a policy is deeper than this.
const maxDepth = 8;

function valueOf(value: unknown, path: string, depth: number): Value {
  if (typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "bigint" && value >= 0n && value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
  if (depth > maxDepth) throw malformed(`${path} is not a key of this format`);
  if (Array.isArray(value)) return value.map((item, i) => valueOf(item, `${path}[${i}]`, depth + 1));
  if (typeof value !== "object" || value === null || value instanceof Date) throw malformed(`${path} is neither a text, nor true, false, a number from 0 on, a list or a section`);
  return new Map(Object.entries(value).map(([key, member]) => [key, valueOf(member, path === "" ? key : `${path}.${key}`, depth + 1)]));
}

function sections<T>(file: Fields, name: string, reader: Reader<T>, key: (item: T) => string): T[] {
  return file.optional(name, distinct(list(reader), key)) ?? [];
}

const keys: Reader<Key[]> = distinct(list(publicKey, Infinity, 1), ({ text }) => text);

const duration: Reader<number> = (value, path) => {
  const parts = matching(/^(?:[0-9]{1,9}[hms])+$/, "a duration, such as 2h or 1h30m")(value, path).matchAll(/([0-9]+)([hms])/g);
  const units = { h: 3600, m: 60, s: 1 };
  return [...parts].reduce((total, [, count, unit]) => total + Number(count) * units[unit as keyof typeof units], 0);
};

const percent = matching(/^(?:0|[1-9][0-9]{0,77})\.[0-9]{2}$/, "a percentage with two decimals, such as 97.31");

const anchor: Reader<Anchor> = record((fields) => {
  const of = fields.read("chain", chain);
  return { chain: of, number: fields.read("number", integer()), hash: fields.read("hash", blockHash(of)) };
});

const hash0x = matching(/^0x[0-9a-f]{64}$/, "0x and 64 hex digits");

// Nothing of a token's storage, a custodian or a light client is in a customer's proof: these sections are read, and that is all.
const pinnedToken: Reader<string> = record((fields) => {
  const id = fields.read("id", token);
  if (!isErc20(id)) throw malformed(`${fields.at("id")} is no ERC-20 token`);
  fields.read("layout", oneOf(["solidity", "vyper"]));
  fields.read("slot", hex32);
  fields.read("code", hash0x);
  fields.optional("bits", integer(255, 1));
  const proxy = fields.optional("proxy", oneOf(["eip1967", "zeppelinos"]));
  const implementation = fields.optional("implementation", hash0x);
  if ((proxy === undefined) !== (implementation === undefined)) throw malformed(`${fields.path} has one of proxy and implementation: it has both or neither`);
  fields.optional("formula", hex32);
  return id;
});

const custodian: Reader<string> = record((fields) => {
  fields.read("key", publicKey);
  return fields.read("name", printable);
});

const forks = ["deneb", "electra", "fulu", "gloas"] as const;

const checkpoint: Reader<string> = record((fields) => {
  const of = fields.read("chain", chain);
  if (!of.startsWith("eip155:")) throw malformed(`${fields.at("chain")} is not eip155:<number>: others have no light client`);
  fields.read("root", hash0x);
  const genesis = fields.optional("genesis", hex32);
  const own = fields.optional("forks", list(record(fork), Infinity, 1));
  if ((genesis === undefined) !== (own === undefined)) throw malformed(`${fields.path} has one of genesis and forks: it has both or neither`);
  own?.forEach(({ epoch, name }, i) => {
    const before = own[i - 1];
    if (before && (epoch <= before.epoch || forks.indexOf(name) <= forks.indexOf(before.name))) throw malformed(`${fields.at("forks")}[${i}] is not in ascending order, or stands twice`);
  });
  return of;
});

function fork(fields: Fields): { epoch: number; name: (typeof forks)[number] } {
  fields.read("version", matching(/^0x[0-9a-f]{8}$/, "0x and 8 hex digits"));
  return { epoch: fields.read("epoch", integer()), name: fields.read("name", oneOf(forks)) };
}

function approval(fields: Fields): { required: number; keys: Key[] } {
  const approvers = fields.read("keys", keys);
  return { required: fields.read("required", integer(approvers.length, 1)), keys: approvers };
}

/** roles gives the texts of all keys that have one, and refuses a key that has two (SPEC part 23). */
function roles(policy: Policy): Set<string> {
  const named = [policy.keys, policy.approvals?.keys ?? [], ...policy.auditors.map(({ keys }) => keys)].flat();
  const taken = new Set<string>();
  for (const { text } of named) {
    if (taken.has(text)) throw malformed(`the key ${text} has two roles: a key has one`);
    taken.add(text);
  }
  return taken;
}

function limitsOf(file: Fields, named: ReadonlySet<string>): Map<string, Limit> {
  const limit = record((fields): [string, Limit] => {
    const { text } = fields.read("key", publicKey);
    if (!named.has(text)) throw malformed(`${fields.at("key")} is a key of neither the exchange, nor an approver, nor an auditor`);
    const bounds: Limit = {};
    for (const name of ["from", "until", "revoked"] as const) {
      const bound = fields.optional(name, time);
      if (bound !== undefined) bounds[name] = bound;
    }
    if (Object.keys(bounds).length === 0) throw malformed(`${fields.path} limits nothing: one of from, until and revoked is there`);
    if (bounds.from !== undefined && bounds.until !== undefined && bounds.from >= bounds.until) throw malformed(`${fields.path}: from is not before until`);
    return [text, bounds];
  });
  return new Map(sections(file, "key", limit, ([text]) => text));
}

function logTrust(fields: Fields): LogTrust {
  const texts = (min: number): Reader<string[]> => distinct(list(matching(/./, "a key"), Infinity, min), String);
  const witnesses = fields.read("witnesses", texts(0));
  fields.optional("fresh", (value, path) => {
    if (duration(value, path) === 0) throw malformed(`${path} is not above 0`);
  });
  const trust = trustOf({ keys: fields.read("keys", texts(1)), witnesses, quorum: fields.read("quorum", integer(witnesses.length)) });
  return { required: fields.read("required", truth), ...trust };
}

const certificate: Reader<string> = (value, path) => {
  const body = typeof value === "string" ? pemBody(value) : undefined;
  if (!body || !isCertificate(body)) throw malformed(`${path} is not one certificate in PEM and nothing else`);
  return toHex(body);
};

/** limited says why a key's limits do not let it have signed what is of this time; undefined: they do. shown is the earliest time at which evidence shows the signature to have been there. */
export function limited(policy: Policy, key: Key, issued: string, shown: string | undefined): string | undefined {
  const { from, until, revoked } = policy.limits.get(key.text) ?? {};
  if (from !== undefined && issued < from) return `the key ${key.id} is believed from ${from} on, and this is of ${issued}`;
  if (until !== undefined && issued > until) return `the key ${key.id} is believed until ${until}, and this is of ${issued}`;
  if (revoked === undefined) return undefined;
  if (shown === undefined) return `the key ${key.id} is revoked as of ${revoked}, and nothing that the policy believes shows that it signed before`;
  return shown < revoked ? undefined : `the key ${key.id} is revoked as of ${revoked}, and its signature is shown to have been there no earlier than ${shown}`;
}

/** anchored fails where an anchor of the policy names another block of that chain and number; it says whether one names this. */
export function anchored(policy: Policy, block: Pick<Block, "chain" | "number" | "hash">): "anchored" | "contradicted" | "unknown" {
  const found = policy.anchors.find(({ chain, number }) => chain === block.chain && number === block.number);
  return !found ? "unknown" : found.hash === block.hash ? "anchored" : "contradicted";
}
