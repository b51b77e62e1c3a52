// When a call that is to be tried again comes back.

const SCATTER_MS = 1_000;

/** A job whose deadline comes first is back by then, to end. */
export function withinDeadline(delayMs: number, deadline: number | undefined, now: number): number {
  return deadline === undefined ? delayMs : Math.min(delayMs, Math.max(1, deadline - now + 1));
}

/** Those told to wait for the same time don't all come back at once. */
export function scattered(waitMs: number): number {
  return Math.round(waitMs + Math.random() * Math.min(waitMs, SCATTER_MS));
}
