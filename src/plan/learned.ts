// What the fleet has learned of its calls, task by task and model by model.

import type { ModelId } from "../job/names.ts";
import type { DimensionUse } from "../limits/limit-use.ts";
import type { LessonSums } from "../prompt/lesson-sums.ts";
import type { ModelStats } from "../routing/model-stats.ts";

/** By `task|model`. */
export interface Learned {
  readonly lessons: ReadonlyMap<string, LessonSums>;
  readonly stats: ReadonlyMap<string, ModelStats>;
  /** Limits that are lower than configured by the vendors' own word, per minute. */
  readonly vendorLimits: ReadonlyMap<ModelId, readonly Pick<DimensionUse, "dimension" | "limit">[]>;
  /** Rows of the batch that have a result already. */
  readonly doneRows: number;
}

export const NOTHING_LEARNED: Learned = { lessons: new Map(), stats: new Map(), vendorLimits: new Map(), doneRows: 0 };
