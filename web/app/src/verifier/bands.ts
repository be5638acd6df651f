// Bands: the same wallets at other instants (SPEC part 21), as far as the statement alone shows. Their lines and evidence are in the bundle.

import { secondsOf, untrue } from "./canon.ts";
import { anchored, type Policy } from "./policy.ts";
import type { Statement } from "./statement.ts";

/** checkBands is of the check `bands` what speaks of instants, blocks and the assets that are named. */
export function checkBands({ bands, snapshot }: Statement, policy: Policy): void {
  const ids = snapshot.assets.map(({ id }) => id).join();
  const chains = snapshot.blocks.map(({ chain }) => chain).join();
  for (const { blocks, instant, totals } of bands) {
    const of = `the band of ${instant}`;
    if (instant === snapshot.instant) throw untrue(`${of} is of the snapshot's own instant`);
    if (totals.map(({ asset }) => asset).join() !== ids) throw untrue(`${of} does not have a total of every asset, in the registry's order`);
    if (blocks.map(({ chain }) => chain).join() !== chains) throw untrue(`${of} does not have one block of each pinned chain`);
    for (const block of blocks) {
      if (block.time > instant) throw untrue(`${of}: block ${block.number} of ${block.chain} is after it`);
      if (secondsOf(instant) - secondsOf(block.time) > policy.window) throw untrue(`${of}: block ${block.number} of ${block.chain} is longer before it than the policy's window`);
      if (anchored(policy, block) === "contradicted") throw untrue(`${of}: the policy knows another block ${block.number} of ${block.chain}`);
    }
  }
}
