// Decimal numbers, as people and vendors write them, to whole numbers of a small unit: exactly, or not at all.

export type ParsedDecimal =
  | { readonly kind: "units"; readonly units: bigint }
  | { readonly kind: "finer" }
  | { readonly kind: "no-decimal" };

/**
 * `"2.50"` with 6 decimals → 2,500,000 units. `finer`: it has a part that is smaller than a unit; `no-decimal`: it isn't a number that is
 * not negative. A number is read as JavaScript prints it: 0.1 is one tenth.
 */
export function parseDecimal(value: string | number, decimals: number): ParsedDecimal {
  const match = /^(\d{1,30})(?:\.(\d{1,30}))?(?:e([+-]?\d{1,2}))?$/i.exec(String(value).trim());
  if (!match) return { kind: "no-decimal" };
  const [, whole = "", fraction = "", exponent = "0"] = match;
  // The value is digits × 10^-fraction; in units the point moves `decimals` places to the right.
  const digits = BigInt(whole + fraction);
  const places = fraction.length - Number(exponent) - decimals;
  const divisor = 10n ** BigInt(Math.max(0, places));
  if (digits % divisor !== 0n) return { kind: "finer" };
  return { kind: "units", units: (digits / divisor) * 10n ** BigInt(Math.max(0, -places)) };
}
