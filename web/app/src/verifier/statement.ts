// The statement: what the exchange signs (SPEC part 9), with its parts (7, 15, 20, 21, 23, 24, 26, 29, 30).

import { amountLimit, type Sum } from "./amount.ts";
import {
  amount, ascending, decimal, Fields, hex32, integer, list, malformed, matching, oneOf, parse, printable, record, text, time, toHex, untrue, version, type Reader,
} from "./canon.ts";
import { assetId, type Block, controlGrade, controlGrades, custodies, evidenceGrade, type EvidenceGrade, type Rule, token, tokenClass, tokenClasses } from "./forms.ts";
import { point, type Point } from "./grumpkin.ts";
import { type Key, publicKey } from "./keys.ts";
import { column, columnsOf, maxColumns } from "./margin.ts";
import { hash } from "./octets.ts";
import { anchored, type Policy } from "./policy.ts";
import { blocks, type Snapshot, snapshot, treeKind } from "./snapshot.ts";
import { maxShards } from "./tree.ts";

const maxStatement = 16 << 20;
const maxAssets = 1024;
const maxLeaves = 2 ** 51;
const maxLog = 2 ** 32;
const maxEntries = 1 << 24;
const reserveLimit = 1n << 256n;

export interface Statement {
  digest: string;
  manifest: string; // SHA-256 of manifest.json
  approvals: { keys: readonly Key[]; required: number };
  bands: readonly Band[];
  coverage: readonly StatedCoverage[];
  issued: string;
  ledger: Ledger;
  liabilities: readonly Liability[]; // by column; of hidden totals by asset
  moment: { blocks: readonly Block[]; checkpoint?: { origin: string; root: string; size: number } };
  reserves: { assets: readonly AssetReserves[]; claims: readonly Claim[]; rule: Rule };
  scope: { encumbrances: string; excluded: readonly string[]; included: readonly string[] };
  series: Series;
  snapshot: Snapshot;
  tool: string;
  tree: { kind: "plain" | "confidential"; leaves: number; root: string; shards: number; surplus?: Point };
}

/** Liability is what is owed of a column; of hidden totals most may stand for it. */
export interface Liability {
  column: string;
  amount: bigint;
  atMost: boolean;
}

export interface StatedCoverage {
  asset: string;
  counted: bigint;
  liabilities?: bigint;
  coverage?: string; // percent with two decimals
  surplus?: bigint;
  shortfall?: bigint;
}

export interface AssetReserves {
  asset: string;
  counted: bigint;
  groups: readonly Group[];
}

/** Group is what is held of one token in one custody, with the same grades; amount is in the asset's base units. */
export interface Group {
  accounts: number;
  amount: bigint;
  class: string;
  control: string;
  custody: string;
  evidence: EvidenceGrade;
  token: string;
}

export interface Claim {
  amount: bigint;
  asset: string;
  holder: string;
  kind: "custodian" | "unprovable";
}

export interface Band {
  blocks: readonly Block[];
  instant: string;
  totals: readonly { asset: string; amount: bigint }[];
}

export interface Series {
  name: string;
  number: number;
  previous?: string;
  supersedes?: { reason: string; statement: string };
}

export interface Ledger {
  classes: readonly { class: string; customers: number; entries: number; sum?: Sum }[];
  customers: number;
  duplicates: { entries: number; rule: string };
  entries: number;
  negatives: { entries: number; rule: string; sum?: Sum };
  underwater?: { customers: number; rule: string; sum: Sum };
  unknown: { entries: number; rule: string; sums: readonly { asset: string; amount: string }[] };
}

/** readStatement is the check `statement.format`, of the payload of an envelope. */
export function readStatement(payload: Uint8Array): Statement {
  const file = Fields.of(parse(payload, maxStatement), "");
  const predicateType = file.read("predicateType", text());
  version(predicateType, "https://github.com/assay-por/assay/solvency/v1", "predicateType");
  file.read("_type", oneOf(["https://in-toto.io/Statement/v1"]));
  const manifest = file.list("subject", record(subject), 1, 1)[0]!;
  const statement = file.read("predicate", record(predicate));
  file.end();
  return { digest: toHex(hash(payload)), manifest, ...statement };
}

function subject(fields: Fields): string {
  fields.read("name", oneOf(["manifest.json"]));
  return fields.read("digest", record((digest) => digest.read("sha256", hex32)));
}

type Predicate = Omit<Statement, "digest" | "manifest">;

function predicate(fields: Fields): Predicate {
  const of = fields.read("snapshot", snapshot);
  const ids = of.assets.map(({ id }) => id);
  const tree = fields.read("tree", record(treeOf));
  const hidden = tree.surplus !== undefined;
  if (tree.kind !== of.kind) throw malformed(`${fields.at("tree.kind")} is not the snapshot's`);
  if (hidden && tree.kind !== "confidential") throw malformed(`${fields.at("tree.surplus")} is there: only a confidential tree hides totals`);
  const issued = fields.read("issued", time);
  if (issued < of.instant) throw malformed(`${fields.at("issued")} is before the instant`);
  const liabilities = named(fields, "liabilities", hidden ? ids : columnsOf(of), liability(hidden), ({ column }) => column);
  return {
    approvals: fields.read("approvals", record(approvals)),
    bands: fields.read("bands", bands),
    coverage: named(fields, "coverage", ids, coverage, ({ asset }) => asset).map((stated, i) => ofLiability(stated, liabilities[i]!, `${fields.at("coverage")}[${i}]`)),
    issued,
    ledger: fields.read("ledger", record(ledger(ids, of.margin !== undefined, hidden))),
    liabilities,
    moment: fields.read("moment", record(moment)),
    reserves: fields.read("reserves", record(reserves(ids))),
    scope: fields.read("scope", record(scope)),
    series: fields.read("series", record(series)),
    snapshot: of,
    tool: fields.read("tool", printable),
    tree,
  };
}

/** named reads a list that names exactly the given assets or columns, in their order. */
function named<T>(fields: Fields, key: string, names: readonly string[], reader: Reader<T>, name: (item: T) => string): T[] {
  const items = fields.list(key, reader, maxColumns);
  if (items.length !== names.length || items.some((item, i) => name(item) !== names[i])) throw malformed(`${fields.at(key)} does not name exactly what the snapshot has, in its order`);
  return items;
}

/** below reads an amount below a limit. */
function below(limit: bigint): Reader<bigint> {
  return (value, path) => {
    const read = amount(value, path);
    if (read >= limit) throw malformed(`${path} is not below 2^${limit.toString(2).length - 1}`);
    return read;
  };
}

const owed = below(amountLimit);
const held = below(reserveLimit);

function treeOf(fields: Fields): Statement["tree"] {
  const shards = fields.read("shards", integer(maxShards, 1));
  const tree = { kind: fields.read("kind", treeKind), leaves: fields.read("leaves", integer(maxLeaves, shards)), root: fields.read("root", hex32), shards };
  const surplus = fields.optional("surplus", point("no identity"));
  return surplus === undefined ? tree : { ...tree, surplus };
}

function liability(hidden: boolean): Reader<Liability> {
  return record((fields) => {
    const atMost = fields.has("at_most");
    if (atMost && !hidden) throw malformed(`${fields.at("at_most")} is there, though totals are not hidden`);
    return { column: fields.read("asset", column), amount: fields.read(atMost ? "at_most" : "amount", owed), atMost };
  });
}

const percent = matching(/^(?:0|[1-9][0-9]{0,77})\.[0-9]{2}$/, "a percentage with two decimals");

const coverage: Reader<StatedCoverage> = record((fields) => {
  const read: StatedCoverage = { asset: fields.read("asset", assetId), counted: fields.read("counted", amount) };
  const liabilities = fields.optional("liabilities", owed);
  if (liabilities === undefined) return read;
  const stated = fields.optional("coverage", percent);
  const gap = fields.has("shortfall") ? { shortfall: fields.read("shortfall", amount) } : { surplus: fields.read("surplus", amount) };
  return { ...read, liabilities, ...(stated === undefined ? {} : { coverage: stated }), ...gap };
});

/** ofLiability: of what is owed at most, coverage says what counts and no more; of what is owed it says all. */
function ofLiability(stated: StatedCoverage, { atMost }: Liability, path: string): StatedCoverage {
  if ((stated.liabilities === undefined) !== atMost) throw malformed(`${path} has liabilities exactly if they are stated as an amount`);
  return stated;
}

function approvals(fields: Fields): Statement["approvals"] {
  const keys = fields.list("keys", publicKey, 30);
  ascending(keys, fields.at("keys"), ({ text }) => text);
  return { keys, required: fields.read("required", integer()) };
}

const total = record((fields) => ({ asset: fields.read("asset", assetId), amount: fields.read("amount", amount) }));

const bands: Reader<Band[]> = (value, path) => {
  const band = record((fields) => ({ blocks: fields.read("blocks", blocks), instant: fields.read("instant", time), totals: fields.list("totals", total, maxAssets) }));
  const read = list(band, 16)(value, path);
  ascending(read, path, ({ instant }) => instant);
  return read;
};

function moment(fields: Fields): Statement["moment"] {
  const read = { blocks: fields.read("blocks", blocks) };
  const checkpoint = fields.optional("checkpoint", record((of) => ({ origin: of.read("origin", origin), root: of.read("root", hex32), size: of.read("size", integer(maxLog)) })));
  return checkpoint ? { ...read, checkpoint } : read;
}

const origin: Reader<string> = (value, path) => {
  const name = text(1, 256)(value, path);
  if (/[+\p{White_Space}]/u.test(name)) throw malformed(`${path} is not the origin of a log: it has no white space and no +`);
  return name;
};

function reserves(ids: readonly string[]): (fields: Fields) => Statement["reserves"] {
  const assets = record((fields): AssetReserves => {
    const groups = fields.list("groups", group, maxEntries);
    ascending(groups, fields.at("groups"), (g) => [g.token, g.custody, g.evidence, g.control].join("\0"));
    return { asset: fields.read("asset", assetId), counted: fields.read("counted", amount), groups };
  });
  return (fields) => {
    const claims = fields.list("claims", claim, maxEntries);
    ascending(claims, fields.at("claims"), (c) => [c.asset, c.kind, c.holder].join("\0"));
    return { assets: named(fields, "assets", ids, assets, ({ asset }) => asset), claims, rule: fields.read("rule", record(rule)) };
  };
}

const group: Reader<Group> = record((fields) => ({
  accounts: fields.read("accounts", integer()),
  amount: fields.read("amount", held),
  class: fields.read("class", tokenClass),
  control: fields.read("control", controlGrade),
  custody: fields.read("custody", oneOf(custodies)),
  evidence: fields.read("evidence", oneOf(["node-attested", "inclusion-proved", "filter-checked", "state-proved"] as const)),
  token: fields.read("token", token),
}));

const claim: Reader<Claim> = record((fields) => ({
  amount: fields.read("amount", held),
  asset: fields.read("asset", assetId),
  holder: fields.read("holder", printable),
  kind: fields.read("kind", oneOf(["custodian", "unprovable"] as const)),
}));

function rule(fields: Fields): Rule {
  const sorted = <T extends string>(key: string, words: readonly T[]): T[] => {
    const names = fields.list(key, oneOf(words));
    ascending(names, fields.at(key), String);
    return names;
  };
  return { classes: sorted("classes", tokenClasses), control: sorted("control", controlGrades), evidence: fields.read("evidence", evidenceGrade) };
}

function scope(fields: Fields): Statement["scope"] {
  const texts = (key: string, min: number): string[] => fields.list(key, text(1, 4096), 1024, min);
  return { encumbrances: fields.read("encumbrances", text(1, 4096)), excluded: texts("excluded", 0), included: texts("included", 1) };
}

const seriesName = matching(/^[a-z0-9-]{1,32}$/, "the name of a series: 1 to 32 of a-z 0-9 -");

/** series reads a statement's place among those of its kind: a statement and its entry in a log have the same. */
export function series(fields: Fields): Series {
  const read: Series = { name: fields.read("name", seriesName), number: fields.read("number", integer()) };
  const previous = fields.optional("previous", hex32);
  const supersedes = fields.optional("supersedes", record((of) => ({ reason: of.read("reason", text(1, 1024)), statement: of.read("statement", hex32) })));
  return { ...read, ...(previous === undefined ? {} : { previous }), ...(supersedes === undefined ? {} : { supersedes }) };
}

function ledger(ids: readonly string[], margin: boolean, hidden: boolean): (fields: Fields) => Ledger {
  const sum = sumOf(ids);
  /** sums are there, or left out where they would tell a total. */
  const unless = (leftOut: boolean, fields: Fields): { sum?: Sum } => {
    if (fields.has("sum") === leftOut) throw malformed(`${fields.at("sum")} is ${leftOut ? "there: it would tell a hidden total" : "missing"}`);
    return leftOut ? {} : { sum: fields.read("sum", sum) };
  };
  const ofClass = record((fields) => ({
    class: fields.read("class", matching(/^[a-z0-9-]{1,32}$/, "1 to 32 of a-z 0-9 -")),
    customers: fields.read("customers", integer()),
    entries: fields.read("entries", integer()),
    ...unless(hidden, fields),
  }));
  const negatives = record((fields) => {
    const rule = fields.read("rule", oneOf(margin ? (["error", "exclude", "debit"] as const) : (["error", "exclude"] as const)));
    return { entries: fields.read("entries", integer()), rule, ...unless(hidden && rule === "debit", fields) };
  });
  const underwater = record((fields) => ({ customers: fields.read("customers", integer()), rule: fields.read("rule", oneOf(["error", "write-off"])), sum: fields.read("sum", sum) }));
  return (fields) => {
    const classes = fields.list("classes", ofClass, 1024);
    ascending(classes, fields.at("classes"), (c) => c.class);
    if (fields.has("underwater") !== margin) throw malformed(`${fields.at("underwater")} is there exactly if the snapshot has a margin`);
    return {
      classes,
      customers: fields.read("customers", integer()),
      duplicates: fields.read("duplicates", record((of) => ({ entries: of.read("entries", integer()), rule: of.read("rule", oneOf(["error", "sum"])) }))),
      entries: fields.read("entries", integer()),
      negatives: fields.read("negatives", negatives),
      ...(margin ? { underwater: fields.read("underwater", underwater) } : {}),
      unknown: fields.read("unknown_assets", record(unknownAssets)),
    };
  };
}

function unknownAssets(fields: Fields): Ledger["unknown"] {
  const sums = fields.list("sums", record((of) => ({ asset: of.read("asset", text(1, 64)), amount: of.read("amount", decimal) })), 1 << 16);
  ascending(sums, fields.at("sums"), ({ asset }) => asset);
  return { entries: fields.read("entries", integer()), rule: fields.read("rule", oneOf(["error", "exclude"])), sums };
}

/** sumOf reads a sum of the given columns, in their order, without zeros (SPEC part 4). */
function sumOf(names: readonly string[]): Reader<Sum> {
  const entry = record((fields) => ({ asset: fields.read("asset", assetId), amount: fields.read("amount", owed) }));
  return (value, path) => {
    let last = -1;
    return list(entry, maxAssets)(value, path).map(({ asset, amount }, i) => {
      const column = names.indexOf(asset);
      if (column <= last) throw malformed(`${path}[${i}].asset is not in the registry, twice there, or not in its order`);
      if (amount === 0n) throw malformed(`${path}[${i}].amount is zero, which is left out`);
      last = column;
      return { column, amount };
    });
  };
}

/** owedOf is what the tree's sum has to be: the liabilities, without zeros. Of hidden totals it is unknown. */
export const owedOf = ({ liabilities }: Statement): Sum => liabilities.map(({ amount }, column) => ({ column, amount })).filter(({ amount }) => amount > 0n);

/** checkExchange is the check `statement.exchange`. */
export function checkExchange({ snapshot }: Statement, policy: Policy): void {
  if (snapshot.exchange.name !== policy.exchange) throw untrue("the statement is by another exchange than the policy's");
}

/** checkSeries is what one statement alone shows of the check `statement.series`. */
export function checkSeries({ series }: Statement): void {
  if (series.number > 0 !== (series.previous !== undefined)) throw untrue("a statement names the one before it exactly if its number is above 0");
  if (series.number === 0 && series.supersedes) throw untrue("the first statement of a series supersedes none");
}

/** checkMoment is the check `statement.moment`; place is the statement's in a log, where one is shown. */
export function checkMoment({ moment, snapshot }: Statement, policy: Policy, place: { origin: string; index: number } | undefined): void {
  for (const block of moment.blocks) {
    const of = `block ${block.number} of ${block.chain}`;
    const pinned = snapshot.blocks.find(({ chain }) => chain === block.chain);
    if (!pinned) throw untrue(`${of} is of a chain that is not pinned`);
    if (block.number < pinned.number || block.time < pinned.time) throw untrue(`${of} is before the pinned one`);
    if (block.number === pinned.number && (block.hash !== pinned.hash || block.time !== pinned.time)) throw untrue(`${of} is another one than the pinned one`);
    if (anchored(policy, block) === "contradicted") throw untrue(`the policy knows another ${of}`);
  }
  const { checkpoint } = moment;
  if (checkpoint && place && place.origin === checkpoint.origin && checkpoint.size > place.index) throw untrue(`the statement names a log of ${checkpoint.size} entries, and stands in it as number ${place.index}`);
}

