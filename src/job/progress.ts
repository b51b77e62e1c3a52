// What a job has met so far: it travels with the job from queue to queue.

import type { Analysis } from "./analysis.ts";
import type { ModelId } from "./names.ts";
import type { Answer } from "./outcome.ts";
import type { Step } from "./task.ts";
import type { TrailEntry } from "./trail.ts";

/** A model the job will not be given again, and why. Only what the job itself met there excludes a model. */
export interface Exclusion {
  readonly model: ModelId;
  readonly cause: "context" | "capability" | "check" | "cut-off" | "transient" | "refused" | "disagreed" | "judged" | "policy";
  readonly reason: string;
}

export interface HeldAnswer {
  readonly model: ModelId;
  readonly answer: Answer;
  /** Other models that gave the same answer: they can't judge it. */
  readonly alike?: readonly ModelId[];
  readonly reason?: string;
}

export interface Progress {
  readonly trail: readonly TrailEntry[];
  readonly excluded: readonly Exclusion[];
  /** How often the job was moved to another model or step. */
  readonly reroutes: number;
  readonly refusals: number;
  /** Unix ms since when no able model has been available; absent while one was. */
  readonly unavailableSince?: number;
  /** What runs next, before the route goes on: the first of these steps that can. */
  readonly next?: readonly Step[];
  /** An answer that waits for its judgement, or that is to be repaired for this reason. */
  readonly held?: HeldAnswer;
  /** Models that were asked to repair an answer: once each. */
  readonly repaired?: readonly ModelId[];
  /** Asked of a model. */
  readonly analysis?: Analysis;
  readonly enqueuedAt: number;
}

export function freshProgress(enqueuedAt: number): Progress {
  return { trail: [], excluded: [], reroutes: 0, refusals: 0, enqueuedAt };
}

const EARLIEST_MS = Date.UTC(2000, 0);
const LATEST_MS = Date.UTC(2100, 0);

/** A foreign client's time in whole milliseconds; what is none between 2000 and 2100 (microseconds, text, NaN) is taken for `now`. */
export function plausibleTime(unixMs: unknown, now: number): number {
  if (typeof unixMs !== "number") return now;
  return unixMs >= EARLIEST_MS && unixMs < LATEST_MS ? Math.round(unixMs) : now;
}
