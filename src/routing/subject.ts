// What routing decides about: a job of a task, what it needs, and what it has met so far.

import type { Analysis } from "../job/analysis.ts";
import type { Job } from "../job/job.ts";
import type { Progress } from "../job/progress.ts";
import type { TaskSpec } from "../job/task.ts";
import type { Needs } from "./needs.ts";

export interface Subject {
  readonly task: TaskSpec;
  readonly job: Job;
  readonly progress: Progress;
  readonly needs: Needs;
  /** What a model said of it, where one was asked, else by analyse(). */
  readonly analysis: Analysis;
}
