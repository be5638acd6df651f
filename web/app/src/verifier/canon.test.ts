import assert from "node:assert/strict";
import { test } from "node:test";
import { ascending, bytesOf, canonical, compareText, decimal, Fields, fromBase64, isTime, parse, Refusal, record, secondsOf, timeOf, version } from "./canon.ts";

const read = (text: string) => parse(bytesOf(text), 1 << 20);

test("one value has one spelling", () => {
  for (const text of ['{"a":1,"b":[true,false,"\\"\\\\ü€😀"],"c":{}}', "[]", "0", "9007199254740991", '""', '{"__proto__":1}']) assert.equal(canonical(read(text)), text);
  for (const text of [
    "", " 1", "1 ", "01", "-1", "-0", "1.0", "1e3", "9007199254740992", "99999999999999999999", "null", "nul", "truefalse", "[1,]", "[,1]", "[1 ,2]", "{", "[", '"', '{"a":1',
    '{"b":1,"a":2}', '{"a":1,"a":2}', '{"":1}', '{"a-b":1}', '{"ä":1}', '{"a" :1}', '"\\n"', '"\\u0041"', '"\\/"', '"\u0007"', '"\u007f"', '"\u200e"', '"\u2066"', '"\ufeff"', "\ufeff1", "1\n", "tru", "'a'",
    "[".repeat(33) + "]".repeat(33),
  ])
    assert.throws(() => read(text), Refusal, text);
  read("[".repeat(32) + "]".repeat(32));
  for (const bytes of [[0x22, 0xff, 0x22], [0x22, 0xed, 0xa0, 0x80, 0x22], [0x22, 0xc0, 0x80, 0x22], [0x22, 0xe2, 0x82]]) assert.throws(() => parse(Uint8Array.from(bytes), 9), Refusal);
  assert.throws(() => parse(bytesOf("[1,2]"), 4), /at most 4/);
});

test("fields name their path, and what nobody asked for is refused", () => {
  const fields = Fields.of(read('{"a":[{"b":"x"}],"c":2}'), "");
  assert.throws(() => fields.list("a", record((each) => each.list("b", decimal))), /^Error: a\[0\]\.b is not a list$/);
  assert.throws(() => fields.end(), /c is not a key/);
  assert.throws(() => fields.value("d"), /d is missing/);
});

test("lists are ordered by bytes, not by halves of surrogates", () => {
  assert.ok(compareText("\u{ffee}", "\u{1f600}") < 0);
  assert.throws(() => ascending(["a", "a"], "list", (s) => s), Refusal);
});

test("times are real instants", () => {
  for (const text of ["2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:00:60Z", "2026-01-01T00:00:00.0Z", "2026-01-01T00:00:00+00:00", "1900-02-29T00:00:00Z"]) assert.ok(!isTime(text), text);
  for (const text of ["2024-02-29T23:59:59Z", "2000-02-29T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"]) assert.equal(timeOf(secondsOf(text)), text);
});

test("base64 has one spelling", () => {
  assert.deepEqual(fromBase64("AQI="), Uint8Array.of(1, 2));
  assert.deepEqual(fromBase64(""), new Uint8Array(0));
  for (const text of ["AQI", "AQJ=", "AQ=I", "A===", "AQ==AQ==", "AQ\n=", "-_==", "====", "AÄ=="]) assert.equal(fromBase64(text), undefined, text);
});

test("another version is told from another format", () => {
  const exit = (got: string) => { try { version(got, "assay/v1/proof", "type"); return 0; } catch (e) { return (e as Refusal).exit; } };
  assert.deepEqual(["assay/v1/proof", "assay/v2/proof", "assay/v1/shards", "assay/v/proof", "assay/proof", "proof"].map(exit), [0, 4, 3, 3, 3, 3]);
});
