// The two files that a customer takes away. Neither holds the customer's id; what proves in them is what the exchange signed.
import type { Verdict } from "../verdict.ts";
import type { Given } from "./given.ts";
import type { Outcome } from "./outcome.ts";

const decode = (bytes: Uint8Array | undefined): string | undefined => bytes && new TextDecoder().decode(bytes);

/** Kept is what a check was made of. */
export interface Kept {
  proof: Given;
  policy: Uint8Array;
  statement?: Uint8Array | undefined;
  verdict: Verdict;
  outcome: Outcome;
  agreed?: boolean | undefined; // by the second opinion; absent: there was none
  at: string; // by the device's clock
}

/** receipt is what a customer keeps of a check, to make it again in ten years. */
export function receipt(kept: Kept): string {
  return pretty({
    type: "assay/v1/page-receipt",
    page: pageVersion(),
    made: kept.at,
    result: kept.outcome.result,
    agreed: kept.agreed,
    verdict: kept.verdict,
    proof: decode(kept.proof.bytes),
    statement: decode(kept.statement),
    policy: decode(kept.policy),
    answer: kept.proof.claims.answer,
  });
}

/** Complaint is what the customer chooses to add. */
export interface Complaint {
  words?: string | undefined;
  held?: { asset: string; amount: string }[] | undefined;
}

/** complaint is what shows the exchange's own claim to somebody else. */
export function complaint(kept: Kept, added: Complaint): string {
  return pretty({
    type: "assay/v1/complaint",
    page: pageVersion(),
    made: kept.at,
    result: kept.outcome.result,
    failed: kept.verdict.checks.filter((check) => check.result === "fail"),
    policy: kept.verdict.policy,
    signers: kept.verdict.signers,
    proof: decode(kept.proof.bytes),
    statement: decode(kept.statement),
    answer: kept.proof.claims.answer,
    words: added.words || undefined,
    held: added.held?.length ? added.held : undefined,
  });
}

/** pageVersion names this page by the digest of its script, which its own policy (CSP) holds it to. */
export function pageVersion(): string {
  const policy = document.querySelector<HTMLMetaElement>("meta[http-equiv]")?.content ?? "";
  return /script-src '([^']+)'/.exec(policy)?.[1] ?? "";
}

const pretty = (value: unknown): string => JSON.stringify(value, undefined, 2) + "\n";
