// Certificates of time-stamping authorities, as far as a policy is held to them: one in PEM, whose DER has the shape of RFC 5280. Time stamps themselves are not in a customer's proof.

import { fromBase64 } from "./canon.ts";

/** pemBody is the DER of one certificate in PEM with nothing around it. */
export function pemBody(pem: string): Uint8Array | undefined {
  const found = /^-----BEGIN CERTIFICATE-----\r?\n([A-Za-z0-9+/=\r\n]+)\r?\n-----END CERTIFICATE-----$/.exec(pem.trim());
  return found ? fromBase64(found[1]!.replace(/[\r\n]/g, "")) : undefined;
}

const sequence = 0x30;
const bitString = 0x03;

/** isCertificate: SEQUENCE { tbsCertificate, algorithm, signature }, all of its elements and those of tbsCertificate whole, and nothing left over. */
export function isCertificate(der: Uint8Array): boolean {
  const [certificate, ...after] = elements(der) ?? [];
  if (certificate?.tag !== sequence || after.length > 0) return false;
  const parts = elements(certificate.body);
  if (parts?.map(({ tag }) => tag).join() !== [sequence, sequence, bitString].join()) return false;
  const fields = elements(parts[0]!.body);
  return fields !== undefined && fields.length >= 6 && fields.every(({ tag, body }) => (tag & 0x20) === 0 || whole(body));
}

const whole = (body: Uint8Array): boolean => elements(body)?.every(({ tag, body }) => (tag & 0x20) === 0 || whole(body)) ?? false;

interface Element {
  tag: number;
  body: Uint8Array;
}

/** elements are those of DER, one after the other; undefined where one is cut off or its length is not spelt as DER does. */
function elements(der: Uint8Array): Element[] | undefined {
  const found: Element[] = [];
  for (let at = 0; at < der.length; ) {
    const tag = der[at]!;
    const first = der[at + 1];
    if (first === undefined) return undefined;
    const octets = first < 0x80 ? 0 : first - 0x80;
    let length = first;
    if (octets > 0) {
      if (octets > 4 || at + 2 + octets > der.length || der[at + 2] === 0) return undefined;
      length = der.subarray(at + 2, at + 2 + octets).reduce((total, octet) => total * 256 + octet, 0);
      if (length < 0x80) return undefined;
    }
    if (first === 0x80) return undefined;
    const start = at + 2 + octets;
    if (start + length > der.length) return undefined;
    found.push({ tag, body: der.subarray(start, start + length) });
    at = start + length;
  }
  return found;
}
