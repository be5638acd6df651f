import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesOf, Refusal } from "./canon.ts";
import { Register } from "./entries.ts";
import { caught } from "./evidence.ts";
import { readPolicy } from "./policy.ts";
import { Servers } from "./servers.ts";
import { vectors } from "./vectors.ts";

test("vectors of evidence against a log", (t) => {
  const all = vectors<{ evidence: string; policy: string; exit?: number }>("log");
  for (const v of all) {
    const policy = readPolicy(bytesOf(v.policy));
    const judge = () => caught(bytesOf(v.evidence), policy, policy.log!);
    if (v.expect === "refused") assert.throws(judge, (e) => e instanceof Refusal && e.exit === v.exit, v.name);
    else assert.equal(judge(), v.expect === "nothing" ? undefined : v.name.includes("fork") ? "log" : "exchange", v.name);
  }
  t.diagnostic(`judged ${all.length} of ${all.length} vectors of log`);
});

interface Entries {
  entries: string[];
  policy: string;
  states?: Record<string, string>;
  breaches?: number[];
  equivocations?: [number, number][];
  told?: number[];
}

test("vectors of entries", (t) => {
  const all = vectors<Entries>("entries");
  for (const v of all) {
    const policy = readPolicy(bytesOf(v.policy));
    const [register, servers] = [new Register(policy), new Servers(policy)];
    const breaches = v.entries.flatMap((entry, i) => [register, servers].flatMap((each) => (each.enter(i, bytesOf(entry)) === undefined ? [] : [i])));
    assert.deepEqual(breaches, v.breaches ?? [], v.name);
    assert.equal(breaches.length > 0, v.expect === "refused", v.name);
    assert.deepEqual(register.equivocations, v.equivocations ?? [], v.name);
    assert.deepEqual(servers.told, v.told ?? [], v.name);
    for (const [digest, state] of Object.entries(v.states ?? {})) assert.equal(register.statements.get(digest)?.state, state, v.name);
    if (v.expect === "pass") assert.equal(register.statements.size, Object.keys(v.states ?? {}).length, v.name);
  }
  t.diagnostic(`judged ${all.length} of ${all.length} vectors of entries`);
});
