// What a verifier says of a customer's proof (SPEC part 17), in the words of `assay-verify proof --json`: the same names mean the same things.

/** Result of one check: skipped means that it was not made, never that it passed. */
export type Result = "pass" | "fail" | "skipped";

/** Check is one named check of the SPEC. One that is not required may be skipped in a proven verdict. */
export interface Check {
  name: string;
  result: Result;
  required: boolean;
  detail: string; // a sentence in English, for the curious
}

/** Input is what a customer's check needs. customer is what the person typed, never anything from a file. */
export interface Input {
  proof: Uint8Array;
  policy: Uint8Array; // the text of a trust policy (SPEC part 16)
  customer: string;
  statement?: Uint8Array; // an envelope beside the proof
  findings?: Uint8Array[]; // auditors' envelopes (SPEC part 27)
  files?: Readonly<Record<string, Uint8Array>>; // of a confidential tree, by path as in a bundle: leaves and proof of the customer's shard, the shard list and the top's proof
  notices?: Uint8Array[]; // entries with their place in a log, {"entry","proof"} as in a proof's `log`: withdrawals, superseding statements, errata
}

/** Verdict is proven only if every required check was made and passed. exit is SPEC part 17's code. */
export interface Verdict {
  proven: boolean;
  exit: 0 | 1 | 3 | 4;
  checks: Check[];
  policy: string; // the policy's digest, hex
  signers: string[]; // ids of the keys that signed for the exchange
  statement?: Statement; // once statement.format passed
  row?: Row; // once proof.root passed
  log?: LogPlace; // where the proof shows one and the policy knows the log
  state?: State; // what the notices show, once verified; absent: they show nothing
  unheard?: number; // how many notices show nothing whatever they say: this policy does not believe them
  findings: Finding[];
}

export interface Statement {
  digest: string;
  exchange: string;
  entity: string;
  period: string;
  instant: string;
  issued: string;
  series: string;
  number: number;
  previous?: string;
  supersedes?: string;
  kind: "plain" | "confidential";
  hiddenTotals: boolean;
  leaves: number;
  shards: number;
  root: string;
  included: string[];
  excluded: string[];
  encumbrances: string;
  coverage: Coverage[];
}

/** Amounts are decimal texts of whole assets, exact; base is the same in the asset's smallest unit. */
export interface Amount {
  asset: string;
  amount: string;
  base: string;
  decimals: number;
}

export interface Coverage {
  asset: string;
  decimals: number;
  counted: string; // of the reserves, decimal text
  liabilities?: string; // absent: hidden
  atMost?: string; // with hidden totals
  coverage?: string; // percent, floored; absent where nothing is owed or totals are hidden
  shortfall?: string;
}

/** Row is the customer's place under the signed root. */
export interface Row {
  balances: Amount[]; // what the customer is owed; empty: a row with nothing
  debts: Amount[]; // of margin accounts
  shard: { index: number; count: number; leaf: number; leaves: number };
  path: Step[]; // from the leaf to the shard's root, lowest first
  top: Step[]; // from the shard's root to the signed root
  leaf: string; // hash, hex
  shardRoot: string;
  root: string;
  /** who checked that the row is counted in the totals: this verifier, by the sums along the path (plain) or those of the shard's files (confidential), or an auditor's name whose finding the policy believes; empty: nobody did */
  countedBy: "" | "sums" | { auditor: string };
}

export interface Step {
  side: "left" | "right"; // on which side the sibling stands
  sibling: string; // its hash, hex
  joined: string; // hash of the node above, hex
}

export interface LogPlace {
  origin: string;
  index: number;
  size: number;
  witnesses: string[];
  witnessed?: string; // time, if the policy asks for a quorum
}

export interface State {
  state: "withdrawn" | "superseded" | "erratum";
  text: string; // reason
  issued: string;
  by?: string; // digest of the statement that supersedes
}

export interface Finding {
  auditor: string;
  known: boolean; // the policy has this auditor
  scope: string;
  failed: string[]; // checks of theirs that did not pass
}
