// DSSE envelopes (SPEC part 10), and who signed a statement (part 23).

import { ascending, base64, bytesOf, Fields, hex32, malformed, parse, record, text, untrue } from "./canon.ts";
import { type Key, verifies } from "./keys.ts";
import { limited, type Policy } from "./policy.ts";
import type { Statement } from "./statement.ts";

const maxEnvelope = 24 << 20;
const maxSignatures = 32;

export const statementPayload = "application/vnd.in-toto+json";

export interface Envelope {
  payload: Uint8Array;
  payloadType: string;
  signatures: readonly { keyid: string; signature: Uint8Array }[];
}

export function readEnvelope(bytes: Uint8Array): Envelope {
  const fields = Fields.of(parse(bytes, maxEnvelope), "");
  const signatures = fields.list("signatures", record((each) => ({ keyid: each.read("keyid", hex32), signature: each.read("sig", base64) })), maxSignatures, 1);
  ascending(signatures, "signatures", ({ keyid }) => keyid);
  const envelope = { payload: fields.read("payload", base64), payloadType: fields.read("payloadType", text()), signatures };
  fields.end();
  return envelope;
}

/** signedMessage is PAE, what every signature of an envelope is over. */
export function signedMessage({ payload, payloadType }: Envelope): Uint8Array {
  const head = bytesOf(`DSSEv1 ${bytesOf(payloadType).length} ${payloadType} ${payload.length} `);
  const message = new Uint8Array(head.length + payload.length);
  message.set(head);
  message.set(payload, head.length);
  return message;
}

/** signers is the check `statement.signature` but for the limits of keys: the exchange's keys that signed. */
export function signers(envelope: Envelope, policy: Policy): Key[] {
  if (envelope.payloadType !== statementPayload) throw malformed(`payloadType is not ${statementPayload}`);
  const message = signedMessage(envelope);
  const keys = envelope.signatures.flatMap(({ keyid, signature }) => {
    const key = policy.keys.find(({ id }) => id === keyid);
    if (key && !verifies(key, message, signature)) throw untrue(`the signature by key ${keyid} does not verify`);
    return key ?? [];
  });
  if (keys.length === 0) throw untrue("no signature is by a key that the policy has of the exchange");
  return keys;
}

/** withinLimits refuses keys that may not have signed what was issued then; shown is the earliest time at which evidence shows the signatures. */
export function withinLimits(keys: readonly Key[], policy: Policy, issued: string, shown: string | undefined): void {
  for (const key of keys) {
    const why = limited(policy, key, issued, shown);
    if (why !== undefined) throw untrue(why);
  }
}

/** approvers is the check `statement.approvals`: the keys that approved, and how many of them the policy asked for. */
export function approvers(envelope: Envelope, { approvals, issued }: Statement, policy: Policy, shown: string | undefined): { keys: Key[]; believed: number } {
  const { keys, required } = approvals;
  if (required > keys.length || (required === 0) !== (keys.length === 0)) throw untrue(`${required} of ${keys.length} keys must approve: that is no rule`);
  if (keys.some(({ id }) => policy.keys.some((key) => key.id === id))) throw untrue("a key of the exchange is among the approvers");
  const message = signedMessage(envelope);
  const approved = envelope.signatures.flatMap(({ keyid, signature }) => {
    if (policy.keys.some(({ id }) => id === keyid)) return [];
    const key = keys.find(({ id }) => id === keyid);
    if (!key) throw untrue(`the signature by ${keyid} is neither the exchange's nor an approver's`);
    if (!verifies(key, message, signature)) throw untrue(`the approval by key ${keyid} does not verify`);
    return key;
  });
  if (approved.length < required) throw untrue(`${approved.length} approved; ${required} must`);
  if (!policy.approvals) return { keys: approved, believed: 0 };
  const believed = approved.filter(({ text }) => policy.approvals!.keys.some((key) => key.text === text));
  withinLimits(believed, policy, issued, shown);
  if (believed.length < policy.approvals.required) throw untrue(`${believed.length} approved whom the policy names; it asks for ${policy.approvals.required}`);
  return { keys: approved, believed: believed.length };
}
