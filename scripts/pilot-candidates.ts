// Who takes part in a pilot: the models asked for that are able and may see the rows, and the rows that all of them may see.

import { nearest } from "../src/config/nearest.ts";
import type { Fleet } from "../src/config/fleet.ts";
import { UsageError } from "../src/job/errors.ts";
import type { Job, JobTerms } from "../src/job/job.ts";
import type { ModelSpec } from "../src/job/model.ts";
import type { ModelId } from "../src/job/names.ts";
import { freshProgress } from "../src/job/progress.ts";
import { routeModels, type TaskSpec } from "../src/job/task.ts";
import { createFilter } from "../src/routing/able.ts";
import type { ModelView } from "../src/routing/model-view.ts";
import { NO_STATS } from "../src/routing/model-stats.ts";
import { needsOf } from "../src/routing/needs.ts";
import type { SampledRow } from "./pilot-sample.ts";

export interface Candidates {
  readonly models: readonly ModelSpec[];
  readonly leftOut: readonly { readonly model: ModelId; readonly reason: string }[];
  /** Those of the sample that every candidate may be asked. */
  readonly rows: readonly SampledRow[];
}

/** A model that can't do more of the rows than this is left out; up to that, the rows are. */
const MOST_LOST_ROWS = 0.1;

/** The models named, or those of the task's route. @throws UsageError for a model that isn't configured. */
export function namedModels(fleet: Pick<Fleet, "models">, task: TaskSpec, names: readonly string[] | undefined): readonly ModelSpec[] {
  const ids = names ?? routeModels(task.route);
  return [...new Set(ids)].map((id) => {
    const model = fleet.models.get(id as ModelId);
    if (model) return model;
    const near = nearest(id, fleet.models.keys());
    throw new UsageError(
      `no model "${id}" is configured`,
      near ? `Did you mean "${near}"?` : `There are: ${[...fleet.models.keys()].join(", ")}.`,
    );
  });
}

/** @throws UsageError naming the models without a price: their cost could be neither compared nor bounded. */
export function requirePrices(models: readonly ModelSpec[]): void {
  const unpriced = models.filter(({ price }) => !price).map(({ id }) => id);
  if (unpriced.length === 0) return;
  throw new UsageError(
    `a pilot weighs cost against quality, and these models have no price: ${unpriced.join(", ")}`,
    "Give each one its price (dollars per million tokens), such as price: { input: 0.25, output: 2 }; or choose others with --models.",
  );
}

/** Asks the router's own filters. @throws UsageError when no model or no row is left. */
export function chooseCandidates(
  fleet: Pick<Fleet, "models">,
  task: TaskSpec,
  given: { readonly models: readonly ModelSpec[]; readonly rows: readonly SampledRow[]; readonly terms: JobTerms },
): Candidates {
  const { models, rows, terms } = given;
  const view = configuredView(fleet);
  const reasons = rows.map(({ row }) => {
    const job: Job = { batch: "pilot", row: row.row, task: task.name, input: row.input, ...(row.body ? { body: row.body } : {}), ...terms };
    const filter = createFilter({ task, job, progress: freshProgress(0), needs: needsOf(job, task), analysis: NO_ANALYSIS }, view);
    return new Map(models.map(({ id }) => [id, filter.whyUnable(id)]));
  });
  const able: ModelSpec[] = [];
  const leftOut: { model: ModelId; reason: string }[] = [];
  for (const model of models) {
    const found = reasons.flatMap((byModel) => byModel.get(model.id) ?? []);
    if (found.length <= rows.length * MOST_LOST_ROWS) able.push(model);
    else
      leftOut.push({
        model: model.id,
        reason: found.length === rows.length ? found[0]! : `${found.length} of ${rows.length} rows: ${found[0]}`,
      });
  }
  if (able.length === 0) {
    const lines = leftOut.map(({ model, reason }) => `  ${model}: ${reason}`);
    throw new UsageError(`no model may or can take these rows:\n${lines.join("\n")}`, "Name others with --models.");
  }
  const kept = rows.filter((_, i) => able.every(({ id }) => reasons[i]!.get(id) === undefined));
  if (kept.length === 0) {
    throw new UsageError("there is no row that all models can take", "Name fewer with --models.");
  }
  return { models: able, leftOut, rows: kept };
}

const NO_ANALYSIS = { complexity: 0.5, reasons: [] };

/** How the models are doing now is not asked: that passes. */
function configuredView({ models }: Pick<Fleet, "models">): ModelView {
  return {
    model: (id) => models.get(id),
    availability: () => ({ kind: "available" }),
    expectedWaitMs: () => 0,
    stats: () => NO_STATS,
    isDemoted: () => false,
    whyShut: () => undefined,
  };
}
