// The whole check of a customer's proof (SPEC part 8), and of a statement by itself.

import type { Amount, Input, LogPlace, Row, Verdict } from "../verdict.ts";
import type { Sum } from "./amount.ts";
import { checkBands } from "./bands.ts";
import { fromHex, malformed, Refusal, untrue, within } from "./canon.ts";
import { Checks, Unmade } from "./checks.ts";
import { checkCoverage, checkReserves, least } from "./coverage.ts";
import { approvers, type Envelope, readEnvelope, signers, withinLimits } from "./envelope.ts";
import { counted, type Found, readFindings } from "./findings.ts";
import { checkLedger, checkMarginTotals } from "./ledger.ts";
import { columnsOf, debtOf, relationOf, satisfies } from "./margin.ts";
import { hash, same } from "./octets.ts";
import { checkPlace, type Place, readPlace, stateOf, witnessedFor } from "./place.ts";
import { type Policy, readPolicy } from "./policy.ts";
import { climb, type Climb, placed, type Placed, type Proof, readProof } from "./proof.ts";
import { Generators } from "./rows.ts";
import { checkShard, checkShardList, checkTotals, type Shard } from "./shard.ts";
import { amountOf, shownStatement } from "./shown.ts";
import { checkSnapshot } from "./snapshot.ts";
import { checkExchange, checkMoment, checkSeries, owedOf, readStatement, type Statement } from "./statement.ts";

/**
 * verifyProof makes every check of a customer's proof. It reads no clock, network or storage. What cannot be read is a verdict too, never an exception. Several proofs of confidential trees are checked faster
 * with the same generators.
 */
export async function verifyProof(input: Input, generators = new Generators()): Promise<Verdict> {
  const run = new Run(input.policy);
  if (!run.policy) return run.verdict();
  return new ProofRun(run, run.policy, input, generators).verdict();
}

/** Report is a statement to be checked by itself: its envelope, and its place in a log where there is one. */
export interface Report {
  policy: Uint8Array;
  statement: Uint8Array;
  log?: { entry: Uint8Array; proof: Uint8Array };
  findings?: Uint8Array[];
  notices?: Uint8Array[];
}

/** verifyReport makes the checks of a statement that need no other file: its figures follow from each other. That they follow from the tree and from evidence, only a whole bundle shows. */
export async function verifyReport(report: Report): Promise<Verdict> {
  const run = new Run(report.policy);
  if (!run.policy) return run.verdict();
  run.place(report.log, hash(report.statement));
  run.checkSignature([], [["statement", report.statement]]);
  run.checkStatement();
  run.checkLog();
  run.checkFigures(run.policy);
  run.checkFindings(report.findings);
  run.tell(report.findings, report.notices);
  return run.verdict();
}

function unlessRefused<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (e) {
    if (e instanceof Refusal) return undefined;
    throw e;
  }
}

/** Run makes the checks of a signed statement. Without a policy that can be read none is made. */
class Run {
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
  place(log: Report["log"], about: Uint8Array): void {
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

  /** checkFigures makes what a statement's own figures show. */
  checkFigures(policy: Policy): void {
    const { checks } = this;
    const of = (): Statement => this.statement!;
    checks.make("bands", ["statement.format"], () => {
      checkBands(of(), policy);
      return `${of().bands.length} bands, each of other instants than the snapshot's; their lines only the whole report shows`;
    });
    checks.make("reserves.totals", ["statement.format"], () => {
      checkReserves(of());
      return "what counts follows from the stated groups; that those are the lines' only the whole report shows";
    });
    checks.make("coverage.stated", ["statement.format"], () => {
      checkCoverage(of());
      return "the stated coverage follows from the stated groups and liabilities; that those are true only the whole report shows";
    });
    if (policy.leastCoverage !== undefined)
      checks.make("coverage.policy", ["coverage.stated"], () => {
        if (least(of(), policy) !== "shown") throw new Unmade(true, "whether what counts by the policy's rule is confirmed, or attested by enough nodes, only the whole report shows");
        return `by the policy's rule every asset is covered to ${policy.leastCoverage} percent or more`;
      });
    checks.make("liabilities.ledger", ["statement.format"], () => {
      checkLedger(of());
      return `${of().ledger.entries} entries of ${of().ledger.customers} customers`;
    });
    if (this.statement?.snapshot.margin && this.statement.tree.surplus === undefined)
      checks.make("liabilities.margin", ["snapshot"], () => {
        checkMarginTotals(of());
        return "the totals satisfy the rule of margin accounts";
      });
  }

  /** checkFindings is made where findings are given. */
  checkFindings(files: readonly Uint8Array[] = []): void {
    if (files.length === 0) return;
    this.checks.make("findings", ["statement.format"], () =>
      readFindings(files, this.statement!.digest, this.trusted)
        .map(({ auditor, known }) => `${auditor}${known ? "" : ", whom the policy does not know"}`)
        .join("; "),
    );
  }

  /** tell reads what others say of the statement, as far as it verifies. */
  tell(findings: readonly Uint8Array[] = [], notices: readonly Uint8Array[] = []): void {
    const { statement, trusted: policy } = this;
    if (!statement) return;
    this.findings = findings.flatMap((file) => unlessRefused(() => readFindings([file], statement.digest, policy)) ?? []);
    const state = stateOf(statement.digest, notices, policy, policy.log);
    if (state) this.told.state = state;
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

/** ProofRun makes the checks of a proof around those of its statement. */
class ProofRun {
  private proof?: Proof;
  private placed?: Placed;
  private way?: Climb;
  private countedBy: Row["countedBy"] = "";

  constructor(
    private readonly run: Run,
    private readonly policy: Policy,
    private readonly input: Input,
    private readonly generators: Generators,
  ) {
    this.checkFormat();
    const { proof } = this;
    run.place(proof?.log, hash(proof?.envelope ?? input.statement ?? new Uint8Array(0)));
    run.checkSignature(["proof.format"], this.envelopes());
    run.checkStatement();
    run.checkLog();
    run.tell(input.findings, input.notices);
    this.checkProof();
  }

  private envelopes(): [string, Uint8Array][] {
    const files: [string, Uint8Array | undefined][] = [["the proof's envelope", this.proof?.envelope], ["the statement", this.input.statement]];
    return files.flatMap(([name, bytes]) => (bytes ? [[name, bytes]] : []));
  }

  private checkFormat(): void {
    this.run.checks.make("proof.format", [], () => {
      this.proof = within("the proof", () => readProof(this.input.proof));
      const { leaf, leaves, index, count } = this.proof.shard;
      return `leaf #${leaf} of ${leaves} in shard #${index} of ${count}`;
    });
  }

  private checkProof(): void {
    const { checks, statement } = this.run;
    checks.make("proof.statement", ["statement.format"], () => {
      this.placed = belongs(this.proof!, statement!);
      return `statement ${statement!.digest}`;
    });
    const margin = statement?.snapshot.margin !== undefined;
    if (margin)
      checks.make("proof.margin", ["proof.statement", "snapshot"], () => {
        if (!satisfies(relationOf(statement.snapshot)!, this.placed!.balances)) throw untrue("collateral less debts is not what the row has as net equity");
        return "by the statement's prices, the net equity is collateral less debts";
      });
    checks.make("proof.root", [...(margin ? ["proof.margin"] : []), "proof.statement", "snapshot", "statement.exchange"], () => {
      const signed = { root: statement!.tree.root, columns: columnsOf(statement!.snapshot), liabilities: owedOf(statement!) };
      this.way = climb(this.placed!, this.input.customer, signed, this.generators);
      return `root ${this.way.root}`;
    });
    if (statement?.tree.kind === "confidential") {
      this.checkCounted(statement);
      this.checkTotals(statement);
    } else if (this.way) this.countedBy = "sums";
  }

  /** checkCounted: a row that is committed to is counted if its shard's proof holds, as the shard's files show here or an auditor found. */
  private checkCounted(statement: Statement): void {
    const { leaves, proof } = this.shardFiles();
    this.run.checks.make("proof.counted", ["proof.root"], () => {
      if (leaves && proof) {
        checkShard(leaves, proof, this.shard(), statement, this.generators);
        this.countedBy = "sums";
        return `the proof of shard #${this.proof!.shard.index} holds over its ${this.proof!.shard.leaves} rows`;
      }
      if (leaves ?? proof) throw malformed("of the shard's leaves and its proof only one was given");
      const auditor = counted(readFindings(this.input.findings ?? [], statement.digest, this.policy), this.policy);
      if (auditor === undefined) throw new Unmade(this.policy.recompute, "nobody checked the proof of this customer's shard here: that the row is counted is the exchange's word");
      this.countedBy = { auditor };
      return `the auditor ${auditor} found that every shard's proof holds`;
    });
  }

  private shardFiles(): { leaves: Uint8Array | undefined; proof: Uint8Array | undefined } {
    const path = `liabilities/shard-${String(this.proof?.shard.index ?? 0).padStart(5, "0")}`;
    return { leaves: this.input.files?.[`${path}.leaves`], proof: this.input.files?.[`${path}.proof`] };
  }

  /** shard is the customer's, as the way to the root came by it. */
  private shard(): Shard {
    const { shard, tree } = this.proof!;
    if (tree.kind !== "confidential") throw malformed("a plain tree has no rows that are committed to");
    return { index: shard.index, leaves: shard.leaves, root: fromHex(this.way!.shardRoot), total: tree.total };
  }

  /** checkTotals is made where the reader has the top's files. */
  private checkTotals(statement: Statement): void {
    const { checks } = this.run;
    const [list, proof] = [this.input.files?.["liabilities/shards.json"], this.input.files?.["liabilities/top.proof"]];
    if (!list && !proof) return;
    let shards: Shard[] = [];
    checks.make("liabilities.root", ["proof.statement"], () => {
      if (!list) throw malformed("liabilities/shards.json is missing beside the top's proof");
      shards = checkShardList(list, statement);
      return `${statement.tree.leaves} leaves in ${shards.length} shards give root ${statement.tree.root}`;
    });
    checks.make("liabilities.totals", ["liabilities.root", "snapshot"], () => {
      if (!proof) throw malformed("liabilities/top.proof is missing beside the shard list");
      checkTotals(shards, proof, statement, this.generators);
      return "the shards' total rows add up to what the statement says";
    });
  }

  verdict(): Verdict {
    const verdict = this.run.verdict();
    return this.way ? { ...verdict, row: this.row(this.way, this.run.statement!) } : verdict;
  }

  private row({ leaf, shardRoot, root, path, top }: Climb, { snapshot }: Statement): Row {
    const { shard } = this.proof!;
    return { ...owedAndOwing(this.placed!.balances, snapshot), shard, path, top, leaf, shardRoot, root, countedBy: this.countedBy };
  }
}

/** belongs is the check `proof.statement`: the proof is for this statement, and its sums are in its columns. */
function belongs(proof: Proof, statement: Statement): Placed {
  if (proof.statement !== statement.digest) throw untrue("the proof is for another statement");
  if (proof.snapshot !== statement.snapshot.id) throw untrue("the proof is for another snapshot");
  if (proof.tree.kind !== statement.tree.kind) throw untrue("the proof is of another kind than the statement's tree");
  if (proof.shard.count !== statement.tree.shards) throw untrue("the proof is of another number of shards than the statement's tree");
  return placed(proof, columnsOf(statement.snapshot));
}

function owedAndOwing(balances: Sum, snapshot: Statement["snapshot"]): Pick<Row, "balances" | "debts"> {
  const names = columnsOf(snapshot);
  const decimals = new Map(snapshot.assets.map((asset) => [asset.id, asset.decimals]));
  const amounts = (assetOf: (column: string) => string | undefined): Amount[] =>
    balances.flatMap(({ column, amount }) => {
      const asset = assetOf(names[column]!);
      const places = asset === undefined ? undefined : decimals.get(asset);
      return asset === undefined || places === undefined ? [] : amountOf(asset, amount, places);
    });
  return { balances: amounts((name) => name), debts: amounts(debtOf) };
}

