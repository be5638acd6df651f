// The whole check of a customer's proof (SPEC part 8).

import type { Amount, Input, Row, Verdict } from "../verdict.ts";
import type { Sum } from "./amount.ts";
import { fromHex, malformed, untrue, within } from "./canon.ts";
import { Unmade } from "./checks.ts";
import { counted, readFindings } from "./findings.ts";
import { columnsOf, debtOf, relationOf, satisfies } from "./margin.ts";
import { hash } from "./octets.ts";
import type { Policy } from "./policy.ts";
import { climb, type Climb, placed, type Placed, type Proof, readProof } from "./proof.ts";
import { Generators } from "./rows.ts";
import { Run } from "./run.ts";
import { checkShard, checkShardList, checkTotals, type Shard } from "./shard.ts";
import { amountOf } from "./shown.ts";
import { owedOf, type Statement } from "./statement.ts";

/**
 * verifyProof makes every check of a customer's proof. It reads no clock, network or storage. What cannot be read is a verdict too, never an exception. Several proofs of confidential trees are checked faster
 * with the same generators.
 */
export async function verifyProof(input: Input, generators = new Generators()): Promise<Verdict> {
  const run = new Run(input.policy);
  if (!run.policy) return run.verdict();
  return new ProofRun(run, run.policy, input, generators).verdict();
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

