// What a customer gives: files of several kinds, told apart by what is in them. Nothing here judges: that is the verifier's.
import { sha256 } from "./digest.ts";
import { unzipped } from "./gzip.ts";

export type Kind = "proof" | "policy" | "statement" | "finding" | "notice" | "part";

/** Source is where a file came from: what a link carried, somebody else chose. */
export type Source = "file" | "pasted" | "link" | "typed";

export interface Given {
  kind: Kind;
  name: string; // of the file, or where it came from in words
  from?: Source; // absent: a file
  bytes: Uint8Array;
  claims: Claims;
}

/** Claims are what a file says of itself. Nobody has checked them. */
export interface Claims {
  exchange?: string;
  period?: string;
  instant?: string;
  keys: string[]; // ids of the keys that signed
  about?: string; // digest of the statement that it is, or is about
  snapshot?: string; // that it is of
  path?: string; // of a part of a report's bundle: where it stands there
  answer?: string; // of a proof: the server's signed answer that it came in
}

/** NotTaken says by a key of the texts why a file is of no use here. */
export class NotTaken extends Error {
  constructor(readonly key: string) {
    super(key);
  }
}

const limit = 128 << 20; // a shard of a million rows has 96 MB

/** told says what bytes are, compressed or not: one file, or what a receipt of this page holds. */
export async function told(bytes: Uint8Array, name: string): Promise<Given[]> {
  if (bytes.length > limit) throw new NotTaken("given.large");
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) bytes = await unzipped(bytes, limit).catch(() => refuse("given.gzip"));
  if (bytes[0] === 0x50 && bytes[1] === 0x4b) throw new NotTaken("given.zip");
  const part = partOf(bytes, name);
  if (part) return [{ kind: "part", name, bytes, claims: { keys: [], ...part } }];
  const source = new TextDecoder().decode(bytes);
  if (source.startsWith("age-encryption.org/") || source.startsWith("-----BEGIN AGE")) throw new NotTaken("given.sealed");
  if (source.trim() === "") throw new NotTaken("given.empty");
  const json = object(source);
  if (json) return text(json.type) === "assay/v1/page-receipt" ? kept(json, name) : [await ofJSON(json, bytes, name)];
  if (/"assay\/v\d+\/proof"|^\{"balances":/.test(source)) return [{ kind: "proof", name, bytes, claims: { keys: [] } }]; // a broken one: the verifier says so
  if (/^[ \t]*\[exchange\]/m.test(source) && /^[ \t]*version[ \t]*=/m.test(source)) return [{ kind: "policy", name, bytes, claims: { keys: [] } }];
  throw new NotTaken("given.unknown");
}

async function ofJSON(json: JSONObject, bytes: Uint8Array, name: string): Promise<Given> {
  const type = text(json.type);
  if (/^assay\/v\d+\/proof$/.test(type)) return { kind: "proof", name, bytes, claims: ofProof(json) };
  if (type === "assay/v1/shards") return { kind: "part", name, bytes, claims: { keys: [], snapshot: text(json.snapshot), path: "liabilities/shards.json" } };
  if (type === "assay/v1/receipt") return answered(json, bytes, name);
  if (typeof json.entry === "object" && typeof json.proof === "string") return { kind: "notice", name, bytes, claims: { keys: [] } };
  if (typeof json.payload === "string") {
    const payload = fromBase64(json.payload);
    const { predicateType, subject } = object(new TextDecoder().decode(payload)) ?? {};
    const about = text(((subject as JSONObject[] | undefined)?.[0]?.digest as JSONObject | undefined)?.sha256);
    if (text(predicateType).includes("/assay/finding/")) return { kind: "finding", name, bytes, claims: { ...claimsOf(json), about } };
    if (text(predicateType).includes("/assay/solvency/")) return { kind: "statement", name, bytes, claims: { ...claimsOf(json), about: await sha256(payload) } };
  }
  throw new NotTaken("given.unknown");
}

// Parts of a confidential tree that are published (SPEC parts 6 and 29): they are known by their names, and leaves say themselves which they are.
function partOf(bytes: Uint8Array, name: string): Pick<Claims, "snapshot" | "path"> | undefined {
  const begins = (text: string): boolean => new TextDecoder().decode(bytes.subarray(0, text.length)) === text;
  const of = /shard-\d{5,}|top/.exec(name)?.[0];
  if (begins(leaves) && bytes.length > leaves.length + 36) {
    const shard = new DataView(bytes.buffer, bytes.byteOffset + leaves.length + 32).getUint32(0);
    const snapshot = [...bytes.subarray(leaves.length, leaves.length + 32)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return { snapshot, path: `liabilities/${of ?? `shard-${String(shard).padStart(5, "0")}`}.leaves` };
  }
  if (!begins(levelProof)) return undefined;
  if (of === undefined) throw new NotTaken("given.part");
  return { path: `liabilities/${of}.proof` };
}

const leaves = "assay/v1/leaves\n", levelProof = "assay/v1/confidential-proof\n";

// A server's signed answer (SPEC part 28) that holds a proof.
function answered(json: JSONObject, bytes: Uint8Array, name: string): Given {
  const content = text(json.content);
  const proof = object(decoded(content));
  if (!/^assay\/v\d+\/proof$/.test(text(proof?.type))) throw new NotTaken("given.answer");
  return { kind: "proof", name, bytes: fromBase64(content), claims: { ...ofProof(proof!), answer: new TextDecoder().decode(bytes) } };
}

// A receipt that this page made: proof and statement in it are checked anew, and whom it trusted then is not believed for that.
async function kept(json: JSONObject, name: string): Promise<Given[]> {
  const files = [text(json.proof), text(json.statement)].filter((file) => file !== "");
  const list = await Promise.all(files.map((file) => told(new TextEncoder().encode(file), name)));
  const answer = text(json.answer);
  return list.flat().map((one) => (one.kind === "proof" && answer !== "" ? { ...one, claims: { ...one.claims, answer } } : one));
}

const ofProof = (json: JSONObject): Claims => ({ ...claimsOf(json.envelope), about: text(json.statement), snapshot: text(json.snapshot) });

function claimsOf(envelope: unknown): Claims {
  const { payload, signatures } = (envelope ?? {}) as JSONObject;
  const keys = Array.isArray(signatures) ? signatures.map((one) => text((one as JSONObject | null)?.keyid)).filter((id) => id !== "") : [];
  const predicate = object(decoded(text(payload)))?.predicate as JSONObject | undefined;
  const snapshot = predicate?.snapshot as JSONObject | undefined;
  const exchange = text((snapshot?.exchange as JSONObject | undefined)?.name);
  const period = text(snapshot?.period), instant = text(snapshot?.instant);
  return { keys, ...(exchange && { exchange }), ...(period && { period }), ...(instant && { instant }) };
}

type JSONObject = Record<string, unknown>;

function object(source: string): JSONObject | undefined {
  try {
    const value: unknown = JSON.parse(source);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JSONObject) : undefined;
  } catch {
    return undefined;
  }
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");

export function fromBase64(source: string): Uint8Array {
  try {
    return Uint8Array.from(atob(source), (c) => c.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
}

const decoded = (source: string): string => new TextDecoder().decode(fromBase64(source));

function refuse(key: string): never {
  throw new NotTaken(key);
}
