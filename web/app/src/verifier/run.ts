// The checks of a signed statement (SPEC parts 9, 10, 23 to 27), which a proof, a report and a history begin with.

import type { LogPlace, Verdict } from "../verdict.ts";
import { malformed, Refusal, untrue, within } from "./canon.ts";
import { Checks, Unmade } from "./checks.ts";
import { approvers, type Envelope, readEnvelope, signers, withinLimits } from "./envelope.ts";
import { type Found, readFindings } from "./findings.ts";
import { hash, same } from "./octets.ts";
import { checkPlace, heard, type Place, readPlace, stateOf, witnessedFor } from "./place.ts";
import { type Policy, readPolicy } from "./policy.ts";
import { shownStatement } from "./shown.ts";
import { checkSnapshot } from "./snapshot.ts";
import { checkExchange, checkMoment, checkSeries, readStatement, type Statement } from "./statement.ts";

/** Run makes the checks of a signed statement. Without a policy that can be read none is made. */
export class Run {
  readonly checks = new Checks();
  readonly policy?: Policy;
  statement?: Statement;
  findings: Found[] = [];
  private unread?: Refusal;
  private signedBy: string[] = [];
  private envelopes: { envelope: Envelope; digest: Uint8Array }[] = [];
  private stands?: Place;
  private unplaced?: Refusal;
  private about?: Uint8Array; // H of the envelope that the entry must be about
  private told: Partial<Verdict> = {};

  constructor(policy: Uint8Array) {
    try {
      this.policy = readPolicy(policy);
    } catch (e) {
      if (!(e instanceof Refusal)) throw e;
      this.checks.make("policy", [], () => {
        throw e;
      });
    }
  }

  private get trusted(): Policy {
    return this.policy!;
  }

  /** place reads the statement's place in a log, before anything of the statement is read: it may be what dates a signature. */
  place(log: { entry: Uint8Array; proof: Uint8Array } | undefined, about: Uint8Array): void {
    if (!log) return;
    this.about = about;
    try {
      this.stands = readPlace(log.entry, log.proof, this.trusted.log);
    } catch (e) {
      if (!(e instanceof Refusal)) throw e;
      this.unplaced = e;
    }
  }

  /** checkSignature is made of each envelope given; all have one payload. */
  checkSignature(rests: readonly string[], files: readonly (readonly [string, Uint8Array])[]): void {
    this.checks.make("statement.signature", rests, () => {
      if (files.length === 0) throw malformed("the proof does not hold the signed statement, and none was given beside it");
      for (const [name, bytes] of files) within(name, () => this.verifyEnvelope(bytes));
      return `by key ${this.signedBy.join(", ")}`;
    });
  }

  private verifyEnvelope(bytes: Uint8Array): void {
    const envelope = readEnvelope(bytes);
    const keys = signers(envelope, this.trusted);
    const digest = hash(bytes);
    const first = this.envelopes[0]?.envelope;
    if (first) {
      if (!same(first.payload, envelope.payload)) throw untrue("the statement in the proof and the one beside it are not the same");
    } else this.readPayload(envelope.payload);
    if (this.statement) withinLimits(keys, this.trusted, this.statement.issued, this.shownBy(digest));
    this.signedBy = keys.map(({ id }) => id);
    this.envelopes.push({ envelope, digest });
  }

  private readPayload(payload: Uint8Array): void {
    try {
      this.statement = readStatement(payload);
    } catch (e) {
      if (!(e instanceof Refusal)) throw e;
      this.unread = e;
    }
  }

  /** shownBy is the time before which witnesses saw the signatures of an envelope. */
  private shownBy(digest: Uint8Array): string | undefined {
    return this.stands && witnessedFor(this.stands, digest);
  }

  /** checkStatement makes `statement.*` and `snapshot`. */
  checkStatement(): void {
    const { checks, trusted: policy } = this;
    const format = ["statement.format"];
    const passed = checks.make("statement.format", ["statement.signature"], () => {
      if (this.unread) throw this.unread;
      return `statement ${this.statement!.digest}`;
    });
    if (!passed) delete this.statement;
    const of = (): Statement => this.statement!;
    checks.make("statement.exchange", format, () => {
      checkExchange(of(), policy);
      return of().snapshot.exchange.name;
    });
    checks.make("snapshot", format, () => {
      const { assets, blocks, draw, instant } = of().snapshot;
      checkSnapshot(of().snapshot, policy);
      return `${instant}, ${assets.length} assets on ${blocks.length} chains${draw ? ", the instant drawn" : ""}`;
    });
    checks.make("statement.approvals", format, () => {
      const { keys, required } = of().approvals;
      const approved = this.envelopes.map(({ envelope, digest }) => approvers(envelope, of(), policy, this.shownBy(digest)));
      return keys.length === 0 ? "nobody approved: the statement is unattended" : `${approved.at(-1)!.length} of ${keys.length} approved, ${required} had to`;
    });
    checks.make("statement.series", format, () => {
      checkSeries(of());
      return `number ${of().series.number} of the series ${of().series.name}`;
    });
    checks.make("statement.moment", format, () => {
      const { blocks, checkpoint } = of().moment;
      checkMoment(of(), policy, this.stands);
      return blocks.length === 0 && !checkpoint ? "it names nothing that would date it" : "what it names was there before it";
    });
  }

  /** checkLog is required where a place in a log is shown, or the policy asks for one. */
  checkLog(): void {
    const shown = this.stands ?? this.unplaced;
    const required = shown !== undefined || this.trusted.log?.required === true;
    this.checks.make("log", required ? ["statement.format"] : [], () => {
      if (!required) throw new Unmade(false, "no place in a log is shown, and the policy requires none");
      if (!shown) throw malformed("the statement's place in a log is missing, and the policy requires it");
      if (this.unplaced) throw this.unplaced;
      const { known, origin, index, size, witnesses, witnessed } = this.stands!;
      checkPlace(this.stands!, this.statement!, this.about!, this.trusted);
      if (known) this.told.log = { origin, index, size, witnesses, ...(witnessed === undefined ? {} : { witnessed }) } satisfies LogPlace;
      return `entry ${index} of ${size} in the log ${origin}, ${known ? `seen by ${witnesses.join(", ") || "no witness"}` : "which the policy does not know"}`;
    });
  }

  /** tell reads what others say of the statement, as far as it verifies. */
  tell(findings: readonly Uint8Array[] = [], notices: readonly Uint8Array[] = []): void {
    const { statement, trusted: policy } = this;
    if (!statement) return;
    this.findings = findings.flatMap((file) => unlessRefused(() => readFindings([file], statement.digest, policy)) ?? []);
    const believed = heard(notices, policy);
    const state = stateOf(statement.digest, believed);
    if (state) this.told.state = state;
    if (believed.length < notices.length) this.told.unheard = notices.length - believed.length;
  }

  verdict(): Verdict {
    return {
      ...this.checks.outcome(),
      policy: this.policy?.digest ?? "",
      signers: this.signedBy,
      ...(this.statement ? { statement: shownStatement(this.statement) } : {}),
      ...this.told,
      findings: this.findings.map(({ auditor, known, scope, failed }) => ({ auditor, known, scope, failed })),
    };
  }
}

function unlessRefused<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (e) {
    if (e instanceof Refusal) return undefined;
    throw e;
  }
}

