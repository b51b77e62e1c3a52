// Keeps a process from calling a dead vendor on the word of an old copy. Subjects are models and providers whose breakers it believes closed.
//
// sure ──(a few failures in a row)──▶ in doubt: calls wait
// in doubt ──(Redis has been told of all the failures, and the breaker is still closed)──▶ a few calls may go out, and the rest still wait
//          ──(the next failure)──▶ all wait again
//          ──(something breaks the streak, or the breaker is seen open)──▶ sure: all go on, each to what the copy now says
// No call waits for longer than `longestDoubtMs`, so neither Redis being away nor calls that hang bring anything to a stop.

import type { Clock } from "../runtime/clock.ts";
import type { BreakerSettings } from "./breaker-machine.ts";

interface Doubt {
  /** In a row. */
  readonly failures: number;
  /** Whether all of them have been handed in, or are on their way. */
  readonly isHandedIn: boolean;
  /** Calls that may still go out on the last answer. */
  readonly callsLeft: number;
}

export interface Doubts {
  /** A call ended; whether that breaks the streak of failures before it is failure-runs.ts's word. */
  add(subject: string, ending: "ok" | "failed", breaks: boolean): void;
  /** What was added so far is on its way to Redis. */
  handingIn(subjects: readonly string[]): void;
  /** Redis knows of what was on its way, and the copy is as Redis answered. */
  answered(subjects: readonly string[]): void;
  /** The subject's breaker is not closed: its state decides from here. */
  forget(subject: string): void;
  /** Returns when a call that needs all these subjects may go on: at once where there is no doubt. */
  settled(subjects: readonly string[]): Promise<void>;
}

export function createDoubts({ clock, settings }: { clock: Clock; settings: BreakerSettings }): Doubts {
  const { doubtfulFailures, doubtfulCalls, longestDoubtMs } = settings;
  const doubts = new Map<string, Doubt>();
  const waiting = new Set<{ readonly subjects: readonly string[]; readonly go: () => void }>();

  const change = (subjects: readonly string[], changes: (doubt: Doubt) => Partial<Doubt>) => {
    for (const subject of subjects) {
      const doubt = doubts.get(subject);
      if (doubt) doubts.set(subject, { ...doubt, ...changes(doubt) });
    }
  };

  /** Whether the call may go on; where it may, it is counted. */
  const pass = (subjects: readonly string[]): boolean => {
    const inDoubt = subjects.filter((subject) => (doubts.get(subject)?.failures ?? 0) >= doubtfulFailures);
    if (inDoubt.some((subject) => doubts.get(subject)?.callsLeft === 0)) return false;
    change(inDoubt, ({ callsLeft }) => ({ callsLeft: callsLeft - 1 }));
    return true;
  };

  const wake = () => {
    for (const call of waiting) {
      if (pass(call.subjects)) call.go();
    }
  };

  const forget = (subject: string) => {
    if (doubts.delete(subject)) wake();
  };

  return {
    add(subject, ending, breaks) {
      if (breaks) forget(subject);
      if (ending === "failed") doubts.set(subject, { failures: (doubts.get(subject)?.failures ?? 0) + 1, isHandedIn: false, callsLeft: 0 });
    },
    handingIn(subjects) {
      change(subjects, () => ({ isHandedIn: true }));
    },
    answered(subjects) {
      change(subjects, ({ isHandedIn }) => ({ callsLeft: isHandedIn ? doubtfulCalls : 0 }));
      wake();
    },
    forget,
    settled(subjects) {
      if (pass(subjects)) return Promise.resolve();
      return new Promise((resolve) => {
        const bound = new AbortController();
        const call = {
          subjects,
          go: () => {
            waiting.delete(call);
            bound.abort();
            resolve();
          },
        };
        waiting.add(call);
        void clock.sleep(longestDoubtMs, bound.signal).then(call.go);
      });
    },
  };
}
