// Probes: a process claims one for a call, and says what came of it. A probe is of every breaker above its model that is not closed, all or none.

import { randomUUID } from "node:crypto";
import { splitModelId, type ModelId } from "../job/names.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Admission, CallEnding } from "./breaker.ts";
import { fieldsAbove, WHOLE_PROVIDER } from "./breaker-board.ts";
import type { BreakerCopies } from "./breaker-copies.ts";
import { afterProbe, mayProbe, withoutProbe, withProbe, type BreakerSettings, type StoredBreaker } from "./breaker-machine.ts";

/** How long a call blocked by another one's probe is asked to stay away. */
const PROBE_PAUSE_MS = 500;
/** Between two tries while Redis is away. */
const RETRY_MS = 250;

export interface Probes {
  /** A call that finds some breaker above its model not closed: it is a probe, or is blocked. */
  admit(model: ModelId): Promise<Admission>;
  report(model: ModelId, probe: string, ending: CallEnding): void;
  forgo(model: ModelId, probe: string): void;
  /** After `signal` has aborted: returns when nothing is under way. */
  stop(): Promise<void>;
}

export function createProbes(options: { copies: BreakerCopies; clock: Clock; settings: BreakerSettings; signal: AbortSignal }): Probes {
  const { copies, clock, settings, signal } = options;
  const underWay = new Set<Promise<void>>();

  const claim = async (model: ModelId, fields: readonly string[]): Promise<Admission> => {
    const { provider } = splitModelId(model);
    const probe = randomUUID();
    let isHeld = false;
    try {
      for (const field of fields) {
        let found: StoredBreaker | undefined;
        const isMine = await copies.update(provider, field, (stored) => {
          found = stored;
          return withProbe(stored, probe, copies.now(), settings) ?? "leave";
        });
        if (!isMine && found) {
          if (isHeld) forgo(model, probe);
          return blockedBy(found, copies.now());
        }
        isHeld ||= isMine;
      }
    } catch (error) {
      // What Redis didn't answer it may have done.
      forgo(model, probe);
      throw error;
    }
    return isHeld ? { kind: "probe", probe } : { kind: "call" };
  };

  /** Changes what the probe holds; while Redis is away, again and again. */
  const conclude = (model: ModelId, change: (field: string, stored: StoredBreaker | undefined) => StoredBreaker | undefined) => {
    const { provider } = splitModelId(model);
    const run = async () => {
      // The copy may be from before the claim, and what it doesn't show would be left alone.
      await copies.refresh(provider);
      for (const field of fieldsAbove(model)) await copies.update(provider, field, (stored) => change(field, stored));
    };
    const running = untilDone(run).finally(() => underWay.delete(running));
    underWay.add(running);
  };

  const untilDone = async (run: () => Promise<void>) => {
    for (;;) {
      try {
        return await run();
      } catch {
        if (signal.aborted) return;
        await clock.sleep(RETRY_MS, signal);
      }
    }
  };

  const forgo = (model: ModelId, probe: string) => conclude(model, (_, stored) => withoutProbe(stored, probe));

  return {
    async admit(model) {
      const { provider } = splitModelId(model);
      const time = copies.now();
      const notClosed = fieldsAbove(model).filter((field) => copies.get(provider, field));
      const blocks = notClosed
        .map((field) => copies.get(provider, field) as StoredBreaker)
        .filter((stored) => !mayProbe(stored, time))
        .map((stored) => blockedBy(stored, time));
      return blocks.length > 0 ? blocks.reduce((a, b) => (a.retryInMs >= b.retryInMs ? a : b)) : claim(model, notClosed);
    },
    report(model, probe, { ending, isWide }) {
      conclude(model, (field, stored) =>
        // A fault of the model alone is no word on its provider: a call of another model may find out.
        ending === "failed" && field === WHOLE_PROVIDER && !isWide
          ? withoutProbe(stored, probe)
          : afterProbe(stored, { probe, ending }, copies.now(), settings),
      );
    },
    forgo,
    async stop() {
      await Promise.all(underWay);
    },
  };
}

function blockedBy(stored: StoredBreaker, now: number): Extract<Admission, { kind: "blocked" }> {
  const isOpen = stored.kind === "open" && stored.openUntil > now;
  return { kind: "blocked", reason: stored.reason, retryInMs: isOpen ? Math.ceil(stored.openUntil - now) : PROBE_PAUSE_MS };
}
