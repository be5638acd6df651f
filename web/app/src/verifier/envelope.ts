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

/** approvers is the check `statement.approvals`: the keys that approved. A key that is an auditor's by the policy approves nothing. */
export function approvers(envelope: Envelope, { approvals, issued }: Statement, policy: Policy, shown: string | undefined): Key[] {
  const { keys, required } = approvals;
  if (required > keys.length || (required === 0) !== (keys.length === 0)) throw untrue(`${required} of ${keys.length} keys must approve: that is no rule`);
  if (keys.some((key) => has(policy.keys, key.id))) throw untrue("a key of the exchange is among the approvers");
  const message = signedMessage(envelope);
  const signed = envelope.signatures
    .filter(({ keyid }) => !has(policy.keys, keyid))
    .map(({ keyid, signature }) => {
      const key = keys.find(({ id }) => id === keyid);
      if (!key) throw untrue(`the signature by ${keyid} is neither the exchange's nor an approver's`);
      if (!verifies(key, message, signature)) throw untrue(`the approval by key ${keyid} does not verify`);
      return key;
    });
  const approved = signed.filter(({ id }) => !policy.auditors.some((auditor) => has(auditor.keys, id)));
  if (approved.length < required) throw untrue(`${approved.length} approved; ${required} must`);
  if (policy.approvals) {
    const trusted = policy.approvals;
    const believed = approved.filter((key) => has(trusted.keys, key.id) && limited(policy, key, issued, shown) === undefined);
    if (believed.length < trusted.required) throw untrue(`${believed.length} approved with a key that the policy believes; it asks for ${trusted.required}`);
  }
  return approved;
}

const has = (keys: readonly Key[], id: string): boolean => keys.some((key) => key.id === id);
