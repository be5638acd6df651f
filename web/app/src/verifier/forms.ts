// Text forms of chains, tokens, blocks and grades (SPEC parts 2, 3 and 15). Of addresses the spelling is read; that one stands for its bytes is the evidence's to show.

import { integer, malformed, matching, oneOf, record, time, type Reader } from "./canon.ts";

const base58 = "[1-9A-HJ-NP-Za-km-z]";
const number = "(?:0|[1-9][0-9]{0,19})";
const chainForm = `(?:eip155:${number}|bip122:[0-9a-f]{32}|tron:0x[0-9a-f]{8}|solana:${base58}{32}|xrpl:${number})`;

export const assetId = matching(/^[A-Z0-9.#-]{1,32}$/, "an asset id: 1 to 32 of A-Z 0-9 . # -");
export const chain = matching(new RegExp(`^${chainForm}$`), "a chain");
export const token = matching(
  new RegExp(`^(?:${chainForm}/slip44:${number}|eip155:${number}/(?:staked:${number}|erc20:0x[0-9a-f]{40})|tron:0x[0-9a-f]{8}/trc20:${base58}{1,44}|solana:${base58}{32}/token:${base58}{1,44})$`),
  "a token",
);

export const chainOf = (token: string): string => token.slice(0, token.indexOf("/"));
export const isNative = (token: string): boolean => token.includes("/slip44:");
export const isStaked = (token: string): boolean => token.includes("/staked:");
export const isErc20 = (token: string): boolean => token.includes("/erc20:");

const hashForms: Record<string, RegExp> = {
  eip155: /^0x[0-9a-f]{64}$/,
  bip122: /^[0-9a-f]{64}$/,
  tron: /^[0-9a-f]{64}$/,
  solana: new RegExp(`^${base58}{32,44}$`),
  xrpl: /^[0-9A-F]{64}$/,
};

/** blockHash reads a block's hash as the tools of its chain print it. */
export function blockHash(chain: string): Reader<string> {
  return matching(hashForms[chain.slice(0, chain.indexOf(":"))]!, "a block hash of this chain");
}

/** Block is a block of a chain (SPEC part 3). */
export interface Block {
  chain: string;
  hash: string;
  number: number;
  time: string;
}

export const block: Reader<Block> = record((fields) => {
  const at = fields.read("chain", chain);
  return { chain: at, hash: fields.read("hash", blockHash(at)), number: fields.read("number", integer()), time: fields.read("time", time) };
});

/** evidenceGrades stand weakest first. */
export const evidenceGrades = ["claimed", "node-attested", "inclusion-proved", "filter-checked", "state-proved", "header-trusted"] as const;
export const controlGrades = ["none", "static", "bound", "script", "owner-proved", "contract-attested", "spend", "custodian-statement"] as const;
export const tokenClasses = ["native", "issued", "wrapped", "staked", "own"] as const;
export const custodies = ["own-hot", "own-cold", "own-other"] as const;

export type EvidenceGrade = (typeof evidenceGrades)[number];

/** Rule says which reserves count (SPEC part 15). */
export interface Rule {
  classes: readonly string[];
  control: readonly string[];
  evidence: EvidenceGrade;
}

export const reaches = (grade: EvidenceGrade, least: EvidenceGrade): boolean => evidenceGrades.indexOf(grade) >= evidenceGrades.indexOf(least);

export const evidenceGrade = oneOf(evidenceGrades);
export const controlGrade = oneOf(controlGrades);
export const tokenClass = oneOf(tokenClasses);

/** distinct refuses a list that holds an entry twice. */
export function distinct<T>(reader: Reader<T[]>, key: (item: T) => string): Reader<T[]> {
  return (value, path) => {
    const items = reader(value, path);
    const seen = new Set<string>();
    items.forEach((item, i) => {
      if (seen.has(key(item))) throw malformed(`${path}[${i}] stands twice`);
      seen.add(key(item));
    });
    return items;
  };
}
