// Numbers that every store and every reader takes. Figures come from vendors and foreign clients; one that can't be must not keep a store from taking the others.

/** What a double holds exactly. */
const LARGEST = Number.MAX_SAFE_INTEGER;
/** The years 1 to 9999: four digits everywhere. */
const EARLIEST_MS = -62_135_596_800_000;
const LATEST_MS = 253_402_300_799_999;

/** Rounded, and the nearest that is within `most` of zero; what is no number is 0. */
export function soundCount(value: unknown, most = LARGEST): number {
  return nearest(value, -most, most);
}

/** Unix milliseconds, rounded, and the nearest in the years 1 to 9999; what is no number is 0. */
export function soundTime(unixMs: unknown): number {
  return nearest(unixMs, EARLIEST_MS, LATEST_MS);
}

/** Any finite number; what is none is 0. */
export function soundMeasure(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}

function nearest(value: unknown, least: number, most: number): number {
  if (typeof value !== "number" || Number.isNaN(value)) return 0;
  // Without the sign of a negative zero.
  return Math.round(Math.min(most, Math.max(least, value))) + 0;
}
