// Runs of failures among the calls of one process, by when calls began rather than by when they ended: a vendor that takes seconds to answer goes on
// answering, when it has gone down, the calls it was given before. Subjects are models and providers.
//
// no run ──(a failure)──▶ run, since that call began      ──(a failure)──▶ the run is one longer
// run ──(a success of a call begun since)──▶ no run
//     ──(an ending, and calls begun since have been under way for longer than any failure of the run took)──▶ no run, or with a failure a new one
//
// By the second rule the quick failures of a vendor that answers most calls, but slowly, make no run.

import type { Clock } from "../runtime/clock.ts";

/** Of the calls begun during a run that have had time to fail. */
const SHARE_OF_A_RUN = 0.9;
/** Calls whose beginnings are remembered. A run that reaches back further is over. */
const CALLS_REMEMBERED = 4_096;

interface Run {
  readonly since: number;
  readonly failures: number;
  readonly longestMs: number;
}

interface Calls {
  /** When each call began, in order. */
  begun: number[];
  /** When the last call began of those that were answered. */
  answeredUpTo: number;
  run: Run | undefined;
}

export interface FailureRuns {
  /** A call begins now. */
  begin(subject: string): void;
  /** A call ended that began at `startedAt` (by our clock; undefined: any success counts). Answers whether it breaks the streak of failures before it. */
  end(subject: string, ending: "ok" | "failed", startedAt: number | undefined): boolean;
  /** The subject's breaker is not closed: what was is over. */
  forget(subject: string): void;
}

export function createFailureRuns({ clock }: { clock: Clock }): FailureRuns {
  const subjects = new Map<string, Calls>();

  const callsOf = (subject: string): Calls => {
    const found = subjects.get(subject) ?? { begun: [], answeredUpTo: Number.NEGATIVE_INFINITY, run: undefined };
    subjects.set(subject, found);
    return found;
  };

  /** Whether nearly all calls begun since the run's first have failed, as far as they have had time to. */
  const holds = ({ begun }: Calls, { since, failures, longestMs }: Run): boolean => {
    const isRemembered = (begun[0] ?? Number.POSITIVE_INFINITY) <= since;
    // Those of this very millisecond are about to end as well.
    const hadTime = indexAfter(begun, clock.now() - longestMs - 1) - indexAfter(begun, since - 1);
    return isRemembered && failures >= SHARE_OF_A_RUN * hadTime;
  };

  const answered = (calls: Calls, startedAt: number): boolean => {
    calls.answeredUpTo = Math.max(calls.answeredUpTo, startedAt);
    if (calls.run && startedAt < calls.run.since && holds(calls, calls.run)) return false;
    calls.run = undefined;
    return true;
  };

  const failed = (calls: Calls, startedAt: number): boolean => {
    const tookMs = clock.now() - startedAt;
    const { run } = calls;
    if (run) {
      const { since, failures, longestMs } = run;
      const longer = startedAt < since ? run : { since, failures: failures + 1, longestMs: Math.max(longestMs, tookMs) };
      if (holds(calls, longer)) {
        calls.run = longer;
        return false;
      }
    }
    calls.run = { since: startedAt, failures: 1, longestMs: tookMs };
    // Calls begun before it are still under way, and this one failed sooner.
    return run !== undefined || indexAfter(calls.begun, startedAt - 1) > indexAfter(calls.begun, calls.answeredUpTo);
  };

  return {
    begin(subject) {
      const now = clock.now();
      // The clock was set back: nothing here can be compared any more.
      if ((subjects.get(subject)?.begun.at(-1) ?? now) > now) subjects.delete(subject);
      const { begun } = callsOf(subject);
      begun.push(now);
      if (begun.length >= 2 * CALLS_REMEMBERED) begun.splice(0, CALLS_REMEMBERED);
    },
    end(subject, ending, startedAt) {
      const calls = callsOf(subject);
      if (startedAt !== undefined) return ending === "ok" ? answered(calls, startedAt) : failed(calls, startedAt);
      if (ending === "ok") calls.run = undefined;
      return ending === "ok";
    },
    forget(subject) {
      subjects.delete(subject);
    },
  };
}

/** The index of the first time that is later than `at`. */
function indexAfter(times: readonly number[], at: number): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] as number) > at) high = middle;
    else low = middle + 1;
  }
  return low;
}
