// Public keys and signatures (SPEC parts 2 and 10).

import { ed25519 } from "@noble/curves/ed25519.js";
import { p256 } from "@noble/curves/nist.js";
import { sha512 } from "@noble/hashes/sha2.js";

import { bytesOf, fromHex, malformed, matching, toHex, type Reader } from "./canon.ts";
import { same, tagged } from "./octets.ts";

/** Key is a public key: its text, and its id as signatures name it. */
export interface Key {
  text: string;
  id: string;
}

/** publicKey reads a key's text. A P-256 key is a point of the curve. */
export const publicKey: Reader<Key> = (value, path) => {
  const text = matching(/^(?:ed25519:[0-9a-f]{64}|p256:0[23][0-9a-f]{64})$/, "a public key: ed25519: and 64, or p256: and 66 hex digits")(value, path);
  if (text.startsWith("p256:") && !isPoint(text.slice("p256:".length))) throw malformed(`${path} is no point of P-256`);
  return { text, id: toHex(tagged("assay/v1/key", bytesOf(text))) };
};

function isPoint(hex: string): boolean {
  try {
    p256.Point.fromHex(hex);
    return true;
  } catch {
    return false;
  }
}

/** verifies says whether a signature of 64 bytes over message is the key's: of Ed25519 without the cofactor, of P-256 with s in the lower half. */
export function verifies(key: Key, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64) return false;
  if (key.text.startsWith("ed25519:")) return verifiesEd25519(fromHex(key.text.slice("ed25519:".length)), message, signature);
  try {
    return p256.verify(signature, message, fromHex(key.text.slice("p256:".length)), { lowS: true });
  } catch {
    return false;
  }
}

const littleEndian = (bytes: Uint8Array): bigint => BigInt(`0x${toHex(bytes.slice().reverse())}`);

/** verifiesEd25519: R is the encoding of s B − k A, and s is below the group order. */
export function verifiesEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const { Point } = ed25519;
  const order = Point.Fn.ORDER;
  const r = signature.subarray(0, 32);
  const s = littleEndian(signature.subarray(32));
  if (signature.length !== 64 || s >= order) return false;
  const k = littleEndian(sha512.create().update(r).update(publicKey).update(message).digest()) % order;
  try {
    const a = Point.fromBytes(publicKey, true);
    return same(Point.BASE.multiplyUnsafe(s).subtract(a.multiplyUnsafe(k)).toBytes(), r);
  } catch {
    return false; // no point
  }
}
