// From what was given to verdicts.
import type { Input, Verdict } from "../verdict.ts";
import { historiesOf, type History } from "../verifier/history.ts";
import { Generators } from "../verifier/rows.ts";
import { verifyProof } from "../verifier/verify.ts";
import type { Given } from "./given.ts";
import type { Opinion, Second } from "./outcome.ts";

/** Ask is the second implementation, where this page has one. */
export type Ask = (input: Input) => Promise<Opinion>;

/** Checked is one proof and what came of it. second changes once the second opinion is there. */
export interface Checked {
  given: Given;
  input: Input;
  verdict: Verdict;
  second: Second;
}

/** inputs are the checks to make: one a proof, each with the files that are about its statement. */
export function inputs(given: Given[], policy: Uint8Array, customer: string): { given: Given; input: Input }[] {
  const of = (kind: Given["kind"]): Given[] => given.filter((one) => one.kind === kind);
  const proofs = of("proof");
  return proofs.map((proof) => {
    const about = (one: Given): boolean => one.claims.about === proof.claims.about;
    const statements = of("statement");
    const statement = statements.find(about) ?? (proofs.length === 1 ? statements[0] : undefined);
    const input: Input = {
      proof: proof.bytes, policy, customer,
      findings: of("finding").filter(about).map((one) => one.bytes),
      notices: of("notice").map((one) => one.bytes),
    };
    if (statement) input.statement = statement.bytes;
    const files = partsOf(of("part"), proof);
    if (files) input.files = files;
    return { given: proof, input };
  });
}

// The parts of the published list that are of a proof's snapshot. What does not say which snapshot it is of goes with those that do, if they are of one.
function partsOf(parts: Given[], proof: Given): Record<string, Uint8Array> | undefined {
  const snapshots = new Set(parts.flatMap(({ claims: { snapshot } }) => (snapshot === undefined ? [] : [snapshot])));
  const taken = parts.filter(({ claims: { snapshot } }) => (snapshot ?? (snapshots.size === 1 ? [...snapshots][0] : undefined)) === proof.claims.snapshot);
  return taken.length === 0 ? undefined : Object.fromEntries(taken.map((part) => [part.claims.path!, part.bytes]));
}

/** Checks are of all proofs: each by itself, oldest report first, and what those of one series show together. Of a report that was given twice there is the better proof. */
export interface Checks {
  list: Checked[];
  histories: History[];
}

/** checked makes the first check of each. */
export async function checked(list: { given: Given; input: Input }[], ask: Ask | undefined): Promise<Checks> {
  const generators = new Generators();
  const verdicts: Verdict[] = [];
  for (const { input } of list) verdicts.push(await verifyProof(input, generators));
  const { histories, unread } = historiesOf(verdicts);
  const shown = [...histories.flatMap((history) => history.reports.map((report) => report.input)), ...unread];
  const all = shown.map((i): Checked => ({ ...list[i]!, verdict: verdicts[i]!, second: ask ? "awaited" : "none" }));
  return { list: all.sort((a, b) => instantOf(a).localeCompare(instantOf(b))), histories };
}

/** instantOf is when a proof speaks of: what was verified, or else what the file claims. */
export const instantOf = (one: Checked): string => one.verdict.statement?.instant ?? one.given.claims.instant ?? "";

/** asked has the second opinion on one proof. */
export async function asked(one: Checked, ask: Ask): Promise<void> {
  try {
    one.second = await ask(one.input);
  } catch (error) {
    one.second = { missing: error instanceof Error ? error.message : String(error) };
  }
}
