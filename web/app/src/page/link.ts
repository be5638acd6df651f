// A link to this page may carry a proof and a policy behind its #, which no browser sends to anybody.
import { fromBase64 } from "./given.ts";

/** carried reads what a fragment holds: base64url, without padding, of files, compressed by gzip or not. */
export function carried(fragment: string): Uint8Array[] {
  const fields = new URLSearchParams(fragment.replace(/^#/, ""));
  return ["policy", "proof", "statement", "finding", "notice"]
    .flatMap((name) => fields.getAll(name))
    .map((value) => fromBase64(value.replace(/-/g, "+").replace(/_/g, "/")))
    .filter((bytes) => bytes.length > 0);
}

/** linked finds the fragment in a text that is a link to a page of this kind, wherever that page is. */
export function linked(text: string): string | undefined {
  const found = /^[^\s#]+#((?:policy|proof|statement|finding|notice)=\S+)$/.exec(text.trim());
  return found?.[1];
}
