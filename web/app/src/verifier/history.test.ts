import assert from "node:assert/strict";
import { test } from "node:test";

import type { Input, Statement, Verdict } from "../verdict.ts";
import { bytesOf } from "./canon.ts";
import { historiesOf, type History, verifyHistory } from "./history.ts";
import { vectors } from "./vectors.ts";
import { verifyReport } from "./report.ts";

const failing = ({ checks }: Pick<Verdict, "checks">): string[] => checks.filter(({ result }) => result === "fail").map(({ name }) => name);

test("vectors of histories", async (t) => {
  const all = vectors<{ statements: string[]; policy: string }>("history");
  for (const v of all) {
    const verdicts: Verdict[] = [];
    for (const statement of v.statements) verdicts.push(await verifyReport({ policy: bytesOf(v.policy), statement: bytesOf(statement) }));
    const { histories, unread } = historiesOf(verdicts);
    const failed = [...unread.flatMap((i) => failing(verdicts[i]!)), ...histories.flatMap(failing)].filter((name) => name !== "history.proofs"); // there are none
    if (v.expect === "usage") assert.equal(histories.length, 2, v.name);
    else assert.deepEqual(failed, v.expect === "pass" ? [] : [v.expect], v.name);
  }
  t.diagnostic(`judged ${all.length} of ${all.length} vectors of history`);
});

interface ProofVector {
  customer: string;
  policy: string;
  proof: string;
}

function inputOf(name: string, customer?: string): Input {
  const v = vectors<ProofVector>("proof").find((each) => each.name === `proof/${name}`)!;
  return { proof: bytesOf(v.proof), policy: bytesOf(v.policy), customer: customer ?? v.customer };
}

test("a report counts once, in the copy that shows more; what does not verify is in no history", async () => {
  const { histories, unread } = await verifyHistory([inputOf("happy-three-customers"), inputOf("signer-unknown"), inputOf("happy-log"), inputOf("happy-three-customers", "mallory@example.org")]);
  assert.deepEqual(unread, [1]);
  const [{ included, reports, proven, exit }] = histories as [History];
  assert.deepEqual({ reports: reports.length, included, proven, exit }, { reports: 1, included: 1, proven: true, exit: 0 });
  assert.equal(reports[0]!.input, 2);
  const other = await verifyHistory([inputOf("happy-three-customers", "mallory@example.org")]);
  assert.deepEqual(other.histories.map(({ included, proven, exit }) => ({ included, proven, exit })), [{ included: 0, proven: false, exit: 1 }]);
});

test("a row that nobody counted is committed to, not included", async () => {
  const [history] = (await verifyHistory([inputOf("happy-confidential")])).histories as [History];
  assert.deepEqual([history.included, history.reports[0]!.row, history.proven], [0, "committed", true]);
});

/** proofOf is a verdict of a customer's proof in report number; withoutRow: it was checked and false. */
function proofOf(number: number, without: "" | "withoutRow" = ""): Verdict {
  const statement = { exchange: "Demo Exchange", series: "monthly", number, digest: `d${number}`, period: `2026-${String(number).padStart(2, "0")}`, instant: `2026-${String(number).padStart(2, "0")}-28T00:00:00Z` } as Statement;
  if (number > 1) statement.previous = `d${number - 1}`;
  const checks = [{ name: "statement.format", result: "pass" as const, required: true, detail: "" }];
  const row = { countedBy: "sums" } as NonNullable<Verdict["row"]>;
  return { proven: without === "", exit: without === "" ? 0 : 1, checks, policy: "", signers: [], statement, findings: [], ...(without === "" ? { row } : {}) };
}

const shown = (verdicts: Verdict[]) => historiesOf(verdicts).histories.map(({ included, reports, missing, proven, checks }) => ({ included, of: reports.length, missing, proven, failing: failing({ checks }) }));

test("included in 7 of 7 reports, in any order", () => {
  const seven = [5, 6, 7, 8, 9, 10, 11].map((number) => proofOf(number));
  assert.deepEqual(shown(seven.toReversed()), [{ included: 7, of: 7, missing: [], proven: true, failing: [] }]);
  assert.deepEqual(historiesOf(seven).histories[0]!.checks.at(-1)!.detail, "included in 7 of 7 reports");
});

test("what is missing is named, and a proof that does not pass is counted", () => {
  const gaps = [proofOf(2), proofOf(3, "withoutRow"), proofOf(5), proofOf(9)];
  assert.deepEqual(shown(gaps), [{ included: 3, of: 4, missing: [{ first: 4, last: 4 }, { first: 6, last: 8 }], proven: false, failing: ["history.complete", "history.proofs"] }]);
  assert.match(historiesOf(gaps).histories[0]!.checks[1]!.detail, /missing: number 4, numbers 6 to 8/);
});

test("a report that does not stand includes nobody", () => {
  const told = (number: number, state: NonNullable<Verdict["state"]>["state"], by?: string): Verdict => ({ ...proofOf(number), state: { state, text: "", issued: "", ...(by ? { by } : {}) } });
  const included = (...verdicts: Verdict[]): number => historiesOf(verdicts).histories[0]!.included;
  assert.equal(included(proofOf(1), told(2, "withdrawn"), proofOf(3)), 2);
  assert.equal(included(proofOf(1), told(2, "superseded", "d9"), proofOf(3)), 2);
  assert.equal(included(proofOf(1), told(2, "superseded", "d3"), proofOf(3)), 3);
  assert.equal(included(proofOf(1), told(2, "erratum"), proofOf(3)), 3);
  assert.equal(historiesOf([told(1, "withdrawn")]).histories[0]!.checks.at(-1)!.detail, "the report number 1 is withdrawn: the customer is included in 0 of 1 reports");
});

test("what a statement supersedes may be missing only where a number is", () => {
  const twice = (number: number): Verdict => {
    const verdict = proofOf(number);
    verdict.statement = { ...verdict.statement!, period: "2026-06", supersedes: "unknown" };
    return verdict;
  };
  assert.deepEqual(shown([proofOf(5), proofOf(6), twice(7)])[0]!.failing, ["history.chain"]); // 6 is the last of the period, and 7 the next
  assert.deepEqual(shown([proofOf(5), proofOf(6), twice(8)])[0]!.failing, ["history.complete"]);
  assert.deepEqual(shown([twice(7)])[0]!.failing, []);
});

test("each series is a history of its own", () => {
  const daily = proofOf(5);
  daily.statement!.series = "daily";
  assert.deepEqual(shown([proofOf(4), daily, proofOf(5)]).map(({ of, failing }) => [of, failing]), [[2, []], [1, []]]);
});
