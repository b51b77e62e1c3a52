// The calls of a pilot: every model's batch through the fleet, side by side, until all are over, the money is spent, or somebody interrupts.

import type { ModelId } from "../src/job/names.ts";
import type { TaskSpec } from "../src/job/task.ts";
import { openBatch } from "./batch-session.ts";
import { GRACE_MS } from "./end-calls-when-interrupted.ts";
import { createFleetKeeper } from "./fleet-keeper.ts";
import type { OpenFleet } from "./open-fleet.ts";
import { isUnasked } from "./pilot-answers.ts";
import { createPilotPace, type PilotPace } from "./pilot-pace.ts";
import type { Trial } from "./pilot-trial.ts";
import type { Progress } from "./progress.ts";
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
  /** What these trials may cost, earlier runs of theirs included; absent: no cap. */
  readonly maxCostNanoUsd?: number | undefined;
  /** What the calls that are to be made are expected to cost. */
  readonly estimateNanoUsd: number;
  /** Who may be called beside the candidates. */
  readonly judges: readonly ModelId[];
  readonly config?: string | undefined;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

export type PilotEnd = "finished" | "too-dear" | "interrupted";

const PATIENCE_MS = 15 * 60_000;

/** @throws StoppedError when nothing moves any more, UsageError when no fleet can be started. The same run again goes on from there. */
export async function runTrials(open: OpenFleet, run: PilotRun): Promise<PilotEnd> {
  const { task, trials, rows, judges, config, signal } = run;
  const models = [...trials.map(({ model }) => model.id), ...judges];
  const keeper = createFleetKeeper(open, { role: "pilot", task: task.name, models, config });
  const shared = shareProgress(run.progress, rows * trials.length);
  const failed = new AbortController();
  const pace = createPace(run);
  const either = AbortSignal.any([signal, failed.signal, ...(pace ? [pace.spent] : [])]);

  const reopenable = affordableRows(open, run);

  const work = async ({ batch, input, terms, hasUnasked }: OpenTrial) => {
    if (hasUnasked) await reopenUnasked(open, batch, { mostRows: await reopenable, signal: either });
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
      ...(pace ? { admit: (row: number) => pace.admit(row), onPoll: async (status) => pace.note(status) } : {}),
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
    return pace?.spent.aborted ? "too-dear" : "finished";
  } finally {
    await keeper.stop(0);
  }
}

/** Rows that were never really asked (cancelled, lost, out of patience) are opened once more: the first of them, as far as the money goes. */
async function reopenUnasked(
  open: OpenFleet,
  batch: string,
  { mostRows, signal }: { readonly mostRows: number; readonly signal: AbortSignal },
): Promise<void> {
  if (mostRows < 1) return;
  const { before, round } = await open.states.beginRetry(batch);
  if (before !== "finished" && before !== "cancelled" && before !== "retrying") return;
  let wanted = 0;
  await reopenFailed(open, { batch, round, signal, isWanted: (result) => isUnasked(result) && wanted++ < mostRows });
}

/** Of each batch: what is left of the cap, by what a row in all of them is expected to cost. */
async function affordableRows({ states }: OpenFleet, { trials, rows, maxCostNanoUsd, estimateNanoUsd }: PilotRun): Promise<number> {
  if (maxCostNanoUsd === undefined) return Number.POSITIVE_INFINITY;
  const statuses = await Promise.all(trials.map(({ batch }) => states.status(batch)));
  const spentNanoUsd = statuses.reduce((sum, status) => sum + (status?.costNanoUsd ?? 0), 0);
  return Math.max(0, Math.floor((maxCostNanoUsd - spentNanoUsd) / Math.max(1, estimateNanoUsd / rows)));
}

function createPace({ trials, rows, maxCostNanoUsd, estimateNanoUsd, signal }: PilotRun): PilotPace | undefined {
  if (maxCostNanoUsd === undefined) return undefined;
  const batches = trials.map(({ batch }) => batch);
  return createPilotPace({ batches, rows, maxCostNanoUsd, estimateNanoUsd: estimateNanoUsd / rows, signal });
}
