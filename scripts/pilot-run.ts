// The calls of a pilot: every model's batch through the fleet, side by side, until all are over, the spend passes its cap, or somebody interrupts.

import type { BatchStatus } from "../src/job/batch.ts";
import type { ModelId } from "../src/job/names.ts";
import type { TaskSpec } from "../src/job/task.ts";
import { systemClock } from "../src/runtime/clock.ts";
import { openBatch } from "./batch-session.ts";
import { createFleetKeeper } from "./fleet-keeper.ts";
import type { OpenFleet } from "./open-fleet.ts";
import { isUnasked } from "./pilot-answers.ts";
import type { Trial } from "./pilot-trial.ts";
import { createProgress } from "./progress.ts";
import { reopenFailed } from "./reopen-failed.ts";
import { shareProgress } from "./shared-progress.ts";
import { workBatch } from "./work-batch.ts";

export interface OpenTrial extends Trial {
  /** It was run before, and some of its rows ended without having been asked: they are opened once more. */
  readonly hasUnasked: boolean;
}

export interface PilotRun {
  readonly task: TaskSpec;
  /** Those that are not complete. */
  readonly trials: readonly OpenTrial[];
  /** Rows of each trial. */
  readonly rows: number;
  /** What the pilot may cost, earlier runs and complete trials included; absent: no cap. */
  readonly maxCostNanoUsd?: number | undefined;
  readonly spentElsewhereNanoUsd: number;
  /** Who may be called beside the candidates. */
  readonly judges: readonly ModelId[];
  readonly config?: string | undefined;
  readonly signal: AbortSignal;
}

export type PilotEnd = "finished" | "too-dear" | "interrupted";

const PATIENCE_MS = 15 * 60_000;
/** Calls in flight after Ctrl-C. */
const GRACE_MS = 5_000;

/** @throws StoppedError when nothing moves any more, UsageError when no fleet can be started. The same run again goes on from there. */
export async function runTrials(open: OpenFleet, run: PilotRun): Promise<PilotEnd> {
  const { task, trials, rows, judges, config, signal } = run;
  const models = [...trials.map(({ model }) => model.id), ...judges];
  const keeper = createFleetKeeper(open, { role: "pilot", task: task.name, models, config });
  const shared = shareProgress(createProgress(systemClock, process.stderr.isTTY), rows * trials.length);
  const cap = createCap(open, run);
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);

  const work = async ({ batch, input, terms, hasUnasked }: OpenTrial) => {
    if (hasUnasked) await reopenUnasked(open, batch, either);
    if (either.aborted) return;
    const session = await openBatch(open, input, task.name, {});
    if (session.isOver) return;
    await workBatch(open, {
      input,
      session,
      task: task.name,
      progress: shared.of(batch),
      patienceMs: PATIENCE_MS,
      signal: either,
      terms,
      keeper,
      onPoll: (status) => cap.note(status),
    });
  };

  try {
    await keeper.ensure();
    const ends = await Promise.allSettled(
      trials.map((trial) =>
        work(trial).catch((error: unknown) => {
          failed.abort(error); // the others end too
          throw error;
        }),
      ),
    );
    if (signal.aborted) {
      await keeper.stop(GRACE_MS);
      return "interrupted";
    }
    if (failed.signal.aborted) throw failed.signal.reason;
    const problem = ends.find((end) => end.status === "rejected");
    if (problem) throw problem.reason;
    return cap.hasCancelled() ? "too-dear" : "finished";
  } finally {
    await keeper.stop(0);
  }
}

/** Rows that were never really asked (cancelled when the spend passed its cap, lost, out of patience) are opened once more. */
async function reopenUnasked(open: OpenFleet, batch: string, signal: AbortSignal): Promise<void> {
  const { before, round } = await open.states.beginRetry(batch);
  if (before !== "finished" && before !== "cancelled" && before !== "retrying") return;
  await reopenFailed(open, { batch, round, signal, isWanted: isUnasked });
}

/** Cancels what is left once the trials' cost together is above the cap. */
function createCap({ states }: OpenFleet, { maxCostNanoUsd = Infinity, spentElsewhereNanoUsd }: PilotRun) {
  const costs = new Map<string, number>();
  const cancelled = new Set<string>();
  const isPassed = () => [...costs.values()].reduce((sum, cost) => sum + cost, spentElsewhereNanoUsd) > maxCostNanoUsd;
  return {
    hasCancelled: () => cancelled.size > 0,
    async note({ batch, state, total, costNanoUsd }: BatchStatus) {
      costs.set(batch, costNanoUsd);
      // One that is still being fed would be sealed too short: its turn comes a poll later.
      if (!isPassed() || total === undefined || state !== "sealed" || cancelled.has(batch)) return;
      cancelled.add(batch);
      await states.cancel(batch);
    },
  };
}
