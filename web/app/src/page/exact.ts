// Decimal texts, exact: no amount is ever a floating-point number.

const form = /^(\d+)(?:\.(\d+))?$/;

/** shown is a decimal text in the digits, groups and separator of a locale. */
export function shown(decimal: string, locale: string): string {
  const parts = form.exec(decimal.replace(/^-/, ""));
  if (!parts) return decimal;
  const whole = new Intl.NumberFormat(locale).format(BigInt(parts[1]!));
  const digits = parts[2] === undefined ? "" : separator(locale, "decimal") + [...parts[2]].map((digit) => digitOf(locale, Number(digit))).join("");
  return (decimal.startsWith("-") ? "−" : "") + whole + digits;
}

/** typed reads an amount as a person of a locale types it; undefined if it could mean two things, or nothing. */
export function typed(text: string, locale: string): string | undefined {
  const group = separator(locale, "group"), point = separator(locale, "decimal");
  let plain = text.normalize("NFKC").replace(/[\s'’]/g, "");
  for (let digit = 0; digit < 10; digit++) plain = plain.replaceAll(digitOf(locale, digit), String(digit));
  if (group !== ".") plain = plain.replace(".", point); // what many type whatever their region writes
  const [whole = "", ...rest] = plain.split(point);
  if (rest.length > 1) return undefined;
  const pieces = whole.split(group);
  if (pieces.length > 1 && !pieces.every((piece, i) => (i === 0 ? /^\d{1,3}$/ : /^\d{3}$/).test(piece))) return undefined;
  const digits = pieces.join("");
  const decimal = rest[0] === undefined ? digits : `${digits === "" ? "0" : digits}.${rest[0]}`;
  if (!form.test(decimal)) return undefined;
  return trimmed(decimal);
}

/** minus is a − b: a decimal text, with a sign if it is below zero. */
export function minus(a: string, b: string): string {
  const places = Math.max(fraction(a).length, fraction(b).length);
  const difference = scaled(a, places) - scaled(b, places);
  const digits = String(difference < 0n ? -difference : difference).padStart(places + 1, "0");
  const text = places === 0 ? digits : `${digits.slice(0, -places)}.${digits.slice(-places)}`;
  return (difference < 0n ? "-" : "") + trimmed(text);
}

const fraction = (decimal: string): string => decimal.split(".")[1] ?? "";

const scaled = (decimal: string, places: number): bigint => BigInt(decimal.split(".")[0]! + fraction(decimal).padEnd(places, "0"));

function trimmed(decimal: string): string {
  const [whole = "", digits = ""] = decimal.split(".");
  const kept = digits.replace(/0+$/, "");
  return whole.replace(/^0+(?=\d)/, "") + (kept === "" ? "" : `.${kept}`);
}

const digitOf = (locale: string, digit: number): string => new Intl.NumberFormat(locale, { useGrouping: false }).format(digit);

function separator(locale: string, type: "group" | "decimal"): string {
  const parts = new Intl.NumberFormat(locale, { minimumFractionDigits: 1 }).formatToParts(1234567);
  return parts.find((part) => part.type === type)?.value.normalize("NFKC") ?? (type === "group" ? "," : ".");
}
