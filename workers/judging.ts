// Which answers are judged: a sample of the task's rows; in a trial all or none.

import type { Job } from "../src/job/job.ts";
import type { TaskSpec } from "../src/job/task.ts";
import { isJudged } from "../src/quality/judge.ts";

export function isAnswerJudged({ judge }: Pick<TaskSpec, "judge">, job: Job): boolean {
  if (!judge) return false;
  return job.trial === undefined ? isJudged(judge, job) : job.trial === "judged";
}
