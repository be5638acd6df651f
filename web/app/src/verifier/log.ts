// A place in a log: tlog-proofs of C2SP over the tree of RFC 6962 (SPEC part 25).

import { decimal, hashLine, maxSmall, readCheckpoint, type Checkpoint } from "./checkpoint.ts";
import { bytesOf, malformed, untrue, utf8Text } from "./canon.ts";
import { hash, same } from "./octets.ts";
import { sides } from "./tree.ts";

const maxIndex = 2 ** 32 - 1;
const maxPath = 32;

export const leafHash = (entry: Uint8Array): Uint8Array => hash(Uint8Array.of(0), entry);
export const nodeHash = (left: Uint8Array, right: Uint8Array): Uint8Array => hash(Uint8Array.of(1), left, right);

/** LogProof is the file `log.tlog-proof`, read. */
export interface LogProof {
  index: number;
  path: Uint8Array[];
  checkpoint: Checkpoint;
}

export function readLogProof(bytes: Uint8Array): LogProof {
  if (bytes.length > maxSmall) throw malformed(`the log proof has ${bytes.length} bytes; at most ${maxSmall} are read`);
  const text = utf8Text(bytes);
  const end = text.indexOf("\n\n");
  const [type, index, ...path] = text.slice(0, Math.max(0, end)).split("\n");
  if (type !== "c2sp.org/tlog-proof@v1") throw malformed("the log proof does not begin with c2sp.org/tlog-proof@v1");
  if (!index?.startsWith("index ")) throw malformed("the second line of the log proof is not its index");
  if (path.length > maxPath) throw malformed(`the log proof has a path of ${path.length} hashes; at most ${maxPath} are read`);
  return {
    index: decimal(index.slice("index ".length), maxIndex, "the log proof's index"),
    path: path.map((line) => hashLine(line, "a line of the log proof's path")),
    checkpoint: readCheckpoint(bytesOf(text.slice(end + 2))),
  };
}

/** included refuses a path that does not lead from an entry's bytes at index to the checkpoint's root. */
export function included(entry: Uint8Array, { index, path }: Pick<LogProof, "index" | "path">, { origin, root, size }: Checkpoint): void {
  if (index >= size) throw untrue(`the log ${origin} has ${size} entries at its checkpoint, and the entry is said to be number ${index}`);
  const way = sides(index, size);
  if (way.length !== path.length) throw untrue(`the path in the log ${origin} has ${path.length} hashes; index and size give ${way.length}`);
  const reached = path.reduce((node, sibling, i) => (way[i] === "left" ? nodeHash(sibling, node) : nodeHash(node, sibling)), leafHash(entry));
  if (!same(reached, root)) throw untrue(`the path in the log ${origin} does not lead to its root`);
}
