// What a job has met so far: it travels with the job from queue to queue.

import type { ModelId } from "./names.ts";
import type { TrailEntry } from "./trail.ts";

/** A model the job will not be given again, and why. Only what the job itself met there excludes a model. */
export interface Exclusion {
  readonly model: ModelId;
  readonly cause: "context" | "capability" | "check" | "cut-off" | "transient" | "refused" | "disagreed";
  readonly reason: string;
}

export interface Progress {
  readonly trail: readonly TrailEntry[];
  readonly excluded: readonly Exclusion[];
  /** How often the job was moved to another model or step. */
  readonly reroutes: number;
  readonly refusals: number;
  /** Unix ms since when no able model has been available; absent while one was. */
  readonly unavailableSince?: number;
  readonly enqueuedAt: number;
}

export function freshProgress(enqueuedAt: number): Progress {
  return { trail: [], excluded: [], reroutes: 0, refusals: 0, enqueuedAt };
}
