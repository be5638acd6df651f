// Which of the four results a verdict is, and why: a cause is a key of the texts.
import type { Check, Verdict } from "../verdict.ts";

export type Result = "included" | "mismatch" | "unchecked" | "withdrawn";

export interface Outcome {
  result: Result;
  cause: string;
}

/** Opinion is what the second implementation says of the same input. */
export interface Opinion {
  proven: boolean;
  exit: number;
  checks: Check[];
}

/** Second is how far the second opinion has come: none is in this page, it is being made, it could not be made, or it is there. */
export type Second = "none" | "awaited" | { missing: string } | Opinion;

export const isOpinion = (second: Second): second is Opinion => typeof second === "object" && "checks" in second;

// What a failed check means for a customer, in the order in which they are made.
const causes: [check: string, result: Result, cause: string][] = [
  ["policy", "unchecked", "policy"],
  ["proof.format", "unchecked", "format"],
  ["statement.signature", "unchecked", "signature"],
  ["statement.exchange", "unchecked", "exchange"],
  ["statement.approvals", "unchecked", "approvals"],
  ["statement.", "unchecked", "statement"],
  ["snapshot", "unchecked", "statement"],
  ["log", "unchecked", "log"],
  ["proof.statement", "mismatch", "other"],
  ["proof.margin", "mismatch", "margin"],
  ["proof.root", "mismatch", "root"],
  ["proof.counted", "mismatch", "notcounted"],
  ["liabilities.", "unchecked", "parts"],
  ["findings", "unchecked", "findings"],
];

/** outcome sums a verdict and the second opinion up. As long as that is awaited the verdict stands alone. */
export function outcome(verdict: Verdict, second: Second): Outcome {
  if (isOpinion(second) && !agree(verdict, second)) return { result: "unchecked", cause: "disagree" };
  if (verdict.state && verdict.state.state !== "erratum") return { result: "withdrawn", cause: verdict.state.state };
  if (verdict.proven) return { result: "included", cause: verdict.row?.countedBy === "" ? "committed" : "included" };
  if (verdict.exit === 4) return { result: "unchecked", cause: "version" };
  const failed = verdict.checks.filter((check) => check.result === "fail");
  for (const [name, result, cause] of causes) {
    const found = failed.find((check) => check.name === name || (name.endsWith(".") && check.name.startsWith(name)));
    if (found && cause === "signature" && verdict.exit === 3) return { result: "unchecked", cause: "unsigned" };
    if (found && cause === "notcounted" && verdict.exit === 3) return { result: "unchecked", cause: "parts" };
    if (found) return { result, cause };
  }
  const skipped = verdict.checks.find((check) => check.required && check.result === "skipped");
  if (skipped?.name === "proof.counted" && failed.length === 0) return { result: "unchecked", cause: "nobody" };
  return { result: "unchecked", cause: "other-check" };
}

/** agree: both say the same of the proof, and for the same reasons. What the second does not check, the parts of the published list, is not held against it. */
export function agree(verdict: Verdict, opinion: Opinion): boolean {
  const alone = aloneIn(verdict, opinion);
  if (failures(verdict.checks, alone) !== failures(opinion.checks, alone)) return false;
  return alone.size > 0 || (verdict.proven === opinion.proven && verdict.exit === opinion.exit);
}

/** aloneIn are the checks of published parts that the first implementation made and the second did not. */
export function aloneIn(verdict: Verdict, opinion: Opinion): Set<string> {
  const made = new Set(opinion.checks.filter((check) => check.result !== "skipped").map((check) => check.name));
  return new Set(verdict.checks.filter(({ name, result }) => /^(proof\.counted|liabilities\.)/.test(name) && result !== "skipped" && !made.has(name)).map(({ name }) => name));
}

const failures = (checks: Check[], but: Set<string>): string =>
  checks.filter((check) => check.result === "fail" && !but.has(check.name)).map((check) => check.name).sort().join(" ");
