// `plan --sample`: some rows of the file really asked of every model compared, as a pilot does it. The answers stay in the store: the same sample is paid once.

import type { Fleet } from "../src/config/fleet.ts";
import { StoppedError, UsageError } from "../src/job/errors.ts";
import type { JobTerms } from "../src/job/job.ts";
import type { ModelId } from "../src/job/names.ts";
import { routeModels, type TaskSpec } from "../src/job/task.ts";
import { formatCount, formatUsd } from "../src/report/format.ts";
import { openStore } from "../src/results/open-store.ts";
import { systemClock } from "../src/runtime/clock.ts";
import type { JobInput } from "../src/intake/job-input.ts";
import type { Trials } from "../src/plan/trials.ts";
import { endCallsWhenInterrupted } from "./end-calls-when-interrupted.ts";
import { openFleet } from "./open-fleet.ts";
import { readTrial } from "./pilot-answers.ts";
import { chooseCandidates, namedModels } from "./pilot-candidates.ts";
import { confirmCost } from "./pilot-confirm.ts";
import { estimateCostNanoUsd } from "./pilot-estimate.ts";
import { runTrials } from "./pilot-run.ts";
import { drawSample } from "./pilot-sample.ts";
import { planTrials } from "./pilot-trial.ts";
import { readTrialBatches } from "./plan-trials.ts";
import { createProgress } from "./progress.ts";
import { say } from "./terminal.ts";

export interface SampleRequest {
  readonly task: TaskSpec;
  readonly input: JobInput;
  readonly terms: JobTerms;
  readonly size: number;
  readonly baseline?: ModelId | undefined;
  readonly config?: string | undefined;
}

/** `interrupted`: the same command again goes on. @throws StoppedError when the person at the terminal doesn't want to pay. */
export async function askSample(fleet: Fleet, request: SampleRequest): Promise<Trials | "interrupted"> {
  const { task, input, terms, size, baseline, config } = request;
  if (size > fleet.queues.windowRows) {
    throw new UsageError(
      `--sample ${size} is more than can be asked`,
      `At most ${formatCount(fleet.queues.windowRows)} rows (queues.windowRows).`,
    );
  }
  const { rows: drawn } = await drawSample(input.rows(), { size, seed: 1 });
  const named = namedModels(fleet, task, [...routeModels(task.route), ...(baseline === undefined ? [] : [baseline])]);
  const { models, rows, leftOut } = chooseCandidates(fleet, task, { models: named, rows: drawn, terms });
  for (const { model, reason } of leftOut) say(`left out of the sample: ${model}: ${reason}`);
  // What judging takes, and how often it lets pass, is part of the cost.
  const basis = task.judge ? "judge" : "agreement";
  const judges = task.judge ? namedModels(fleet, task, task.judge.models) : [];
  const trials = planTrials(task, { name: input.name, rows, models, basis, judges, terms });
  const comparing = { basis, gold: () => undefined } as const;
  const progress = createProgress(systemClock, process.stderr.isTTY);
  const shutdown = endCallsWhenInterrupted(() => progress.end());
  const { signal } = shutdown;
  const store = openStore(fleet);
  try {
    const before = await Promise.all(trials.map((trial) => readTrial(store, trial, comparing)));
    const open = trials.flatMap((trial, i) => {
      const { endedRows, unaskedRows } = before[i]!;
      const missing = rows.length - endedRows + unaskedRows;
      return missing === 0 ? [] : [{ ...trial, hasUnasked: unaskedRows > 0, missing }];
    });
    if (open.length > 0) {
      const asked = open.map(({ model, missing }) => ({ model, rows: missing }));
      const estimateNanoUsd = await estimateCostNanoUsd(task, rows, { asked, judge: judges[0] });
      const calls = asked.reduce((sum, each) => sum + each.rows, 0);
      say(`sample: ${formatCount(rows.length)} rows, ${formatCount(calls)} calls to make, about ${formatUsd(estimateNanoUsd)}`);
      const advice = "--sample takes fewer rows";
      const answer = await confirmCost(estimateNanoUsd, { advice, isCapped: false, isInputRead: false, signal });
      if (answer === "interrupted" || signal.aborted) return "interrupted";
      if (answer === "no") {
        throw new StoppedError("nothing was called", "Take fewer rows (--sample), or leave it out.");
      }
      const opened = await openFleet(config === undefined ? {} : { config }, { patient: true, fleet });
      try {
        const run = {
          task,
          trials: open,
          rows: rows.length,
          estimateNanoUsd,
          judges: judges.map(({ id }) => id),
          config,
          progress,
          signal,
        };
        const end = await runTrials(opened, run).finally(() => progress.end());
        if (end === "interrupted") return "interrupted";
      } finally {
        await opened.close();
      }
    }
    const batches = trials.map(({ batch }) => batch);
    return { ...(await readTrialBatches(store, task, batches)), isWithin: true };
  } finally {
    shutdown.dispose();
    await store.stop();
  }
}
