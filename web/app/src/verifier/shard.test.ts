import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesOf, Refusal } from "./canon.ts";
import { readEnvelope } from "./envelope.ts";
import { Generators } from "./rows.ts";
import { checkShard, checkShardList, checkTotals } from "./shard.ts";
import { readStatement } from "./statement.ts";
import { type Vector, vectors } from "./vectors.ts";

interface Bundle extends Vector {
  exit?: number;
  files?: Record<string, { text?: string; base64?: string }>;
}

const checks = ["liabilities.root", "liabilities.totals", "liabilities.full"];
const generators = new Generators();

function fileOf(v: Bundle, path: string): Uint8Array | undefined {
  const file = v.files?.[path];
  return file && (file.base64 === undefined ? bytesOf(file.text ?? "") : new Uint8Array(Buffer.from(file.base64, "base64")));
}

/** faultOf makes the three checks of a bundle's tree, as far as files are there, and gives the first that does not pass. */
function faultOf(v: Bundle): { check: string; exit: number } | undefined {
  const statement = readStatement(readEnvelope(fileOf(v, "statement.dsse.json")!).payload);
  let check = "";
  try {
    check = "liabilities.root";
    const shards = checkShardList(fileOf(v, "liabilities/shards.json")!, statement);
    check = "liabilities.totals";
    checkTotals(shards, fileOf(v, "liabilities/top.proof")!, statement, generators);
    check = "liabilities.full";
    for (const shard of shards) {
      const path = `liabilities/shard-0000${shard.index}`;
      const [leaves, proof] = [fileOf(v, `${path}.leaves`), fileOf(v, `${path}.proof`)];
      if (leaves && proof) checkShard(leaves, proof, shard, statement, generators);
    }
    return undefined;
  } catch (e) {
    if (e instanceof Refusal) return { check, exit: e.exit };
    throw e;
  }
}

// What several shards show together, or that one is missing, is for a reader of the whole bundle.
const ofAllShards = new Set(["confidential-identity-twice", "confidential-proof-missing", "confidential-shards-missing"].map((name) => `bundle/${name}`));
const happy = new Set(["happy-confidential", "happy-hidden-totals", "happy-confidential-margin"].map((name) => `bundle/${name}`));

test("files of confidential trees are judged as the vectors of bundles say", (t) => {
  const all = vectors<Bundle>("bundle").filter((v) => v.files?.["liabilities/top.proof"] !== undefined && (checks.includes(v.expect) || happy.has(v.name)));
  const judged = all.filter(({ name }) => !ofAllShards.has(name));
  for (const v of judged) assert.deepEqual(faultOf(v), v.expect === "pass" ? undefined : { check: v.expect, exit: v.exit }, v.name);
  assert.ok(judged.some(({ expect }) => expect === "pass"));
  t.diagnostic(`judged ${judged.length} bundles of confidential trees`);
  t.diagnostic(`not judged: ${[...ofAllShards].join(", ")}`);
});
