// Payloads cut to what a page can show: one job of some megabytes must not take the browser down, nor the process that renders it.

/** Characters of one string that are shown. */
const LONGEST_STRING = 2_000;
/** Characters of a whole payload that are shown, roughly. */
const WHOLE_BUDGET = 16_000;
const DEEPEST = 12;
const LONGEST_KEY = 200;

/** The same value where it is small; else a part of it, saying wherever something is left out how much there really is. */
export function shorten(value: unknown): unknown {
  const size = sizeOf(value);
  const budget = { left: WHOLE_BUDGET };
  const cut = cutValue(value, budget, 0);
  if (size === undefined || size <= WHOLE_BUDGET || typeof cut !== "object" || cut === null) return cut;
  const note = `the whole is ${size.toLocaleString("en-US")} characters of JSON; shown in part`;
  return Array.isArray(cut) ? [`(${note})`, ...cut] : { "(cut)": note, ...cut };
}

export function shortenText(text: string, longest = LONGEST_STRING): string {
  return text.length <= longest ? text : `${text.slice(0, longest)}… (${text.length.toLocaleString("en-US")} characters in all)`;
}

function cutValue(value: unknown, budget: { left: number }, depth: number): unknown {
  if (typeof value === "string") {
    const text = shortenText(value, Math.min(LONGEST_STRING, Math.max(0, budget.left)));
    budget.left -= text.length;
    return text;
  }
  if (typeof value !== "object" || value === null) {
    budget.left -= 8;
    return value;
  }
  if (depth >= DEEPEST) return "… (nested deeper)";
  return Array.isArray(value) ? cutItems(value, budget, depth) : cutFields(value, budget, depth);
}

function cutItems(items: readonly unknown[], budget: { left: number }, depth: number): readonly unknown[] {
  const shown: unknown[] = [];
  for (const item of items) {
    if (budget.left <= 0) return [...shown, `… (${(items.length - shown.length).toLocaleString("en-US")} more)`];
    budget.left -= 2;
    shown.push(cutValue(item, budget, depth + 1));
  }
  return shown;
}

function cutFields(fields: object, budget: { left: number }, depth: number): object {
  const shown: Record<string, unknown> = {};
  const keys = Object.keys(fields);
  for (const [i, key] of keys.entries()) {
    if (budget.left <= 0) return { ...shown, "…": `(${(keys.length - i).toLocaleString("en-US")} more)` };
    budget.left -= Math.min(key.length, LONGEST_KEY) + 4;
    // Defined, not assigned: a payload may hold a key like __proto__.
    const shortKey = shortenText(key, LONGEST_KEY);
    const cut = cutValue((fields as Record<string, unknown>)[key], budget, depth + 1);
    Object.defineProperty(shown, shortKey, { value: cut, enumerable: true, configurable: true, writable: true });
  }
  return shown;
}

/** Undefined where a value is nested too deeply to be written. */
function sizeOf(value: unknown): number | undefined {
  try {
    return JSON.stringify(value)?.length ?? 0;
  } catch {
    return undefined;
  }
}
