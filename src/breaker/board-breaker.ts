// A process's breaker over the fleet's board: keeps a copy of all states, reads it anew every `refreshMs`, and counts endings here and hands
// them in together.

import { splitModelId, type ModelId } from "../job/names.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Breaker, BreakerState } from "./breaker.ts";
import { fieldsAbove, subjectOf, WHOLE_PROVIDER, type BreakerBoard } from "./breaker-board.ts";
import { createBreakerCopies } from "./breaker-copies.ts";
import { afterTally, afterTrip, visibleState, worseState, type BreakerSettings } from "./breaker-machine.ts";
import { createDoubts } from "./doubts.ts";
import { createEndingCounts } from "./ending-counts.ts";
import { createFailureRuns } from "./failure-runs.ts";
import { createProbes } from "./probes.ts";
import { ONE_BEGUN, tallyOf, type WindowTally } from "./tally.ts";

const LONGEST_STOP_MS = 2_000;

export interface BoardBreakerOptions {
  readonly board: BreakerBoard;
  readonly clock: Clock;
  readonly models: Iterable<ModelId>;
  readonly refreshMs: number;
  readonly settings: BreakerSettings;
}

export function createBoardBreaker({ board, clock, models, refreshMs, settings }: BoardBreakerOptions): Breaker {
  const providers = new Set(Array.from(models, (model) => splitModelId(model).provider));
  const stopped = new AbortController();
  const { signal } = stopped;
  const doubts = createDoubts({ clock, settings });
  const runs = createFailureRuns({ clock });
  const copies = createBreakerCopies({
    board,
    clock,
    onNotClosed(provider, field) {
      runs.forget(subjectOf(provider, field));
      doubts.forget(subjectOf(provider, field));
    },
  });
  const probes = createProbes({ copies, clock, settings, signal });

  const counts = createEndingCounts({
    clock,
    signal,
    async handIn(provider, tallies) {
      const subjects = Array.from(tallies.keys(), (field) => subjectOf(provider, field));
      doubts.handingIn(subjects);
      const { windows, ...copy } = await board.count(provider, tallies);
      copies.take(provider, copy);
      // These are counted. Should Redis go away just now, the next ones bring up again what they say.
      await judge(provider, windows).then(
        () => doubts.answered(subjects),
        () => undefined,
      );
    },
  });

  const judge = async (provider: string, windows: ReadonlyMap<string, WindowTally>) => {
    for (const [field, tally] of windows) {
      await copies.update(provider, field, (stored) => afterTally(stored, tally, copies.now(), settings));
    }
  };

  const refreshing = (async () => {
    while (!signal.aborted) {
      // Redis away: the copies stay as they are.
      await Promise.allSettled(Array.from(providers, (provider) => copies.refresh(provider)));
      await clock.sleep(refreshMs, signal);
    }
  })();

  return {
    state(model) {
      const { provider } = splitModelId(model);
      return fieldsAbove(model)
        .map((field) => visibleState(copies.get(provider, field), copies.now()))
        .reduce(worseState);
    },
    async admit(model) {
      const { provider } = splitModelId(model);
      const fields = fieldsAbove(model);
      if (fields.every((field) => !copies.get(provider, field))) await doubts.settled(fields.map((field) => subjectOf(provider, field)));
      const admission = await probes.admit(model);
      if (admission.kind === "blocked") return admission;
      for (const field of fields) {
        runs.begin(subjectOf(provider, field));
        counts.add(provider, field, ONE_BEGUN);
      }
      return admission;
    },
    report(model, { ending, isWide, startedAt, probe }) {
      const { provider } = splitModelId(model);
      const fields = ending === "ok" || isWide ? fieldsAbove(model) : [model];
      for (const field of fields) {
        const subject = subjectOf(provider, field);
        const breaks = runs.end(subject, ending, startedAt);
        counts.add(provider, field, tallyOf(ending, breaks));
        if (!copies.get(provider, field)) doubts.add(subject, ending, breaks);
      }
      if (probe !== undefined) probes.report(model, probe, { ending, ...(isWide ? { isWide } : {}) });
    },
    forgo(model, probe) {
      probes.forgo(model, probe);
    },
    async trip(subject, reason, openForMs) {
      const provider = "model" in subject ? splitModelId(subject.model).provider : subject.provider;
      const field = "model" in subject ? subject.model : WHOLE_PROVIDER;
      await copies.update(provider, field, (stored) => afterTrip(stored, { reason, openForMs }, copies.now(), settings));
    },
    snapshot() {
      const time = copies.now();
      const all = Array.from(
        copies.all(),
        ({ provider, field, stored }) => [subjectOf(provider, field), visibleState(stored, time)] as const,
      );
      return new Map<string, BreakerState>(all);
    },
    async stop() {
      stopped.abort();
      const bound = new AbortController();
      const idle = Promise.all([refreshing, counts.stop(), probes.stop()]);
      // Without Redis the last question may stay unanswered.
      await Promise.race([idle, clock.sleep(LONGEST_STOP_MS, bound.signal)]);
      bound.abort();
    },
  };
}
