// A number as text gives it: `$1,234.50`, `18.00`, `-5`, `60%`, `12 miles per hour`.

export interface TextQuantity {
  /** Plain decimal: no sign but `-`, no leading or trailing zeros. Text, so that long numbers stay exact. */
  readonly decimal: string;
  /** Lower case: `%`, a currency (`usd`), or the words behind the number; empty for a bare number. */
  readonly unit: string;
}

/** Thousands are grouped by commas, all of them or none; a number with leading zeros is a code, not a quantity. */
const QUANTITY =
  /^(?<before>[$€£¥₹]|(?:US|A|C)\$|(?:USD|EUR|GBP|JPY|INR|CHF) )?\s?(?<sign>[-+−]?)(?<before2>[$€£¥₹])?(?<whole>0|[1-9]\d{0,2}(?:,\d{3})+|[1-9]\d*)?(?:\.(?<fraction>\d*))?(?: ?(?<after>%|[$€£¥₹]|°[CF]?)| (?<words>\p{L}[\p{L}²³/.]*(?: \p{L}[\p{L}²³/.]*){0,2})|(?<suffix>(?:[kcmµ]?[mgl]|mph|lbs?|hrs?|mins?|s|h|days?)\b))?$/u;
const LONGEST = 60;
const CURRENCIES: Readonly<Record<string, string>> = {
  $: "usd",
  us$: "usd",
  dollar: "usd",
  dollars: "usd",
  "€": "eur",
  euro: "eur",
  euros: "eur",
  "£": "gbp",
  pounds: "pounds",
  "¥": "jpy",
  "₹": "inr",
  percent: "%",
  "per cent": "%",
};
/** Words behind a number that are no unit: they change its value, or its meaning. */
const NO_UNIT =
  /\b(?:hundred|thousand|million|billion|trillion|dozen|k|bn|or|and|to|not|no|at|about|more|less|fewer|over|under|than|times|minus|plus|left|remaining)\b/;

/** The quantity that the text is; undefined where it is anything else. */
export function readTextQuantity(text: string): TextQuantity | undefined {
  if (text.length > LONGEST) return undefined;
  const { before, sign, before2, whole, fraction, after, words, suffix } = QUANTITY.exec(text)?.groups ?? {};
  if (whole === undefined && !fraction) return undefined;
  if (before !== undefined && before2 !== undefined) return undefined;
  const units = [before ?? before2, after, words ?? suffix].filter((unit) => unit !== undefined).map(unitOf);
  if (new Set(units).size > 1 || (words !== undefined && NO_UNIT.test(words.toLowerCase()))) return undefined;
  const cents = (fraction ?? "").replace(/0+$/, "");
  const digits = `${(whole ?? "0").replaceAll(",", "")}${cents === "" ? "" : `.${cents}`}`;
  return { decimal: (sign === "-" || sign === "−") && digits !== "0" ? `-${digits}` : digits, unit: units[0] ?? "" };
}

function unitOf(text: string): string {
  const unit = text.trim().toLowerCase().replace(/\.$/, "");
  return CURRENCIES[unit] ?? unit;
}
