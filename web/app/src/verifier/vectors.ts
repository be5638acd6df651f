// For tests alone: the vectors of verifier/vectors.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface Vector {
  name: string;
  comment: string;
  expect: string;
}

/** vectors reads a folder of verifier/vectors; VECTORS says where that is. */
export function vectors<T>(folder: string): (Vector & T)[] {
  const path = join(process.env["VECTORS"] ?? "../../verifier/vectors", folder);
  return readdirSync(path).map((file) => ({ ...(JSON.parse(readFileSync(join(path, file), "utf8")) as Vector & T), name: `${folder}/${file.replace(/\.json$/, "")}` }));
}
