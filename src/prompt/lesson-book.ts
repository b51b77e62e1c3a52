// The contract between a process's learner (token-learner.ts) and what the fleet has learned: the lessons of one provider's models, by subject.

import type { ModelId } from "../job/names.ts";
import type { LessonSums } from "./lesson-sums.ts";

/** A task and a model. */
export type Subject = `${string}|${ModelId}`;

export interface LessonBook {
  /** All that is known. */
  read(): Promise<ReadonlyMap<string, LessonSums>>;
  /** Adds new lessons; returns what is known of their subjects with them. */
  add(lessons: ReadonlyMap<Subject, LessonSums>): Promise<ReadonlyMap<string, LessonSums>>;
}
