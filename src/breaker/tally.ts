// Calls counted by how they ended, and how many of the last ones in a row failed.

export interface Tally {
  readonly ok: number;
  readonly failed: number;
  /** Failures since the last success. Beside a sliding window's counts it may reach further back than the window. */
  readonly streak: number;
}

export const EMPTY_TALLY: Tally = { ok: 0, failed: 0, streak: 0 };

export function tallyOf(ending: "ok" | "failed"): Tally {
  return ending === "ok" ? { ok: 1, failed: 0, streak: 0 } : { ok: 0, failed: 1, streak: 1 };
}

/** The tally of `earlier` and then `later`. */
export function joined(earlier: Tally, later: Tally): Tally {
  return {
    ok: earlier.ok + later.ok,
    failed: earlier.failed + later.failed,
    streak: later.ok > 0 ? later.streak : earlier.streak + later.failed,
  };
}
