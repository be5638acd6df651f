// A customer's identity in a tree (SPEC part 5), made of what a person typed.

import { bytesOf, isBarred, untrue } from "./canon.ts";
import { bigEndian, tagged } from "./octets.ts";

// White_Space of Unicode, which is not what trim() takes for white space.
const blanks = /^\p{White_Space}+|\p{White_Space}+$/gu;

/** customerId brings what was typed into the form that is hashed: NFC, without blanks at either end, 1–256 bytes. What is no id is nobody's: that is false, not unreadable. */
export function customerId(typed: string): string {
  const id = typed.normalize("NFC").replace(blanks, "");
  const length = bytesOf(id).length;
  if (isBarred(id)) throw untrue("the customer id holds a character that no id has");
  if (length === 0 || length > 256) throw untrue(`the customer id has ${length} bytes; it has 1 to 256`);
  return id;
}

/** identity is 32 bytes; snapshot and nonce are 32 bytes each. */
export function identity(typed: string, snapshot: Uint8Array, nonce: Uint8Array): Uint8Array {
  const id = bytesOf(customerId(typed));
  return tagged("assay/v1/identity", snapshot, nonce, bigEndian(id.length, 2), id);
}
