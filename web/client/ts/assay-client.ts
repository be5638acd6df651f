// A client of an exchange's server (SPEC part 28): it takes no answer that is not signed by a key which the exchange vouches for.
// One file, nothing but WebCrypto and fetch: copy it. It shows who answered what when; whether what was answered is true,
// statement, log and proofs show (assay-verify).

/** Check names what an answer failed, as assay-verify names it. */
export type Check = "response.format" | "response.digest" | "response.keys" | "response.signature" | "response.time";

/** Refused is thrown for every answer that is not to be believed. */
export class Refused extends Error {
  constructor(
    readonly check: Check,
    problem: string,
  ) {
    super(`${check}: ${problem}`);
    this.name = "Refused";
  }
}

/** TrustedKey is a public key of the exchange (SPEC part 2), and its limits (part 23): times as YYYY-MM-DDThh:mm:ssZ. */
export interface TrustedKey {
  key: string;
  from?: string;
  until?: string;
  revoked?: string;
}

/** Trust is whom the reader believes: the exchange's name, and the keys that may sign its list of response keys. */
export interface Trust {
  exchange: string;
  keys: TrustedKey[];
}

/** ResponseKey signs answers from when until when, both included; milliseconds of Unix time. */
export interface ResponseKey {
  raw: Bytes;
  from: number;
  until: number;
}

/** Webhook is what a server told: event (such as run.published), the exchange's name, id of the event, and the object that it is about. */
export interface Webhook {
  at: string;
  event: string;
  exchange: string;
  id: string;
  object: string;
}

/** KeyList is a list that the exchange signed; keys by thumbprint (RFC 7638). */
export interface KeyList {
  exchange: string;
  envelope: Bytes;
  issued: number;
  keys: Map<string, ResponseKey>;
}

/** Answer is one as it came; names of headers in lower case, content as it was sent. */
export interface Answer {
  method: string;
  url: string;
  asked?: Bytes; // the signature of the request, where it was signed and the answer is for one caller
  status: number;
  headers: [name: string, value: string][];
  content: Bytes;
}

/** Reader is the reader's clock, in milliseconds; whether the answer must not have expired by it; and the nonce that was asked for, "" for none. */
export interface Reader {
  now: number;
  fresh: boolean;
  nonce?: string;
}

/** Signed is what a signature says of an answer; seconds of Unix time. expires is missing where the answer is as true later. */
export interface Signed {
  keyid: string;
  created: number;
  expires?: number;
  nonce: string;
}

type Bytes = Uint8Array<ArrayBuffer>;
type Json = boolean | number | string | Json[] | { [key: string]: Json };

const maxContent = 64 << 20; // bytes (SPEC part 28)
const maxList = 1 << 20; // bytes of a key list (SPEC part 18)
const maxWebhook = 4096; // bytes (SPEC part 28)
const skew = 60_000; // milliseconds that a server's clock may be ahead
const payloadType = "application/vnd.assay.response-keys+json";
const keysPath = "/.well-known/assay-keys";
const covered = ["content-type", "content-encoding", "content-digest", "cache-control", "etag"]; // where the answer has them, in this order
const kept = [...covered, "signature", "signature-input"].sort();

const utf8 = new TextEncoder();
const refuse = (check: Check, problem: string): never => {
  throw new Refused(check, problem);
};

/** readReceipt reads an answer that was kept; write it with [[receipt]]. */
export function readReceipt(raw: Bytes): Answer {
  const bad = (problem: string): never => refuse("response.format", problem);
  const said = canonical(raw, bad);
  const signed = typeof said === "object" && "asked" in said; // the request was
  const r = object(said, [...(signed ? ["asked"] : []), "content", "headers", "method", "status", "type", "url"], bad);
  if (r.type !== "assay/v1/receipt") bad("not a receipt of version 1");
  const content = base64(r.content, bad);
  const headers = array(r.headers, 1, 256, bad).map((h): [string, string] => {
    const field = object(h, ["name", "value"], bad);
    return [text(field.name, bad), text(field.value, bad)];
  });
  headers.forEach(([name, value], i) => {
    if (!/^[a-z0-9-]{1,64}$/.test(name) || (i > 0 && name < headers[i - 1][0])) bad("headers: a name that is none, or out of order");
    if (!/^(?! )[ -~]{1,8192}$/.test(value) || value.endsWith(" ")) bad(`headers: ${name} is not 1 to 8192 printable ASCII characters, blank at neither end`);
  });
  if (typeof r.status !== "number") return bad("status is no number");
  return { ...(signed && { asked: base64(r.asked, bad) }), method: text(r.method, bad), url: text(r.url, bad), status: r.status, headers, content };
}

/** receipt is the file that keeps an answer (SPEC part 28); of its headers those that a signature covers, and the signature. */
export function receipt(a: Answer): string {
  const headers = a.headers
    .filter(([name]) => kept.includes(name))
    .sort(([x], [y]) => (x < y ? -1 : x > y ? 1 : 0))
    .map(([name, value]) => ({ name, value }));
  return spelled({ ...(a.asked && { asked: toBase64(a.asked) }), content: toBase64(a.content), headers, method: a.method, status: a.status, type: "assay/v1/receipt", url: a.url });
}

/** readKeyList reads the envelope of a key list and believes it if the exchange signed it (SPEC parts 10 and 28). */
export async function readKeyList(envelope: Bytes, trust: Trust): Promise<KeyList> {
  const bad = (problem: string): never => refuse("response.keys", problem);
  if (envelope.length > maxList) bad(`over ${maxList} bytes`);
  const e = object(canonical(envelope, bad), ["payload", "payloadType", "signatures"], bad);
  if (e.payloadType !== payloadType) bad(`payloadType: want ${payloadType}`);
  const payload = base64(e.payload, bad);
  const list = object(canonical(payload, bad), ["exchange", "issued", "keys", "type"], bad);
  if (list.type !== "assay/v1/response-keys") bad("not a key list of version 1");
  if (list.exchange !== trust.exchange) bad("it is another exchange's");
  const issued = time(list.issued, bad);
  const keys = new Map<string, ResponseKey>();
  let last = "";
  for (const entry of array(list.keys, 1, 1000, bad)) {
    const audit = typeof entry === "object" && "use" in entry; // it signs no answers
    const k = object(entry, ["from", "key", "until", ...(audit ? ["use"] : [])], bad);
    if (audit && k.use !== "audit") bad("a key of a use that none is");
    const [key, from, until] = [text(k.key, bad), time(k.from, bad), time(k.until, bad)];
    const digits = /^ed25519:([0-9a-f]{64})$/.exec(key) ?? bad("want response keys of Ed25519");
    if (key <= last || from >= until) bad("keys: out of order, twice, or without a time to sign in");
    last = key;
    const raw = fromHex(digits[1]);
    if (smallOrder(raw)) bad("a key of small order: everybody can sign for it");
    if (!audit) keys.set(await thumbprint(raw), { raw, from, until });
  }
  await signedByExchange(e.signatures, payload, issued, trust, bad);
  return { exchange: trust.exchange, envelope, issued, keys };
}

/** signedByExchange wants a signature by a trusted key, and that all by trusted keys verify within their limits; others are passed over. */
async function signedByExchange(signatures: Json, payload: Bytes, issued: number, trust: Trust, bad: (problem: string) => never): Promise<void> {
  const message = concat(utf8.encode(`DSSEv1 ${payloadType.length} ${payloadType} ${payload.length} `), payload);
  const trusted = new Map<string, TrustedKey>();
  for (const k of trust.keys) trusted.set(toHex(await sha256(utf8.encode(`assay/v1/key\0${k.key}`))), k);
  let last = "";
  let found = false;
  for (const entry of array(signatures, 1, 32, bad)) {
    const s = object(entry, ["keyid", "sig"], bad);
    const [id, sig] = [text(s.keyid, bad), base64(s.sig, bad)];
    if (!/^[0-9a-f]{64}$/.test(id) || id <= last) bad("signatures: out of order, or twice");
    last = id;
    const k = trusted.get(id);
    if (!k) continue;
    if (!(await verifies(k.key, sig, message))) bad("a signature by the exchange's key does not verify");
    if (k.revoked !== undefined) bad("signed by a key that was revoked");
    if ((k.from !== undefined && issued < time(k.from, bad)) || (k.until !== undefined && issued > time(k.until, bad))) bad("issued outside of its signer's time");
    found = true;
  }
  if (!found) bad("no key of the exchange signed it");
}

/** verify checks an answer with a key list, and is the only way to what it says. */
export async function verify(a: Answer, list: KeyList, reader: Reader): Promise<Signed> {
  const bad = (problem: string): never => refuse("response.format", problem);
  if (!/^[A-Z]{1,16}$/.test(a.method)) bad("the method is not 1 to 16 of A-Z");
  if (!Number.isInteger(a.status) || a.status < 200 || a.status > 599 || a.status === 206) bad(`status ${a.status} is no whole answer`);
  const bare = a.method === "HEAD" || a.status === 304;
  if (a.content.length > maxContent || (bare && a.content.length > 0)) bad("content that is too large, or that this answer has not");
  const fields = single(a, ["signature", "signature-input", "cache-control"], bad);
  const longest = lifetime(fields.get("cache-control")!, bad);
  const digest = declared(fields.get("content-digest"), a.status, bad);
  const components = baseLines(a, fields, longest === 300, bad);
  const params = member(fields.get("signature-input")!, bad);
  const signed = parameters(params, `(${components.map(([id]) => id).join(" ")})`, longest, bad);
  const signature = binary(member(fields.get("signature")!, bad), 64, bad);

  if (!bare && !same(digest!, await sha256(a.content))) refuse("response.digest", "the content is not what was signed");

  const key = list.keys.get(signed.keyid) ?? refuse("response.signature", `no listed key has the thumbprint ${signed.keyid}`);
  const created = signed.created * 1000;
  if (created < key.from || created > key.until) refuse("response.signature", "signed outside of its key's time");
  const base = [...components, [`"@signature-params"`, params]].map(([id, value]) => `${id}: ${value}`).join("\n");
  if (!(await verifies(`ed25519:${toHex(key.raw)}`, signature, utf8.encode(base)))) refuse("response.signature", "the signature does not verify");

  if (created > reader.now + skew) refuse("response.time", "signed in the future: set the clock");
  if (signed.expires !== undefined) {
    if (signed.expires < signed.created || signed.expires > signed.created + longest) refuse("response.time", "it expires at a time that its cache-control does not allow");
    if (reader.fresh && reader.now > signed.expires * 1000) refuse("response.time", "it has expired");
  }
  if (reader.nonce !== undefined && reader.nonce !== signed.nonce) refuse("response.time", "it answers another question: its nonce is not the one that was asked for");
  return signed;
}

const webhookForm = /^;created=([1-9][0-9]{0,11});nonce="[A-Za-z0-9_-]{16,64}";keyid="([A-Za-z0-9_-]{43})";alg="ed25519";tag="assay-webhook-1"$/;

/**
 * readWebhook checks what a server told by a POST to url, as the exchange was given it, and is the only way to what it says. Names of
 * headers in lower case; now in milliseconds. Keep the id, and pass over one that was told before: it may come again.
 */
export async function readWebhook(a: Pick<Answer, "url" | "headers" | "content">, list: KeyList, now: number): Promise<Webhook> {
  const bad = (problem: string): never => refuse("response.format", problem);
  if (a.content.length > maxWebhook) bad(`over ${maxWebhook} bytes`);
  const fields = single(a, ["signature", "signature-input", "content-type", "content-digest"], bad);
  if (fields.get("content-type") !== "application/json") bad("content-type is not application/json");
  const u = target(a.url, bad);
  const lines = [["@method", "POST"], ["@authority", u.authority], ["@path", u.path], ["@query", u.query]].map(([id, value]) => [`"${id}"`, value]);
  for (const name of ["content-type", "content-digest"]) lines.push([`"${name}"`, fields.get(name)!]);
  const params = member(fields.get("signature-input")!, bad);
  const covers = `(${lines.map(([id]) => id).join(" ")})`;
  const m = (params.startsWith(covers) && webhookForm.exec(params.slice(covers.length))) || bad("it is not signed as a webhook");
  const signature = binary(member(fields.get("signature")!, bad), 64, bad);
  if (!same(declared(fields.get("content-digest"), 200, bad)!, await sha256(a.content))) refuse("response.digest", "the content is not what was signed");

  const [created, key] = [Number(m[1]) * 1000, list.keys.get(m[2]) ?? refuse("response.signature", `no listed key has the thumbprint ${m[2]}`)];
  if (created < key.from || created > key.until) refuse("response.signature", "signed outside of its key's time");
  const base = [...lines, [`"@signature-params"`, params]].map(([id, value]) => `${id}: ${value}`).join("\n");
  if (!(await verifies(`ed25519:${toHex(key.raw)}`, signature, utf8.encode(base)))) refuse("response.signature", "the signature does not verify");
  if (created > now + skew || created < now - 300_000) refuse("response.time", "signed in the future, or over five minutes ago");

  const w = object(canonical(a.content, bad), ["at", "event", "exchange", "id", "object", "type"], bad);
  if (w.type !== "assay/v1/webhook") bad("not a webhook of version 1");
  if (w.exchange !== list.exchange) bad("it is another exchange's");
  const [event, id, about] = [text(w.event, bad), text(w.id, bad), text(w.object, bad)];
  if (!/^[a-z0-9.-]{1,64}$/.test(event) || !/^[A-Za-z0-9_-]{1,64}$/.test(id) || !/^[!-~]{1,128}$/.test(about)) bad("event, id or object is none");
  time(w.at, bad);
  return { at: text(w.at, bad), event, exchange: list.exchange, id, object: about };
}

/** single gives the fields that matter, each of which stands once. */
function single(a: Pick<Answer, "headers">, needed: string[], bad: (problem: string) => never): Map<string, string> {
  const fields = new Map<string, string>();
  for (const [name, value] of a.headers) {
    if (!kept.includes(name)) continue;
    if (fields.has(name)) bad(`${name} stands twice`);
    if (!/^[ -~]+$/.test(value)) bad(`${name} is empty, or not printable ASCII`);
    fields.set(name, value);
  }
  for (const name of needed) if (!fields.has(name)) bad(`not signed: ${name} is missing`);
  return fields;
}

/** lifetime is how many seconds an answer may be valid: 300 for one caller, 0 for ever. */
function lifetime(caching: string, bad: (problem: string) => never): 0 | 60 | 300 {
  if (!/^[a-z0-9=, -]+$/.test(caching)) bad("cache-control is not of a-z 0-9 - =, commas and blanks");
  const directives = caching.split(",").map((d) => d.replace(/^ +| +$/g, ""));
  const [priv, immutable] = [directives.includes("no-store"), directives.includes("immutable")];
  if (priv && immutable) bad("cache-control has no-store and immutable");
  return priv ? 300 : immutable ? 0 : 60;
}

function declared(value: string | undefined, status: number, bad: (problem: string) => never): Bytes | undefined {
  if ((value === undefined) !== (status === 304)) bad("content-digest, which every answer has but a 304");
  if (value === undefined) return undefined;
  if (!value.startsWith("sha-256=")) bad("content-digest: want sha-256 alone");
  return binary(value.slice(8), 32, bad);
}

/** baseLines are the components that the signature must cover, in their order. */
function baseLines(a: Answer, fields: Map<string, string>, forOne: boolean, bad: (problem: string) => never): [id: string, value: string][] {
  const u = target(a.url, bad);
  const lines: [string, string][] = [[`"@status"`, String(a.status)]];
  for (const name of covered) {
    const value = fields.get(name);
    if (value !== undefined) lines.push([`"${name}"`, value]);
  }
  lines.push([`"@method";req`, a.method], [`"@path";req`, u.path], [`"@query";req`, u.query]);
  if (forOne) lines.push([`"@authority";req`, u.authority]);
  if (a.asked && (!forOne || a.asked.length !== 64)) bad("asked is no signature of a request, or of an answer that is for all");
  if (a.asked) lines.push([`"signature";key="assay";req`, `:${toBase64(a.asked)}:`]);
  return lines;
}

/** target is what of a URL is signed, nothing decoded: https, or http at a loopback address, in one spelling. */
function target(url: string, bad: (problem: string) => never): { authority: string; path: string; query: string } {
  const m = /^(https?):\/\/(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([1-9][0-9]{0,4}))?(\/[!-"$->@-~]*)(\?[!-"$-~]*)?$/.exec(url);
  if (!m || url.length > 8192) return bad("the url is not one of https in its one spelling");
  const [, scheme, host, port, path, query] = m;
  if (port !== undefined && (Number(port) > 65535 || port === (scheme === "https" ? "443" : "80"))) bad("the url's port is none, or the usual one");
  if (host.startsWith("[") && !URL.canParse(`http://${host}/`)) bad("the url's host is no address");
  if (scheme === "http" && !/^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(host)) bad("http is for loopback addresses: want https");
  return { authority: port === undefined ? host : `${host}:${port}`, path, query: query ?? "?" };
}

/** member is the value of our member of a dictionary (RFC 9651), as it stands; others are passed over. */
function member(dictionary: string, bad: (problem: string) => never): string {
  const parts = dictionary.match(/(?:"(?:[^"\\]|\\.)*"|[^",])+|,/g) ?? [];
  if (parts.join("") !== dictionary) bad("a string in a dictionary has no end");
  let found: string | undefined;
  let wanted = true; // a member, not a comma
  for (const raw of parts) {
    if ((raw === ",") === wanted) bad("not a dictionary: want members, with a comma between two");
    wanted = !wanted;
    const part = raw.replace(/^ +| +$/g, "");
    if (raw === ",") continue;
    const key = /^[a-z*][a-z0-9_.*-]*/.exec(part)?.[0] ?? bad("not a dictionary: a member without a key");
    if (key !== "assay") continue;
    if (found !== undefined || !part.startsWith("assay=")) bad("want one member assay, with a value");
    found = part.slice(6);
  }
  if (wanted || found === undefined) return bad("not signed: no member assay");
  return found;
}

const inputForm =
  /^;created=(0|[1-9][0-9]{0,11})(?:;expires=(0|[1-9][0-9]{0,11}))?(?:;nonce="([A-Za-z0-9_-]{16,64})")?;keyid="([A-Za-z0-9_-]{43})";alg="ed25519";tag="assay-response-1"$/;

function parameters(value: string, components: string, longest: number, bad: (problem: string) => never): Signed {
  if (!value.startsWith(components)) bad(`the signature covers other things than ${components}`);
  const m = inputForm.exec(value.slice(components.length)) ?? bad("the parameters of the signature are not in their one form");
  const [created, expires] = [Number(m[1]), m[2] === undefined ? undefined : Number(m[2])];
  if (created > 253402300799 || (expires ?? 0) > 253402300799) bad("a time after the year 9999");
  if ((expires === undefined) !== (longest === 0)) bad("an answer expires unless it is immutable");
  return { keyid: m[4], created, ...(expires !== undefined && { expires }), nonce: m[3] ?? "" };
}

/** Client asks one server. Its answers are checked before anybody sees them. */
export class Client {
  private readonly base: string;
  private list?: KeyList;
  private looked = 0;

  /** url as https://por.exchange.example; ask is fetch, unless another one is given. */
  constructor(
    url: string,
    private readonly trust: Trust,
    private readonly ask: typeof fetch = (...args) => fetch(...args),
  ) {
    this.base = new URL(url).origin;
  }

  /** get asks for a path with its query, and gives the answer, whatever its status. With a nonce, 16 to 64 of A-Z a-z 0-9 - _ drawn anew, it was made for this question. */
  async get(path: string, nonce = ""): Promise<Answer & { signed: Signed }> {
    if (!path.startsWith("/")) throw new TypeError("a path begins with /");
    let list = await this.keys(3_600_000);
    const a = await this.fetch(path, nonce);
    const keyid = /;keyid="([A-Za-z0-9_-]{43})"/.exec(a.headers.find(([name]) => name === "signature-input")?.[1] ?? "")?.[1];
    if (keyid !== undefined && !list.keys.has(keyid)) list = await this.keys(10_000); // a new key may stand in a new list
    return { ...a, signed: await verify(a, list, { now: Date.now(), fresh: true, nonce }) };
  }

  /** keys gives the key list, asked for anew where the one at hand is older. The answer that carries it is signed by one of its keys. */
  async keys(age = 3_600_000): Promise<KeyList> {
    if (this.list && Date.now() - this.looked < age) return this.list;
    const a = await this.fetch(keysPath, "");
    if (a.status !== 200) return refuse("response.keys", `${keysPath} is answered with status ${a.status}`);
    const list = await readKeyList(a.content, this.trust);
    await verify(a, list, { now: Date.now(), fresh: true, nonce: "" });
    if (list.issued > Date.now() + skew || (this.list && list.issued < this.list.issued)) refuse("response.keys", "the list is one of the future, or older than one seen before");
    this.looked = Date.now();
    return (this.list = list);
  }

  /** webhook is [[readWebhook]] with this server's key list, which is looked at again where it does not name the key. */
  async webhook(a: Pick<Answer, "url" | "headers" | "content">): Promise<Webhook> {
    const keyid = /;keyid="([A-Za-z0-9_-]{43})"/.exec(a.headers.find(([name]) => name === "signature-input")?.[1] ?? "")?.[1];
    const list = await this.keys();
    return readWebhook(a, keyid === undefined || list.keys.has(keyid) ? list : await this.keys(10_000), Date.now());
  }

  private async fetch(path: string, nonce: string): Promise<Answer> {
    const url = new URL(this.base + path).href; // as it is sent
    const headers: Record<string, string> = { "accept-encoding": "identity" };
    if (nonce !== "") headers["accept-signature"] = `assay=();nonce="${nonce}"`;
    const response = await this.ask(url, { headers, redirect: "manual", cache: "no-store", credentials: "omit", referrerPolicy: "no-referrer" });
    const content = new Uint8Array(await response.arrayBuffer());
    return { method: "GET", url, status: response.status, headers: [...response.headers], content };
  }
}

/** thumbprint is that of an Ed25519 key as a JWK (RFC 7638). */
export async function thumbprint(raw: Bytes): Promise<string> {
  const unpadded = (b: Bytes): string => toBase64(b).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return unpadded(await sha256(utf8.encode(`{"crv":"Ed25519","kty":"OKP","x":"${unpadded(raw)}"}`)));
}

const orderEd25519 = 2n ** 252n + 27742317777372353535851937790883648493n;
const orderP256 = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const fieldP256 = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n;
const curveP256 = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;

/** verifies checks a signature by a key in its text form (SPEC parts 2 and 10). */
async function verifies(key: string, signature: Bytes, message: Bytes): Promise<boolean> {
  const m = /^(ed25519):([0-9a-f]{64})$|^(p256):(0[23])([0-9a-f]{64})$/.exec(key);
  if (!m) throw new TypeError("not a public key: want ed25519:… or p256:…");
  if (signature.length !== 64) return false;
  const half = number(signature.slice(32));
  if (m[1] !== undefined) {
    if (number(signature.slice(32).reverse()) >= orderEd25519) return false;
    const imported = await crypto.subtle.importKey("raw", fromHex(m[2]), "Ed25519", false, ["verify"]);
    return crypto.subtle.verify("Ed25519", imported, signature, message);
  }
  if (half === 0n || half > orderP256 / 2n || number(signature.slice(0, 32)) === 0n) return false;
  const y = uncompressed(BigInt(`0x${m[5]}`), m[4] === "03");
  const point = fromHex(`04${m[5]}${y.toString(16).padStart(64, "0")}`);
  const imported = await crypto.subtle.importKey("raw", point, { name: "ECDSA", namedCurve: "P-256" }, false, ["verify"]);
  return crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, imported, signature, message);
}

/** uncompressed is y of the point of P-256 with that x (SEC 1 §2.3.4); a point that is on no curve is refused where it is imported. */
function uncompressed(x: bigint, odd: boolean): bigint {
  let [y, square, exponent] = [1n, (((x * x - 3n) * x + curveP256) % fieldP256 + fieldP256) % fieldP256, (fieldP256 + 1n) / 4n];
  for (; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) y = (y * square) % fieldP256;
    square = (square * square) % fieldP256;
  }
  return ((y & 1n) === 1n) === odd ? y : fieldP256 - y;
}

/** smallOrder: one of the eight points that a signature needs no secret for; five values of y, two of which can be written above the field's order too. */
function smallOrder(raw: Bytes): boolean {
  const y = number(raw.slice().reverse()) & (2n ** 255n - 1n);
  const p = 2n ** 255n - 19n;
  const order8 = number(fromHex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05").reverse());
  return [0n, 1n, p - 1n, p, p + 1n, order8, p - order8].includes(y);
}

/** canonical reads JSON that is in its one spelling (SPEC part 2): it must be what it is spelled as again. */
function canonical(raw: Bytes, bad: (problem: string) => never): Json {
  try {
    const said = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(raw);
    const value = JSON.parse(said) as Json;
    if (spelled(value) === said) return value;
  } catch {
    // it is none
  }
  return bad("not canonical JSON");
}

const unfit = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/;

function spelled(value: Json, depth = 1): string {
  if (depth > 33 || value === null) throw new TypeError("too deep, or null");
  switch (typeof value) {
    case "boolean":
      return String(value);
    case "number":
      if (!Number.isSafeInteger(value) || value < 0) throw new TypeError("no integer");
      return String(value);
    case "string":
      if (unfit.test(value)) throw new TypeError("a character that no text has");
      return `"${value.replace(/["\\]/g, "\\$&")}"`;
  }
  if (Array.isArray(value)) return `[${value.map((v) => spelled(v, depth + 1)).join(",")}]`;
  const keys = Object.keys(value).sort();
  if (!keys.every((k) => /^[A-Za-z0-9_]+$/.test(k))) throw new TypeError("a key that none is");
  return `{${keys.map((k) => `"${k}":${spelled(value[k], depth + 1)}`).join(",")}}`;
}

function object(value: Json, keys: string[], bad: (problem: string) => never): { [key: string]: Json } {
  if (typeof value !== "object" || Array.isArray(value) || Object.keys(value).sort().join() !== keys.join()) return bad(`want an object of ${keys.join(", ")}`);
  return value;
}

function array(value: Json, least: number, most: number, bad: (problem: string) => never): Json[] {
  if (!Array.isArray(value) || value.length < least || value.length > most) return bad(`want a list of ${least} to ${most}`);
  return value;
}

function text(value: Json, bad: (problem: string) => never): string {
  return typeof value === "string" ? value : bad("want a text");
}

function time(value: Json, bad: (problem: string) => never): number {
  const at = typeof value === "string" && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(value) ? Date.parse(value) : NaN;
  if (Number.isNaN(at) || new Date(at).toISOString().replace(".000Z", "Z") !== value) return bad("want a time, YYYY-MM-DDThh:mm:ssZ");
  return at;
}

function base64(value: Json, bad: (problem: string) => never): Bytes {
  try {
    const raw = Uint8Array.from(atob(text(value, bad)), (c) => c.charCodeAt(0));
    if (toBase64(raw) === value) return raw;
  } catch {
    // it is none
  }
  return bad("want base64 in its one spelling");
}

/** binary reads bytes in the one spelling of a structured field. */
function binary(value: string, length: number, bad: (problem: string) => never): Bytes {
  const raw = /^:[A-Za-z0-9+/]+=*:$/.test(value) ? base64(value.slice(1, -1), bad) : bad("want base64 between colons");
  return raw.length === length ? raw : bad(`want ${length} bytes`);
}

function toBase64(raw: Bytes): string {
  let said = "";
  for (let i = 0; i < raw.length; i += 8192) said += String.fromCharCode(...raw.subarray(i, i + 8192));
  return btoa(said);
}

const sha256 = async (raw: Bytes): Promise<Bytes> => new Uint8Array(await crypto.subtle.digest("SHA-256", raw));
const toHex = (raw: Bytes): string => Array.from(raw, (b) => b.toString(16).padStart(2, "0")).join("");
const fromHex = (digits: string): Bytes => Uint8Array.from(digits.match(/../g) ?? [], (d) => parseInt(d, 16));
const number = (raw: Bytes): bigint => BigInt(`0x${toHex(raw)}`);
const same = (a: Bytes, b: Bytes): boolean => toHex(a) === toHex(b);

function concat(a: Bytes, b: Bytes): Bytes {
  const whole = new Uint8Array(a.length + b.length);
  whole.set(a);
  whole.set(b, a.length);
  return whole;
}
