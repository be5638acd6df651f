// Canonical JSON (SPEC part 2), and the readers of fields that every format is read with. One value has one spelling: what is spelt otherwise is refused.

/** Refusal ends the reading of an input. exit is SPEC part 17's: 1 false, 3 not of its format, 4 of another version. */
export class Refusal extends Error {
  constructor(
    readonly exit: 1 | 3 | 4,
    message: string,
  ) {
    super(message);
  }
}

export const malformed = (message: string): Refusal => new Refusal(3, message);
export const unsupported = (message: string): Refusal => new Refusal(4, message);
export const untrue = (message: string): Refusal => new Refusal(1, message);

/** Value is what canonical JSON holds: integers are 0 … 2^53−1, there is no null. */
export type Value = string | number | boolean | readonly Value[] | ReadonlyMap<string, Value>;

const maxDepth = 32;

// What SPEC part 2 bars from strings; with the flag u a surrogate is found only where it is alone.
const barred = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]/u;

export const isBarred = (text: string): boolean => barred.test(text);

const utf8 = new TextEncoder();

export const bytesOf = (text: string): Uint8Array => utf8.encode(text);

/** utf8Text refuses what is not UTF-8; a byte-order mark stays in the text. */
export function utf8Text(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw malformed("is not UTF-8");
  }
}

/** parse reads one canonical value of at most limit bytes. */
export function parse(bytes: Uint8Array, limit: number): Value {
  if (bytes.length > limit) throw malformed(`has ${bytes.length} bytes; at most ${limit} are read`);
  const scanner = new Scanner(utf8Text(bytes));
  const value = scanner.value(0);
  scanner.end();
  return value;
}

class Scanner {
  private at = 0;

  constructor(private readonly text: string) {}

  value(depth: number): Value {
    switch (this.text[this.at]) {
      case "{":
        return this.object(this.deeper(depth));
      case "[":
        return this.array(this.deeper(depth));
      case '"':
        return this.string();
      case "t":
        return this.word("true", true);
      case "f":
        return this.word("false", false);
      default:
        return this.integer();
    }
  }

  end(): void {
    if (this.at !== this.text.length) throw this.wrong("something follows the value");
  }

  private deeper(depth: number): number {
    if (depth === maxDepth) throw this.wrong(`more than ${maxDepth} objects and arrays deep`);
    this.at++;
    return depth + 1;
  }

  private object(depth: number): Value {
    const members = new Map<string, Value>();
    let last: string | undefined;
    if (this.takes("}")) return members;
    do {
      const key = this.string();
      if (!/^[A-Za-z0-9_]+$/.test(key)) throw this.wrong("a key is not of A-Z a-z 0-9 _");
      if (last !== undefined && key <= last) throw this.wrong(key === last ? `the key ${key} stands twice` : `the key ${key} is not in ascending order`);
      last = key;
      this.expect(":");
      members.set(key, this.value(depth));
    } while (this.takes(","));
    this.expect("}");
    return members;
  }

  private array(depth: number): Value {
    const items: Value[] = [];
    if (this.takes("]")) return items;
    do items.push(this.value(depth));
    while (this.takes(","));
    this.expect("]");
    return items;
  }

  private string(): string {
    this.expect('"');
    let start = this.at;
    let out = "";
    for (;;) {
      const c = this.text[this.at];
      if (c === undefined) throw this.wrong("a string does not end");
      if (c === '"' || c === "\\") {
        out += this.text.slice(start, this.at++);
        if (c === '"') break;
        const escaped = this.text[this.at];
        if (escaped !== '"' && escaped !== "\\") throw this.wrong('only " and \\ are escaped');
        start = this.at++;
        continue;
      }
      this.at++;
    }
    if (isBarred(out)) throw this.wrong("a string holds a control or formatting character");
    return out;
  }

  private integer(): number {
    const digits = /(?:0|[1-9][0-9]{0,15})(?![0-9.eE+-])/y;
    digits.lastIndex = this.at;
    const found = digits.exec(this.text);
    const value = found ? Number(found[0]) : NaN;
    if (!found || !Number.isSafeInteger(value)) throw this.wrong("here is no value of canonical JSON: an object, an array, a string, true, false or an integer from 0 to 2^53-1");
    this.at += found[0].length;
    return value;
  }

  private word(word: string, value: boolean): boolean {
    if (!this.text.startsWith(word, this.at)) throw this.wrong("here is no value");
    this.at += word.length;
    return value;
  }

  private takes(c: string): boolean {
    if (this.text[this.at] !== c) return false;
    this.at++;
    return true;
  }

  private expect(c: string): void {
    if (!this.takes(c)) throw this.wrong(`${c} is missing`);
  }

  private wrong(what: string): Refusal {
    return malformed(`is not canonical JSON: character ${this.at}: ${what}`);
  }
}

/** canonical is the one spelling of a value. */
export function canonical(value: Value): string {
  if (typeof value === "string") return `"${value.replace(/["\\]/g, "\\$&")}"`;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (isList(value)) return `[${value.map(canonical).join(",")}]`;
  return `{${[...value].map(([key, member]) => `"${key}":${canonical(member)}`).join(",")}}`;
}

function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

/** compareText orders by the bytes of UTF-8, as SPEC part 2 orders lists: for surrogates that is not the order of JavaScript. */
export function compareText(a: string, b: string): number {
  const x = bytesOf(a);
  const y = bytesOf(b);
  return compareBytes(x, y);
}

export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) {
    const d = a[i]! - b[i]!;
    if (d !== 0) return d;
  }
  return a.length - b.length;
}

/** ascending refuses a list whose keys are not in ascending order of their bytes, or that holds one twice. */
export function ascending<T>(items: readonly T[], path: string, key: (item: T) => string): void {
  items.forEach((item, i) => {
    if (i > 0 && compareText(key(items[i - 1]!), key(item)) >= 0) throw malformed(`${path}[${i}] is not in ascending order, or stands twice`);
  });
}

/** Fields reads the members of an object; end refuses those that nobody asked for. Every error names the path, never a value. */
export class Fields {
  private readonly asked = new Set<string>();

  private constructor(
    readonly path: string,
    private readonly members: ReadonlyMap<string, Value>,
  ) {}

  static of(value: Value, path: string): Fields {
    if (!(value instanceof Map)) throw malformed(`${path || "the file"} is not an object`);
    return new Fields(path, value as ReadonlyMap<string, Value>);
  }

  /** at is the path of a member, as errors name it. */
  at(key: string): string {
    return this.path === "" ? key : `${this.path}.${key}`;
  }

  has(key: string): boolean {
    this.asked.add(key);
    return this.members.has(key);
  }

  value(key: string): Value {
    this.asked.add(key);
    const value = this.members.get(key);
    if (value === undefined) throw malformed(`${this.at(key)} is missing`);
    return value;
  }

  /** read applies a reader of one value to a member. */
  read<T>(key: string, reader: Reader<T>): T {
    return reader(this.value(key), this.at(key));
  }

  /** optional is undefined where the key is not there. */
  optional<T>(key: string, reader: Reader<T>): T | undefined {
    return this.has(key) ? this.read(key, reader) : undefined;
  }

  object(key: string): Fields {
    return Fields.of(this.value(key), this.at(key));
  }

  list<T>(key: string, reader: Reader<T>, max = Infinity, min = 0): T[] {
    return list(reader, max, min)(this.value(key), this.at(key));
  }

  /** type reads the key `type`, and tells another version (exit 4) from another format. */
  type(wanted: string): void {
    version(this.read("type", text()), wanted, this.at("type"));
  }

  end(): void {
    for (const key of this.members.keys()) if (!this.asked.has(key)) throw malformed(`${this.at(key)} is not a key of this format`);
  }
}

/** version refuses a name that is not the wanted one: with exit 4 where only its version is another. */
export function version(got: string, wanted: string, path: string): void {
  if (got === wanted) return;
  const numbered = /\/v[0-9]+(?=\/|$)/;
  if (numbered.test(got) && got.replace(numbered, "") === wanted.replace(numbered, "")) throw unsupported(`${path} is of another version: this verifier reads ${wanted}`);
  throw malformed(`${path} is not ${wanted}`);
}

/** Reader reads one value; path is for its error. */
export type Reader<T> = (value: Value, path: string) => T;

/** text reads a string of min … max bytes of UTF-8. */
export function text(min = 0, max = Infinity): Reader<string> {
  return (value, path) => {
    if (typeof value !== "string") throw malformed(`${path} is not a string`);
    const length = bytesOf(value).length;
    if (length < min || length > max) throw malformed(`${path} has ${length} bytes; it has ${min} to ${max}`);
    return value;
  };
}

/** matching reads a string that a pattern describes; what says in words what it is. */
export function matching(pattern: RegExp, what: string): Reader<string> {
  return (value, path) => {
    if (typeof value !== "string" || !pattern.test(value)) throw malformed(`${path} is not ${what}`);
    return value;
  };
}

/** oneOf reads one of the given words. */
export function oneOf<T extends string>(words: readonly T[]): Reader<T> {
  return (value, path) => {
    if (!words.includes(value as T)) throw malformed(`${path} is none of ${words.join(", ")}`);
    return value as T;
  };
}

export function integer(max = Number.MAX_SAFE_INTEGER, min = 0): Reader<number> {
  return (value, path) => {
    if (typeof value !== "number" || value < min || value > max) throw malformed(`${path} is not an integer from ${min} to ${max}`);
    return value;
  };
}

export function list<T>(reader: Reader<T>, max = Infinity, min = 0): Reader<T[]> {
  return (value, path) => {
    if (!isList(value)) throw malformed(`${path} is not a list`);
    if (value.length < min || value.length > max) throw malformed(`${path} has ${value.length} entries; it has ${min} to ${max}`);
    return value.map((item, i) => reader(item, `${path}[${i}]`));
  };
}

/** record reads an object, all of it. */
export function record<T>(reader: (fields: Fields) => T): Reader<T> {
  return (value, path) => {
    const fields = Fields.of(value, path);
    const read = reader(fields);
    fields.end();
    return read;
  };
}

export const truth: Reader<boolean> = (value, path) => {
  if (typeof value !== "boolean") throw malformed(`${path} is neither true nor false`);
  return value;
};

export const hex32 = matching(/^[0-9a-f]{64}$/, "64 hex digits");

/** printable reads 1–64 printable ASCII characters, not blank at either end. */
export const printable = matching(/^(?=.{1,64}$)[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/, "1 to 64 printable ASCII characters, not blank at either end");

/** amount reads an integer of any size that its text form allows: at most 78 digits. */
export const amount: Reader<bigint> = (value, path) => BigInt(matching(/^(?:0|[1-9][0-9]{0,77})$/, "an amount")(value, path));

export const isDecimal = (text: string): boolean => /^(?:0|[1-9][0-9]{0,77})(?:\.[0-9]*[1-9])?$/.test(text);

/** decimal reads a decimal and keeps its text, which is the only spelling of its value. */
export const decimal: Reader<string> = (value, path) => {
  if (typeof value !== "string" || !isDecimal(value)) throw malformed(`${path} is not a decimal`);
  return value;
};

/** time reads YYYY-MM-DDThh:mm:ssZ, a real instant. Such texts stand in the order of time; secondsOf counts. */
export const time: Reader<string> = (value, path) => {
  if (typeof value !== "string" || !isTime(value)) throw malformed(`${path} is not a time like 2026-11-01T00:00:00Z`);
  return value;
};

const clock = /^([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})Z$/;

export function isTime(text: string): boolean {
  const found = clock.exec(text);
  if (!found) return false;
  const [year, month, day, hour, minute, second] = found.slice(1).map(Number) as [number, number, number, number, number, number];
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0;
  return day >= 1 && day <= days && hour < 24 && minute < 60 && second < 60;
}

/** secondsOf counts the seconds since 1970 of a time, which has been read as one. */
export function secondsOf(time: string): number {
  return Date.parse(time) / 1000;
}

/** timeOf is the time of so many seconds since 1970. */
export function timeOf(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`;
}

export const toHex = (bytes: Uint8Array): string => Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");

/** fromHex decodes hex that has been read as such. */
export function fromHex(hex: string): Uint8Array {
  const bytes = new Uint8Array(hex.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const sextets = new Int16Array(128).fill(-1);
for (let i = 0; i < 64; i++) sextets[alphabet.charCodeAt(i)] = i;

/** fromBase64 decodes RFC 4648 §4, padded, with trailing bits zero; undefined is what it is not. */
export function fromBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0) return undefined;
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  let bits = 0;
  let held = 0;
  let at = 0;
  for (let i = 0; i < text.length - padding; i++) {
    const c = text.charCodeAt(i);
    const sextet = c < 128 ? sextets[c]! : -1;
    if (sextet < 0) return undefined;
    bits = ((bits << 6) | sextet) & 0xffff;
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes[at++] = (bits >> held) & 0xff;
    }
  }
  return (bits & ((1 << held) - 1)) === 0 ? bytes : undefined;
}

export const base64: Reader<Uint8Array> = (value, path) => {
  const bytes = typeof value === "string" ? fromBase64(value) : undefined;
  if (!bytes) throw malformed(`${path} is not base64`);
  return bytes;
};

/** within puts what was read before what is wrong with it. */
export function within<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (e) {
    if (e instanceof Refusal) throw new Refusal(e.exit, `${what}: ${e.message}`);
    throw e;
  }
}
