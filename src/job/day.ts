// Days of the books: of UTC, so that all processes, stores and reports count the same.

export const DAY_MS = 86_400_000;

/** `2026-11-23`. */
export function dayOf(unixMs: number): string {
  return new Date(unixMs).toISOString().slice(0, 10);
}

/** From the first to the last, both included. */
export function daysBetween(first: string, last: string): readonly string[] {
  const [from, to] = [Date.parse(first), Date.parse(last)];
  return Array.from({ length: Math.max(0, Math.round((to - from) / DAY_MS) + 1) }, (_, i) => dayOf(from + i * DAY_MS));
}
