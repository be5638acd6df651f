import assert from "node:assert/strict";
import { test } from "node:test";
import { decode, encode } from "./base85.js";

test("what is written is read", () => {
  for (let length = 0; length < 40; length++) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 151 + length * 7 + (length > 30 ? 255 : 0)) & 255);
    assert.deepEqual(decode(encode(bytes)), bytes);
  }
  assert.deepEqual(decode(encode(new Uint8Array(8).fill(255))), new Uint8Array(8).fill(255));
});

test("nothing in it means anything in HTML", () => {
  const all = encode(Uint8Array.from({ length: 65536 }, (_, i) => (i * 40503) >> (i % 9)));
  assert.match(all, /^[!#%(-,./-;=?@-[\]-_a-~]+$/);
});

test("what cannot have been written is refused", () => {
  for (const text of ["!", "!!!!!!", "!!!<!", "!!!!é", "~~~~~", "!!!! "]) assert.throws(() => decode(text), text);
});
