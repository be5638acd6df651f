// The texts of every language that has some.
import { decompress } from "fzstd";
import { codes, packed } from "words:page";
import { decode } from "../base85.js";

export { codes };

export type Texts = Record<string, string>;

const all = JSON.parse(new TextDecoder().decode(decompress(decode(packed)))) as Texts[];

/** textsOf are a language's texts by key, and English where it has none. */
export const textsOf = (code: string): Texts => ({ ...all[0], ...all[codes.indexOf(code)] });
