// What a pilot asks, and how it tells right from wrong: by gold answers, by the task's judge, or by agreement alone. Each model's share of it is a batch.

import { UsageError } from "../src/job/errors.ts";
import type { JobTerms } from "../src/job/job.ts";
import type { ModelSpec } from "../src/job/model.ts";
import type { TaskSpec } from "../src/job/task.ts";
import type { Basis } from "../src/pilot/pilot.ts";
import type { JobInput } from "../src/intake/job-input.ts";
import { pilotBatch } from "./pilot-batch.ts";
import type { SampledRow } from "./pilot-sample.ts";

/** One model's batch: the sample's rows, numbered from 0. */
export interface Trial {
  readonly model: ModelSpec;
  readonly batch: string;
  readonly input: JobInput;
  readonly terms: JobTerms;
}

export function chooseBasis(task: TaskSpec, gold: string | undefined): Basis {
  if (gold !== undefined) return "gold";
  return task.judge ? "judge" : "agreement";
}

/**
 * The field of the answers that is compared; undefined: the whole answer. Named, or the output's only property, or one named like the gold field, or
 * `answer` or `label`. @throws UsageError for a field that the output doesn't have, or when gold answers need one and none can be told.
 */
export function chooseAnswerField(
  task: TaskSpec,
  { answer, gold }: { readonly answer?: string | undefined; readonly gold?: string | undefined },
): string | undefined {
  if (task.output === undefined) {
    if (answer === undefined) return undefined;
    throw new UsageError(
      `--answer ${answer}: the task "${task.name}" answers in text, which has no fields`,
      "Leave --answer out: the whole text is compared. Or give the task an `output` schema.",
    );
  }
  const properties = propertiesOf(task);
  if (answer !== undefined) {
    const isKnown = properties.length === 0 || properties.includes(answer.split(".")[0]!);
    if (isKnown) return answer;
    throw new UsageError(`--answer ${answer}: the output of "${task.name}" has no such field`, `It has: ${properties.join(", ")}.`);
  }
  if (properties.length === 1) return properties[0];
  const likeGold = gold === undefined ? undefined : gold.split(".").at(-1);
  const found = [likeGold, "answer", "label"].find((name) => name !== undefined && properties.includes(name));
  if (found !== undefined || gold === undefined) return found;
  throw new UsageError(
    `which field of the answers is to be held against "${gold}"? Say it with --answer`,
    properties.length > 0
      ? `The output of "${task.name}" has: ${properties.join(", ")}.`
      : `The output of "${task.name}" names no properties.`,
  );
}

/** The same rows, task and model make the same batch: a pilot that is repeated calls nothing again. */
export function planTrials(
  task: TaskSpec,
  given: {
    readonly name: string;
    readonly rows: readonly SampledRow[];
    readonly models: readonly ModelSpec[];
    readonly basis: Basis;
    /** Who judges the answers, where a judge is the measure. */
    readonly judges: readonly ModelSpec[];
    readonly terms: JobTerms;
  },
): readonly Trial[] {
  const { name, models, basis, judges } = given;
  const rows = given.rows.map(({ row }, i) => ({ ...row, row: i }));
  const digests = rows.map((row) => row.digest);
  return models.map((model) => {
    // What a job allows holds for its judges too. Should one of them answer for want of the model, that is no answer of the model's (pilot-answers.ts).
    const allow = [...new Set([model.id, ...judges.map(({ id }) => id)])];
    const terms: JobTerms = { ...given.terms, allow, trial: basis === "judge" ? "judged" : "checked" };
    const batch = pilotBatch(task, digests, terms);
    const input: JobInput = {
      name,
      isFile: true, // it can be read again: it is at hand
      derivedBatch: batch,
      async *rows() {
        yield* rows;
      },
      leave: () => undefined,
    };
    return { model, batch, input, terms };
  });
}

function propertiesOf({ output }: TaskSpec): readonly string[] {
  const properties = typeof output === "object" ? output["properties"] : undefined;
  return typeof properties === "object" && properties !== null && !Array.isArray(properties) ? Object.keys(properties) : [];
}
