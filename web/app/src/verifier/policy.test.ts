import assert from "node:assert/strict";
import { test } from "node:test";

import { bytesOf, Refusal } from "./canon.ts";
import { policyText } from "./made.ts";
import { readPolicy } from "./policy.ts";

const plain = policyText(true);
const exitOf = (text: string): number => {
  try {
    readPolicy(bytesOf(text));
    return 0;
  } catch (e) {
    if (e instanceof Refusal) return e.exit;
    throw e;
  }
};

test("windows are whole hours, minutes and seconds", () => {
  const window = (text: string): number => readPolicy(bytesOf(plain.replace('"2h"', `"${text}"`))).window;
  assert.deepEqual(["2h", "1h30m", "90m", "0s", "1h1h", "24h0m0s", "7s"].map(window), [7200, 5400, 5400, 0, 7200, 86400, 7]);
  for (const text of ["", "2", "0", "h", "1.5h", "-1h", "1h30", "5ms", "1H", " 1h", "1d"]) assert.throws(() => window(text), Refusal, text);
});

test("a policy is strictly TOML, of strictly these keys", () => {
  assert.equal(exitOf(plain), 0);
  const cases: [string, string, number][] = [
    ["version = 1", "version = 2", 4],
    ["version = 1", "version = -1", 4],
    ["version = 1", "version = 9223372036854775807", 4],
    ["version = 1", 'version = "1"', 3],
    ["version = 1", "version = 1.0", 3],
    ["version = 1", "", 3],
    ["version = 1", "version = 1\nversion = 1", 3],
    ["version = 1", "version = 1\nmore = 1", 3],
    ["version = 1", "\ufeffversion = 1", 3],
    ["anchored = false", "anchored = 0", 3],
    ["anchored = false", "anchored = 2026-01-01", 3],
    ["anchored = false", "", 3],
    ["anchored = false", "Anchored = false", 3],
    ["anchored = false", "anchored = false\nnodes = 0", 3],
    ["anchored = false", "anchored = false\nnodes = 2", 0],
    ['control = ["bound"]', 'control = ["bound", "bound"]', 3],
    ['control = ["bound"]', 'control = "bound"', 3],
    ['control = ["bound"]', "control = []", 0],
    ["[liabilities]", "[coverage]\nleast = \"100\"\n[liabilities]", 3],
    ["[liabilities]", "[coverage]\nleast = \"100.00\"\n[liabilities]", 0],
    ["[exchange]", `[a${".a".repeat(400_000)}]\nx = 1\n[exchange]`, 3],
    ["[exchange]", `a = ${"[".repeat(400_000)}\n[exchange]`, 3],
    ["[exchange]", "[__proto__]\nx = 1\n[exchange]", 3],
  ];
  for (const [from, to, exit] of cases) {
    assert.ok(plain.includes(from));
    assert.equal(exitOf(plain.replace(from, to)), exit, `${from} → ${to}`);
  }
});
