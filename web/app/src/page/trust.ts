// A policy out of what a person knows: an exchange's name and its key (SPEC part 16).
import { readPolicy } from "../verifier/policy.ts";

const keyForm = /^(ed25519:[0-9a-f]{64}|p256:0[23][0-9a-f]{64})$/;

/** keyIn finds the text of a public key in what was pasted. */
export function keyIn(pasted: string): string | undefined {
  const text = pasted.trim().toLowerCase();
  return keyForm.test(text) ? text : undefined;
}

/** policyOf writes a policy. strict: somebody must have checked that a row of a confidential tree is counted. */
export function policyOf(exchange: string, key: string, strict: boolean): string {
  return `version = 1

[exchange]
name = ${quoted(exchange)}
keys = ["${key}"]

[evidence]
least = "inclusion-proved"
control = ["bound", "owner-proved", "script", "spend"]
classes = ["issued", "native"]
window = "2h"
anchored = false

[liabilities]
recompute = ${strict}
`;
}

// A basic string of TOML is one of JSON, but that U+007F must be escaped too.
const quoted = (text: string): string => JSON.stringify(text).replace(/\u007f/g, "\\u007f");

export interface PolicyFacts {
  exchange: string;
  keys: string[]; // ids, as signatures name them
  asks: string[]; // keys of the texts
}

/** factsOf is what a policy says, or why it cannot be read. */
export function factsOf(bytes: Uint8Array): PolicyFacts | { refused: string } {
  try {
    const { exchange, keys, recompute, finding, log, approvals } = readPolicy(bytes);
    const asks = [recompute && "counted", recompute && finding && "finding", log?.required && "log", log && log.quorum > 0 && "quorum", approvals && "approvals"].filter((one) => typeof one === "string");
    return { exchange, keys: keys.map((key) => key.id), asks: asks.length === 0 ? ["nothing"] : asks };
  } catch (error) {
    return { refused: error instanceof Error ? error.message : String(error) };
  }
}
