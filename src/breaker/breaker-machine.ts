// The breaker's states and what leads from one to the next, as functions over plain data. Who keeps the state, and that all processes agree on
// it, is breaker-board.ts's concern.
//
// closed ──(failures ≥ minimum and ≥ share of the calls in the window)──▶ open      ──(a streak of failures)──▶ open      ──(trip)──▶ open
// open ──(openUntil is over, a call asks)──▶ half-open: that call is the probe, by lease
// half-open ──(the probe succeeds)──▶ closed      ──(it fails, or a trip)──▶ open, for longer each time
// half-open ──(the probe is forgone, or its lease runs out)──▶ another call may probe

import type { UpTo } from "../job/outcome.ts";
import type { BreakerState } from "./breaker.ts";
import type { WindowTally } from "./tally.ts";

export interface BreakerSettings {
  /** The sliding window of the counts, in cells of `cellMs`. */
  readonly windowMs: number;
  readonly cellMs: number;
  /** Fewer failures than this in the window are no share worth speaking of. */
  readonly minimumFailures: number;
  /** Share of failed calls in the window that opens. */
  readonly failureShare: number;
  /** So many failures in a row, in the whole fleet, open too, however many successes the window still holds. */
  readonly failureStreak: number;
  /** First opening; doubled with each one that follows without a success, up to `longestOpenMs`. */
  readonly openMs: number;
  readonly longestOpenMs: number;
  /** A probe that has not reported for this long is given to another call. */
  readonly probeLeaseMs: number;
  /** After so many failures in a row a process doubts its copy of a closed breaker (doubts.ts), */
  readonly doubtfulFailures: number;
  /** lets no more calls than this go out until it knows how they ended, */
  readonly doubtfulCalls: number;
  /** and keeps none waiting for longer than this. */
  readonly longestDoubtMs: number;
}

export const DEFAULT_BREAKER_SETTINGS: BreakerSettings = {
  windowMs: 10_000,
  cellMs: 1_000,
  minimumFailures: 10,
  failureShare: 0.5,
  failureStreak: 8,
  openMs: 2_000,
  longestOpenMs: 5_000,
  probeLeaseMs: 90_000,
  doubtfulFailures: 3,
  doubtfulCalls: 5,
  longestDoubtMs: 250,
};

/** After a refusal that only people can put right, or that was a slip of the vendor's: nobody said which. */
const FIRST_LOOK_MS = 10_000;
/** How likely a streak of merely ordinary failures may be for it to open. */
const ORDINARY_STREAK_CHANCE = 1e-7;

/** A breaker as it is kept; a closed one is not kept at all. */
export type StoredBreaker =
  | { readonly kind: "open"; readonly reason: string; readonly openUntil: number; readonly openings: number }
  | { readonly kind: "half-open"; readonly reason: string; readonly openings: number; readonly probe: string; readonly leaseUntil: number };

/** The breaker after new counts. Only a closed one opens by its counts: those of an open one are of calls begun before. */
export function afterTally(
  stored: StoredBreaker | undefined,
  tally: WindowTally,
  now: number,
  settings: BreakerSettings,
): StoredBreaker | undefined {
  const reason = stored ? undefined : reasonToOpen(tally, settings);
  return reason === undefined ? stored : opened(undefined, reason, now, settings);
}

/** Opens at once. What is open already is only ever lengthened: many calls in flight report one and the same outage. */
export function afterTrip(
  stored: StoredBreaker | undefined,
  trip: { readonly reason: string; readonly openForMs?: number | UpTo | undefined },
  now: number,
  settings: BreakerSettings,
): StoredBreaker {
  if (stored?.kind !== "open" || stored.openUntil <= now) return opened(stored, trip.reason, now, settings, trip.openForMs);
  const openUntil = now + openingMs(stored.openings, settings, trip.openForMs);
  return openUntil > stored.openUntil ? { ...stored, reason: trip.reason, openUntil } : stored;
}

/** The breaker with its probe given to `probe`; `undefined` when it may not be probed now. */
export function withProbe(
  stored: StoredBreaker | undefined,
  probe: string,
  now: number,
  settings: BreakerSettings,
): StoredBreaker | undefined {
  if (!stored || !mayProbe(stored, now)) return undefined;
  const { reason, openings } = stored;
  return { kind: "half-open", reason, openings, probe, leaseUntil: now + settings.probeLeaseMs };
}

/** The breaker after the probe's report: closed (`undefined`) or open for longer. A report by another than the probe changes nothing. */
export function afterProbe(
  stored: StoredBreaker | undefined,
  { probe, ending }: { readonly probe: string; readonly ending: "ok" | "failed" },
  now: number,
  settings: BreakerSettings,
): StoredBreaker | undefined {
  if (stored?.kind !== "half-open" || stored.probe !== probe) return stored;
  return ending === "ok" ? undefined : opened(stored, stored.reason, now, settings);
}

/** The breaker after the probe's call said nothing of it: the next call to ask becomes the probe. */
export function withoutProbe(stored: StoredBreaker | undefined, probe: string): StoredBreaker | undefined {
  return stored?.kind === "half-open" && stored.probe === probe ? { ...stored, probe: "", leaseUntil: 0 } : stored;
}

/** Whether the next call to ask becomes the probe. */
export function mayProbe(stored: StoredBreaker, now: number): boolean {
  return stored.kind === "open" ? stored.openUntil <= now : stored.leaseUntil <= now;
}

/** What others see: an open breaker whose time is over counts as half-open, for a call may try. */
export function visibleState(stored: StoredBreaker | undefined, now: number): BreakerState {
  if (!stored) return { kind: "closed" };
  const { reason, openings } = stored;
  if (stored.kind === "open" && stored.openUntil > now) return { kind: "open", reason, openings, openUntil: stored.openUntil };
  return { kind: "half-open", reason, openings };
}

const RANK: Record<BreakerState["kind"], number> = { closed: 0, "half-open": 1, open: 2 };

/** Of a model's state and its provider's, the one that counts. */
export function worseState(a: BreakerState, b: BreakerState): BreakerState {
  if (a.kind === "open" && b.kind === "open") return a.openUntil >= b.openUntil ? a : b;
  return RANK[a.kind] >= RANK[b.kind] ? a : b;
}

function reasonToOpen({ begun, ok, failed, streak }: WindowTally, settings: BreakerSettings): string | undefined {
  // Where failures are quick and answers slow, few answers have come yet when calls have only just begun to be made.
  const calls = Math.max(begun, ok + failed);
  if (failed >= settings.minimumFailures && failed >= settings.failureShare * calls) return `${failed} of the last ${calls} calls failed`;
  return streak >= streakThatOpens(calls - failed, failed - streak, settings) ? `the last ${streak} calls failed` : undefined;
}

/** Longer where failures are ordinary: of a vendor at which 30 % fail, eight in a row come by chance every few minutes. */
function streakThatOpens(notFailed: number, failedBefore: number, { failureStreak, failureShare }: BreakerSettings): number {
  const share = Math.max(0, failedBefore) / Math.max(1, notFailed + failedBefore);
  const isOrdinary = share > 0 && share < failureShare;
  return isOrdinary ? Math.max(failureStreak, Math.log(ORDINARY_STREAK_CHANCE) / Math.log(share)) : failureStreak;
}

function opened(
  earlier: StoredBreaker | undefined,
  reason: string,
  now: number,
  settings: BreakerSettings,
  openForMs?: number | UpTo,
): StoredBreaker {
  const openings = (earlier?.openings ?? 0) + 1;
  return { kind: "open", reason, openings, openUntil: now + openingMs(openings, settings, openForMs) };
}

function openingMs(openings: number, { openMs, longestOpenMs }: BreakerSettings, openForMs?: number | UpTo): number {
  if (typeof openForMs === "number") return openForMs;
  const [first, longest] = openForMs ? [FIRST_LOOK_MS, openForMs.upTo] : [openMs, longestOpenMs];
  return Math.min(longest, first * 2 ** Math.min(openings - 1, 30));
}
