import assert from "node:assert/strict";
import { createHash, createPublicKey, generateKeyPairSync, sign, verify } from "node:crypto";
import { test } from "node:test";

import { ed25519 } from "@noble/curves/ed25519.js";

import { Refusal, toHex } from "./canon.ts";
import { publicKey, verifies, verifiesEd25519 } from "./keys.ts";

const { Point } = ed25519;
const order = Point.Fn.ORDER;
const message = Buffer.from("what is signed");

const littleEndian = (value: bigint): Uint8Array => Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));

/** another says what Node's own library finds, which checks without the cofactor too. */
function another(key: Uint8Array, signature: Uint8Array): boolean {
  const spki = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), key]);
  return verify(null, message, createPublicKey({ key: spki, format: "der", type: "spki" }), signature);
}

/** forge makes a signature by a scalar and a point of small order beside it, in key and in R. */
function forge(secret: bigint, torsion: InstanceType<typeof Point>, inKey: boolean, inR: boolean): { key: Uint8Array; signature: Uint8Array } {
  const a = Point.BASE.multiplyUnsafe(secret).add(inKey ? torsion : Point.ZERO);
  const nonce = 7n * secret;
  const r = Point.BASE.multiplyUnsafe(nonce).add(inR ? torsion : Point.ZERO).toBytes();
  const key = a.toBytes();
  const digest = createHash("sha512").update(r).update(key).update(message).digest();
  const k = BigInt(`0x${toHex(new Uint8Array(digest.reverse()))}`) % order;
  const s = (nonce + k * secret) % order;
  return { key, signature: Uint8Array.from([...r, ...littleEndian(s)]) };
}

test("Ed25519 is checked without the cofactor, and s is below the order", () => {
  const small = Point.fromHex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"); // of order 8
  let refused = 0;
  for (let secret = 3n; secret < 40n; secret++)
    for (const [inKey, inR] of [[false, false], [true, false], [false, true], [true, true]] as const) {
      const { key, signature } = forge(secret, small, inKey, inR);
      const found = verifiesEd25519(key, message, signature);
      assert.equal(found, another(key, signature));
      if (!inKey && !inR) assert.ok(found);
      if (!found) refused++;
    }
  assert.ok(refused > 0);
  const { key, signature } = forge(5n, small, false, false);
  const s = BigInt(`0x${toHex(signature.slice(32).reverse())}`);
  assert.ok(!verifiesEd25519(key, message, Uint8Array.from([...signature.slice(0, 32), ...littleEndian(s + order)])));
  assert.ok(!verifiesEd25519(key, message, signature.slice(0, 63)));
  assert.ok(!verifiesEd25519(new Uint8Array(32).fill(0xff), message, signature));
});

test("P-256 has one spelling of a signature", () => {
  const n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  for (let i = 0; i < 8; i++) {
    const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const { x, y } = pair.publicKey.export({ format: "jwk" }) as { x: string; y: string };
    const odd = Buffer.from(y, "base64url").at(-1)! & 1;
    const key = publicKey(`p256:0${2 + odd}${Buffer.from(x, "base64url").toString("hex")}`, "key");
    const made = new Uint8Array(sign("sha256", message, { key: pair.privateKey, dsaEncoding: "ieee-p1363" }));
    const s = BigInt(`0x${toHex(made.slice(32))}`);
    const spelt = (value: bigint) => Uint8Array.from([...made.slice(0, 32), ...Buffer.from(value.toString(16).padStart(64, "0"), "hex")]);
    const [low, high] = s > n / 2n ? [n - s, s] : [s, n - s];
    assert.ok(verifies(key, message, spelt(low)));
    assert.ok(!verifies(key, message, spelt(high)));
    assert.ok(!verifies(key, Buffer.from("something else"), spelt(low)));
    for (const broken of [spelt(0n), new Uint8Array(64), spelt(n), Uint8Array.of(...spelt(low), 0)]) assert.ok(!verifies(key, message, broken));
  }
});

test("keys that are none are refused", () => {
  for (const text of ["", "ed25519:", `ed25519:${"0".repeat(63)}`, `ed25519:${"A".repeat(64)}`, `p256:04${"0".repeat(64)}`, `p256:02${"f".repeat(64)}`, `p256:02${"0".repeat(63)}1`, `rsa:${"0".repeat(64)}`])
    assert.throws(() => publicKey(text, "key"), Refusal, text);
});
