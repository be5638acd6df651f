// The second opinion: the Go verifier, as WebAssembly. It shares nothing with src/verifier but SPEC.md and the vectors.
import { decompress } from "fzstd";
import { decode } from "./base85.js";
import type { Check, Input } from "./verdict.ts";
import "./wasm_exec.js";

/** Opinion is what the Go verifier says; its checks are called as those of a Verdict. */
export interface Opinion {
  proven: boolean;
  exit: number;
  checks: Check[];
}

type Ask = (input: Input) => Opinion | undefined;

/** start makes the program out of what pack.mjs wrote. It reaches nothing: no network, no storage, no clock but the one that Go's runtime has. */
export async function start(packed: string): Promise<Ask> {
  const go = new Go();
  const { instance } = await WebAssembly.instantiate(decompress(decode(packed)) as Uint8Array<ArrayBuffer>, go.importObject);
  void go.run(instance); // ends with the page
  return (globalThis as unknown as { assaySecondOpinion: Ask }).assaySecondOpinion;
}

let started: Promise<Ask> | undefined;

/** secondOpinion asks the program of the element `opinion`, which it starts when it is first asked. It throws if there is none, or if it broke down. */
export async function secondOpinion(input: Input): Promise<Opinion> {
  started ??= start(document.getElementById("opinion")?.textContent?.trim() ?? "");
  const opinion = (await started)(input);
  if (opinion === undefined) {
    started = undefined;
    throw new Error("the second opinion broke down");
  }
  return opinion;
}
