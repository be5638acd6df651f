// The snapshot: the instant that a report speaks of (SPEC part 3), how it was drawn (part 21), and the prices of margin accounts (part 30).

import { ascending, bytesOf, canonical, decimal, type Fields, fromHex, hex32, integer, list, malformed, matching, oneOf, printable, record, secondsOf, text, time, timeOf, toHex, untrue, type Reader, type Value } from "./canon.ts";
import { assetId, type Block, block, blockHash, chain, chainOf, isNative, isStaked, token, tokenClass, type tokenClasses } from "./forms.ts";
import { columnsOf, relationOf } from "./margin.ts";
import { same, tagged, unsigned } from "./octets.ts";
import { anchored, type Policy } from "./policy.ts";

const maxAssets = 1024;
const maxTokens = 64;
const maxDecimals = 36;
const maxChains = maxAssets * maxTokens;

export interface Snapshot {
  assets: readonly Asset[];
  blocks: readonly Block[];
  draw?: Draw;
  exchange: { entity: string; name: string };
  id: string;
  instant: string;
  kind: "plain" | "confidential";
  margin?: Margin;
  period: string;
  hashed: string; // the canonical JSON that the id covers
}

export interface Asset {
  id: string;
  decimals: number;
  tokens: readonly { id: string; class: (typeof tokenClasses)[number]; decimals: number }[];
}

interface Draw extends Pick<Block, "chain" | "hash" | "number"> {
  commitment: string;
  from: string;
  seed: string;
  to: string;
}

export interface Margin {
  currency: string;
  source: string;
  prices: readonly { asset: string; price: string; weight: number }[];
}

export const treeKind = oneOf(["plain", "confidential"] as const);

export const blocks: Reader<Block[]> = (value, path) => {
  const read = list(block, maxChains)(value, path);
  ascending(read, path, ({ chain }) => chain);
  return read;
};

export const period = matching(/^[A-Za-z0-9.-]{1,32}$/, "1 to 32 of A-Z a-z 0-9 . -");

export const snapshot: Reader<Snapshot> = (value, path) =>
  record((fields) => {
    const read: Snapshot = {
      assets: fields.list("assets", asset, maxAssets, 1),
      blocks: fields.read("blocks", blocks),
      exchange: fields.read("exchange", exchange),
      id: fields.read("id", hex32),
      instant: fields.read("instant", time),
      kind: fields.read("kind", treeKind),
      period: fields.read("period", period),
      hashed: covered(value),
    };
    const draw = fields.optional("draw", record(drawn));
    if (draw) read.draw = draw;
    const margin = fields.optional("margin", record(priced));
    if (margin) read.margin = margin;
    return read;
  })(value, path);

/** covered leaves out what the id does not cover. */
function covered(value: Value): string {
  return canonical(new Map([...(value as ReadonlyMap<string, Value>)].filter(([key]) => key !== "id" && key !== "blocks")));
}

const asset: Reader<Asset> = record((fields) => {
  const decimals = fields.read("decimals", integer(maxDecimals));
  const tokens = fields.list(
    "tokens",
    record((each) => ({ id: each.read("id", token), class: each.read("class", tokenClass), decimals: each.read("decimals", integer(decimals)) })),
    maxTokens,
  );
  ascending(tokens, fields.at("tokens"), ({ id }) => id);
  return { id: fields.read("id", assetId), decimals, tokens };
});

const exchange = record((fields) => {
  fields.optional("lei", matching(/^[A-Z0-9]{20}$/, "20 of A-Z 0-9"));
  fields.optional("url", text(1, 2048));
  return { entity: fields.read("entity", text(1, 256)), name: fields.read("name", printable) };
});

function drawn(fields: Fields): Draw {
  const of = fields.read("chain", chain);
  return {
    chain: of,
    hash: fields.read("hash", blockHash(of)),
    number: fields.read("number", integer()),
    commitment: fields.read("commitment", hex32),
    from: fields.read("from", time),
    seed: fields.read("seed", hex32),
    to: fields.read("to", time),
  };
}

function priced(fields: Fields): Margin {
  return {
    currency: fields.read("currency", matching(/^[A-Z0-9]{1,16}$/, "1 to 16 of A-Z 0-9")),
    source: fields.read("source", text(1, 256)),
    prices: fields.list("prices", record((each) => ({ asset: each.read("asset", assetId), price: each.read("price", price), weight: each.read("weight", integer(100)) })), maxAssets, 1),
  };
}

const price: Reader<string> = (value, path) => {
  const read = decimal(value, path);
  if (read === "0" || (read.split(".")[1] ?? "").length > maxDecimals) throw malformed(`${path} is not a decimal above 0, with at most ${maxDecimals} digits after the point`);
  return read;
};

/** checkSnapshot is the check `snapshot`. */
export function checkSnapshot(snapshot: Snapshot, policy: Policy): void {
  const tokens = snapshot.assets.flatMap(({ tokens }) => tokens);
  once(snapshot.assets.map(({ id }) => id), "the asset");
  once(tokens.map(({ id }) => id), "the token");
  once(tokens.filter(({ id }) => isNative(id)).map(({ id }) => chainOf(id)), "the coin of the chain");
  once(tokens.filter(({ id }) => isStaked(id)).map(({ id }) => chainOf(id)), "the staked coin of the chain");
  for (const { id, class: of, decimals } of tokens) if (isStaked(id) && (of !== "staked" || decimals !== 18)) throw untrue(`the token ${id} is not of class staked with 18 decimals`);
  if (toHex(tagged("assay/v1/snapshot", bytesOf(snapshot.hashed))) !== snapshot.id) throw untrue("the snapshot is not the one that its id names");
  checkBlocks(snapshot, new Set(tokens.map(({ id }) => chainOf(id))), policy.window);
  if (snapshot.draw) checkDraw(snapshot.draw, snapshot.instant, policy);
  if (snapshot.margin) checkMargin(snapshot, snapshot.margin);
}

function once(names: readonly string[], what: string): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) throw untrue(`${what} ${name} stands twice in the registry: it would count twice`);
    seen.add(name);
  }
}

function checkBlocks({ blocks, instant }: Snapshot, chains: ReadonlySet<string>, window: number): void {
  const pinned = new Set(blocks.map(({ chain }) => chain));
  for (const chain of chains) if (!pinned.has(chain)) throw untrue(`no block of ${chain} is pinned, of which the registry has a token`);
  for (const { chain, number, time } of blocks) {
    if (!chains.has(chain)) throw untrue(`a block of ${chain} is pinned, of which the registry has no token`);
    if (time > instant) throw untrue(`block ${number} of ${chain} is after the instant`);
    if (secondsOf(instant) - secondsOf(time) > window) throw untrue(`block ${number} of ${chain} is of ${time}, longer before the instant than the policy's window`);
  }
}

function checkDraw(draw: Draw, instant: string, policy: Policy): void {
  const seed = fromHex(draw.seed);
  if (draw.from >= draw.to) throw untrue("the draw's from is not before its to");
  if (!same(tagged("assay/v1/draw", seed), fromHex(draw.commitment))) throw untrue("the draw's seed is not the one that was committed to");
  const first = secondsOf(draw.from);
  const span = BigInt(secondsOf(draw.to) - first + 1);
  const lot = unsigned(tagged("assay/v1/instant", seed, bytesOf(draw.hash)).subarray(0, 8));
  const drawn = timeOf(first + Number(lot % span));
  if (drawn !== instant) throw untrue(`seed and block give the instant ${drawn}, the snapshot's is ${instant}`);
  if (anchored(policy, draw) === "contradicted") throw untrue(`the policy knows another block ${draw.number} of ${draw.chain}`);
}

function checkMargin(snapshot: Snapshot, { prices }: Margin): void {
  const order = snapshot.assets.map(({ id }) => id);
  let last = -1;
  for (const { asset } of prices) {
    const place = order.indexOf(asset);
    if (place <= last) throw untrue(`the price of ${asset} is of no asset, twice there, or not in the registry's order`);
    last = place;
  }
  once(columnsOf(snapshot), "the column");
  relationOf(snapshot);
}
