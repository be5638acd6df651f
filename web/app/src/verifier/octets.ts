// Integers in bytes, unsigned and big-endian, and the hash (SPEC part 2).

import { sha256 } from "@noble/hashes/sha2.js";

import { bytesOf, toHex } from "./canon.ts";

/** unsigned reads all of bytes. */
export const unsigned = (bytes: Uint8Array): bigint => BigInt(`0x0${toHex(bytes)}`);

/** bigEndian writes value in length bytes. */
export function bigEndian(value: bigint | number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let rest = BigInt(value);
  for (let i = length - 1; i >= 0; i--) {
    bytes[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

/** hash is H over parts, one after the other. */
export function hash(...parts: Uint8Array[]): Uint8Array {
  const state = sha256.create();
  for (const part of parts) state.update(part);
  return state.digest();
}

/** tagged is H(tag ‖ 0x00 ‖ parts). */
export const tagged = (tag: string, ...parts: Uint8Array[]): Uint8Array => hash(bytesOf(tag), Uint8Array.of(0), ...parts);

export const same = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, i) => byte === b[i]);
