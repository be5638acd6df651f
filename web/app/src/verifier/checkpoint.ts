// Checkpoints of a log, signed notes as C2SP has them, and the keys of logs and witnesses (SPEC part 25).

import { bytesOf, fromBase64, isBarred, malformed, timeOf, toHex, untrue, utf8Text } from "./canon.ts";
import { verifiesEd25519 } from "./keys.ts";
import { hash, unsigned } from "./octets.ts";

export const maxSmall = 64 << 10;
const maxSize = 2 ** 32;
const maxSignatures = 64;
const lastSecond = 253402300799n; // of the year 9999

/** VerifierKey is the key of a log or of a witness. hash is 8 hex digits. */
export interface VerifierKey {
  name: string;
  hash: string;
  public: Uint8Array;
}

/** Trust is what a policy believes of logs. */
export interface Trust {
  logs: VerifierKey[];
  witnesses: VerifierKey[];
  quorum: number;
}

/** trustOf reads the verifier keys of a policy's `[log]`. */
export function trustOf(log: { keys: readonly string[]; witnesses: readonly string[]; quorum: number }): Trust {
  const logs = log.keys.map((text, i) => verifierKey(text, 0x01, `log.keys[${i}]`));
  const witnesses = log.witnesses.map((text, i) => verifierKey(text, 0x04, `log.witnesses[${i}]`));
  witnesses.forEach((key, i) => {
    if (witnesses.slice(0, i).some((other) => toHex(other.public) === toHex(key.public))) throw malformed(`log.witnesses[${i}] has the public key of another witness: it would count twice`);
  });
  return { logs, witnesses, quorum: log.quorum };
}

function verifierKey(text: string, algorithm: number, path: string): VerifierKey {
  const [, name = "", keyHash = "", encoded = ""] = /^([^+]*)\+([^+]*)\+(.*)$/s.exec(text) ?? [];
  const decoded = fromBase64(encoded);
  if (!isName(name) || !decoded) throw malformed(`${path} is not a verifier key: name+hash+base64`);
  if (decoded.length !== 33 || decoded[0] !== algorithm) throw malformed(`${path} is not the verifier key of ${algorithm === 0x01 ? "a log" : "a witness"}`);
  if (toHex(hash(bytesOf(`${name}\n`), decoded).subarray(0, 4)) !== keyHash) throw malformed(`${path} is not a verifier key: its hash is not that of its name and key`);
  return { name, hash: keyHash, public: decoded.subarray(1) };
}

const isName = (text: string): boolean => text !== "" && bytesOf(text).length <= 256 && !/[+\p{White_Space}]/u.test(text) && !isBarred(text);

/** Checkpoint is read, not believed: see believe. */
export interface Checkpoint {
  origin: string;
  size: number;
  root: Uint8Array;
  text: Uint8Array;
  lines: { name: string; hash: string; signature: Uint8Array }[];
}

export function readCheckpoint(bytes: Uint8Array): Checkpoint {
  if (bytes.length > maxSmall) throw malformed(`the checkpoint has ${bytes.length} bytes; at most ${maxSmall} are read`);
  const note = utf8Text(bytes);
  const end = note.indexOf("\n\n");
  const head = note.slice(0, Math.max(0, end)).split("\n");
  if (head.length !== 3 || !note.endsWith("\n")) throw malformed("the checkpoint is not three lines, an empty one and lines of signatures, each ended by a line feed");
  const [origin, size, root] = head as [string, string, string];
  if (!isName(origin)) throw malformed("the checkpoint's origin is no name of a log");
  const signatures = note.slice(end + 2, -1).split("\n");
  if (signatures.length > maxSignatures) throw malformed(`the checkpoint has more than ${maxSignatures} signatures`);
  return { origin, size: decimal(size, maxSize, "the checkpoint's size"), root: hashLine(root, "the checkpoint's root"), text: bytesOf(`${note.slice(0, end)}\n`), lines: signatures.map(signatureLine) };
}

function signatureLine(line: string): Checkpoint["lines"][number] {
  const [, name = "", encoded = ""] = /^— ([^ ]*) (.*)$/s.exec(line) ?? [];
  const bytes = fromBase64(encoded);
  if (!isName(name) || !bytes || bytes.length <= 4) throw malformed("a signature line of the checkpoint is not a dash, a name and base64 of four bytes and a signature");
  return { name, hash: toHex(bytes.subarray(0, 4)), signature: bytes.subarray(4) };
}

/** decimal reads an integer without sign or leading zero. */
export function decimal(text: string, max: number, what: string): number {
  const value = /^(?:0|[1-9][0-9]{0,15})$/.test(text) ? Number(text) : NaN;
  if (!(value <= max)) throw malformed(`${what} is not a decimal number up to ${max}`);
  return value;
}

/** hashLine reads base64 of 32 bytes. */
export function hashLine(text: string, what: string): Uint8Array {
  const bytes = fromBase64(text);
  if (bytes?.length !== 32) throw malformed(`${what} is not base64 of a hash`);
  return bytes;
}

/** Witnessed says which of a policy's witnesses cosigned, and by when so many as its quorum had. Without a quorum there is no such time. */
export interface Witnessed {
  witnesses: string[];
  witnessed?: string;
}

/** believe makes steps 2 to 4 of verifying a checkpoint. */
export function believe(checkpoint: Checkpoint, trust: Trust): Witnessed {
  const { origin } = checkpoint;
  signedBy(checkpoint, trust);
  const times = trust.witnesses.flatMap((key) => {
    const line = lineOf(checkpoint, key);
    return line ? [{ name: key.name, seconds: cosigned(checkpoint, key, line.signature) }] : [];
  });
  if (times.length < trust.quorum) throw untrue(`the checkpoint of the log ${origin} is cosigned by ${times.length} of the policy's witnesses; it asks for ${trust.quorum}`);
  const witnesses = times.map(({ name }) => name);
  if (trust.quorum === 0) return { witnesses };
  const seconds = times.map((time) => time.seconds).sort((a, b) => a - b);
  return { witnesses, witnessed: timeOf(seconds[trust.quorum - 1]!) };
}

/** signedBy gives the log keys of the policy that signed a checkpoint: one at least, and truly. */
export function signedBy(checkpoint: Checkpoint, { logs }: Trust): VerifierKey[] {
  const { origin, lines, text } = checkpoint;
  if (new Set(lines.map((line) => `${line.hash} ${line.name}`)).size !== lines.length) throw untrue(`the checkpoint of the log ${origin} is signed twice with one key`);
  const known = logs.filter((key) => key.name === origin);
  if (known.length === 0) throw untrue(`the policy has no key of the log ${origin}`);
  const signers = known.filter((key) => {
    const line = lineOf(checkpoint, key);
    if (line && !verifiesEd25519(key.public, text, line.signature)) throw untrue(`the signature of the log ${origin} on its checkpoint does not verify`);
    return line;
  });
  if (signers.length === 0) throw untrue(`the checkpoint of the log ${origin} is not signed with a key that the policy has of it`);
  return signers;
}

function lineOf({ lines }: Checkpoint, key: VerifierKey): Checkpoint["lines"][number] | undefined {
  return lines.find((line) => line.name === key.name && line.hash === key.hash);
}

/** cosigned verifies a witness's line and gives its time in seconds. */
function cosigned({ origin, text }: Checkpoint, { name, public: key }: VerifierKey, line: Uint8Array): number {
  const seconds = unsigned(line.subarray(0, 8));
  if (line.length !== 72 || seconds > lastSecond) throw untrue(`the cosignature of ${name} on the checkpoint of the log ${origin} is not a time up to the year 9999 and a signature`);
  const message = new Uint8Array([...bytesOf(`cosignature/v1\ntime ${seconds}\n`), ...text]);
  if (!verifiesEd25519(key, message, line.subarray(8))) throw untrue(`the cosignature of ${name} on the checkpoint of the log ${origin} does not verify`);
  return Number(seconds);
}
