// What a pilot will do, settled before anything is called: its sample, who takes part, and what is right.

import type { Fleet } from "../src/config/fleet.ts";
import { UsageError } from "../src/job/errors.ts";
import type { ModelSpec } from "../src/job/model.ts";
import type { TaskSpec } from "../src/job/task.ts";
import { formatCount } from "../src/report/format.ts";
import { openInput, requireTask } from "./job-input.ts";
import { requireOutput } from "./output.ts";
import type { Comparing } from "./pilot-answers.ts";
import { chooseCandidates, namedModels, requirePrices, type Candidates } from "./pilot-candidates.ts";
import type { PilotCommandOptions, PilotNumbers } from "./pilot-options.ts";
import { drawSample, type PilotSample } from "./pilot-sample.ts";
import { chooseAnswerField, chooseBasis, planTrials, type Trial } from "./pilot-trial.ts";
import { parseTerms } from "./row-terms.ts";

export interface PilotPlan extends Candidates {
  readonly task: TaskSpec;
  readonly inputName: string;
  readonly sample: PilotSample;
  /** Who judges the answers; empty unless the basis is a judge. */
  readonly judges: readonly ModelSpec[];
  readonly comparing: Comparing;
  /** One for each candidate, in their order. */
  readonly trials: readonly Trial[];
}

/** @throws UsageError for whatever is wrong with the command, the configuration or the input. */
export async function planPilot(fleet: Fleet, file: string, command: PilotCommandOptions, numbers: PilotNumbers): Promise<PilotPlan> {
  const { gold, answer, dataClass, format } = command;
  const { windowRows } = fleet.queues;
  if (numbers.size > windowRows) {
    throw new UsageError(
      `--sample ${numbers.size} is more than a pilot takes`,
      `At most ${formatCount(windowRows)} rows (queues.windowRows) are drawn.`,
    );
  }
  const task = requireTask(fleet, command.task);
  const terms = parseTerms(dataClass === undefined ? {} : { dataClass }, fleet);
  const named = namedModels(fleet, task, command.models);
  const basis = chooseBasis(task, gold);
  const judges = basis === "judge" ? namedModels(fleet, task, task.judge?.models) : [];
  requirePrices([...named, ...judges]);
  const field = chooseAnswerField(task, { answer, gold });
  for (const output of [command.output, command.html, command.svg]) await requireOutput(output, file);

  const input = await openInput(file, task, format);
  const sample = await drawSample(input.rows(), { ...numbers, gold });
  const candidates = chooseCandidates(fleet, task, { models: named, rows: sample.rows, terms });
  const { models, rows } = candidates;
  return {
    ...candidates,
    task,
    inputName: input.name,
    sample,
    judges,
    comparing: { basis, field, gold: (row) => rows[row]?.gold },
    trials: planTrials(task, { name: input.name, rows, models, basis, judges, terms }),
  };
}
