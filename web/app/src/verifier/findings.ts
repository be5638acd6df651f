// What auditors found (SPEC part 27).

import type { Finding } from "../verdict.ts";
import { ascending, Fields, hex32, malformed, matching, oneOf, parse, printable, record, text, time, untrue, version, within } from "./canon.ts";
import { readEnvelope, signedMessage, statementPayload, withinLimits } from "./envelope.ts";
import { type Key, publicKey, verifies } from "./keys.ts";
import type { Policy } from "./policy.ts";

const maxFinding = 1 << 20;
const maxTexts = 256;

/** Found is a finding that verified. recomputed: the auditor's own verifier came by every row, by `liabilities.full`. */
export interface Found extends Finding {
  recomputed: boolean;
}

/** readFindings is the check `findings`, of a statement with this digest. */
export function readFindings(files: readonly Uint8Array[], statement: string, policy: Policy): Found[] {
  return files.map((file, i) => within(`finding ${i + 1}`, () => readFinding(file, statement, policy)));
}

/** counted says which auditor of the policy checked that a row counts (SPEC part 29, check `proof.counted`). */
export function counted(findings: readonly Found[], { recompute, finding }: Policy): string | undefined {
  return recompute && !finding ? undefined : findings.find(({ known, recomputed }) => known && recomputed)?.auditor;
}

function readFinding(file: Uint8Array, statement: string, policy: Policy): Found {
  if (file.length > maxFinding) throw malformed(`has ${file.length} bytes; at most ${maxFinding} are read`);
  const envelope = readEnvelope(file);
  if (envelope.payloadType !== statementPayload) throw malformed(`payloadType is not ${statementPayload}`);
  if (envelope.signatures.length !== 1) throw malformed(`there are ${envelope.signatures.length} signatures; a finding has one`);
  const { keyid, signature } = envelope.signatures[0]!;
  const said = readPayload(envelope.payload);
  if (said.subject !== statement) throw untrue("it is about another statement");
  if (said.key.id !== keyid || !verifies(said.key, signedMessage(envelope), signature)) throw untrue("its signature is not by its key, or does not verify");
  const auditor = policy.auditors.find(({ name }) => name === said.auditor);
  if (auditor) {
    const key = auditor.keys.find(({ id }) => id === keyid);
    if (!key) throw untrue(`it is signed by none of the keys that the policy has of ${said.auditor}`);
    withinLimits([key], policy, said.issued, undefined);
  }
  const failed = said.checks.filter(({ result }) => result !== "pass").map(({ name }) => name);
  const recomputed = said.checks.some(({ name, result }) => name === "liabilities.full" && result === "pass");
  return { auditor: said.auditor, known: auditor !== undefined, scope: said.scope, failed, recomputed };
}

interface Said {
  subject: string;
  auditor: string;
  checks: { name: string; result: "pass" | "fail" | "skipped" }[];
  issued: string;
  key: Key;
  scope: string;
}

function readPayload(payload: Uint8Array): Said {
  const file = Fields.of(parse(payload, maxFinding), "");
  version(file.read("predicateType", text()), "https://github.com/assay-por/assay/finding/v1", "predicateType");
  file.read("_type", oneOf(["https://in-toto.io/Statement/v1"]));
  const subject = file.list("subject", record(named), 1, 1)[0]!;
  const said = file.read("predicate", record(predicate));
  file.end();
  return { subject, ...said };
}

function named(fields: Fields): string {
  fields.read("name", oneOf(["statement"]));
  return fields.read("digest", record((digest) => digest.read("sha256", hex32)));
}

function predicate(fields: Fields): Omit<Said, "subject"> {
  const check = record((each) => ({ name: each.read("name", matching(/^[\x21-\x7e]{1,128}$/, "1 to 128 printable ASCII characters without blanks")), result: each.read("result", oneOf(["pass", "fail", "skipped"] as const)) }));
  const checks = fields.list("checks", check);
  ascending(checks, fields.at("checks"), ({ name }) => name);
  fields.list("findings", text(1, 4096), maxTexts);
  fields.list("procedures", text(1, 4096), maxTexts, 1);
  fields.read("policy", hex32);
  fields.read("tool", printable);
  return { auditor: fields.read("auditor", printable), checks, issued: fields.read("issued", time), key: fields.read("key", publicKey), scope: fields.read("scope", text(1, 4096)) };
}
