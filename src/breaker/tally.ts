// Calls counted by how they ended, and how many of the last ones in a row failed.

export interface Tally {
  /** Calls begun, ended or not. */
  readonly begun: number;
  readonly ok: number;
  readonly failed: number;
  /** Failures in a row, up to now. Beside a sliding window's counts it may reach further back than the window. */
  readonly streak: number;
  /** Whether something in it broke the streak before it (failure-runs.ts). */
  readonly breaks: boolean;
}

/** What a sliding window holds. */
export type WindowTally = Omit<Tally, "breaks">;

export const EMPTY_TALLY: Tally = { begun: 0, ok: 0, failed: 0, streak: 0, breaks: false };
export const ONE_BEGUN: Tally = { ...EMPTY_TALLY, begun: 1 };

export function tallyOf(ending: "ok" | "failed", breaks = ending === "ok"): Tally {
  return { ...EMPTY_TALLY, ...(ending === "ok" ? { ok: 1 } : { failed: 1, streak: 1 }), breaks };
}

/** The tally of `earlier` and then `later`. */
export function joined(earlier: Tally, later: Tally): Tally {
  return {
    begun: earlier.begun + later.begun,
    ok: earlier.ok + later.ok,
    failed: earlier.failed + later.failed,
    streak: later.breaks ? later.streak : earlier.streak + later.streak,
    breaks: earlier.breaks || later.breaks,
  };
}
