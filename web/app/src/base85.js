// Bytes as text that may stand in HTML as it is: four bytes are five digits of base 85, most significant first; n bytes at the end are n + 1 digits.
// The digits are the printable characters of ASCII but those that HTML, quotes or comments could take for their own.
const digits = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i)).filter((c) => !"\"$&'-<>\\`".includes(c));

export function encode(bytes) {
  const parts = [];
  for (let at = 0; at < bytes.length; at += 4) {
    const rest = Math.min(4, bytes.length - at);
    let value = 0;
    for (let i = 0; i < 4; i++) value = value * 256 + (i < rest ? bytes[at + i] : 0);
    let five = "";
    for (let i = 0; i < 5; i++, value = Math.floor(value / 85)) five = digits[value % 85] + five;
    parts.push(five.slice(0, rest + 1));
  }
  return parts.join("");
}

export function decode(text) {
  const values = new Int16Array(128).fill(-1);
  digits.forEach((c, i) => (values[c.charCodeAt(0)] = i));
  const tail = text.length % 5;
  if (tail === 1) throw new Error("base 85: a digit too many");
  const out = new Uint8Array(Math.floor(text.length / 5) * 4 + Math.max(0, tail - 1));
  for (let at = 0, to = 0; at < text.length; at += 5) {
    let value = 0;
    for (let i = 0; i < 5; i++) {
      const digit = at + i < text.length ? values[text.charCodeAt(at + i)] ?? -1 : 84;
      if (digit < 0) throw new Error(`base 85: no digit at ${at + i}`);
      value = value * 85 + digit;
    }
    if (value > 0xffffffff) throw new Error(`base 85: more than four bytes at ${at}`);
    for (let shift = 24; shift >= 0 && to < out.length; shift -= 8) out[to++] = (value >>> shift) & 255;
  }
  return out;
}
