// What build.mjs makes of web/words/*/page.json: all languages packed, as they would be too much for a small page.
declare module "words:page" {
  export const codes: string[]; // English first
  /** packed is base 85 of Zstandard of the texts by key, one object a language. */
  export const packed: string;
}
