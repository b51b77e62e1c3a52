// How the models have done on each task of late: what the pools added up, and what of it has drifted.

import type { Redis } from "ioredis";
import type { Fleet } from "../src/config/fleet.ts";
import type { ModelId } from "../src/job/names.ts";
import { toStats } from "../src/routing/call-sums.ts";
import type { ModelStats } from "../src/routing/model-stats.ts";
import { createRedisStatsBook } from "../src/routing/redis-stats-book.ts";
import type { DriftNote } from "./drift-notes.ts";

export interface WorkStatus {
  readonly task: string;
  readonly purpose: "answer" | "judge" | "analyse" | "agreement";
  /** For agreements the models that were compared, joined by `+`. */
  readonly model: ModelId;
  readonly stats: ModelStats;
  /** What the pilot saw, where it has fallen off from that. */
  readonly fallenFrom?: number;
}

/** What has faded to less says nothing any more. */
const LEAST_CALLS = 0.5;

/** Of the configured tasks, in their order; nothing where no call was made yet. */
export async function readWork(
  redis: Redis,
  fleet: Pick<Fleet, "tasks" | "providers" | "models">,
  drifts: readonly DriftNote[],
): Promise<readonly WorkStatus[]> {
  const books = await Promise.all(Array.from(fleet.providers.keys(), (provider) => createRedisStatsBook({ redis, provider }).read()));
  const tasks = [...fleet.tasks.keys()];
  return books
    .flatMap((book) => Array.from(book, ([subject, sums]) => ({ ...parseSubject(subject), stats: toStats(sums) })))
    .filter(({ task, stats }) => fleet.tasks.has(task) && stats.calls >= LEAST_CALLS)
    .map(({ task, purpose, model, stats }): WorkStatus => {
      const fall = drifts.find((drift) => drift.task === task && drift.subject === model);
      const isAgreement = purpose === "answer" && !fleet.models.has(model) && model.includes("+");
      return { task, purpose: isAgreement ? "agreement" : purpose, model, stats, ...(fall ? { fallenFrom: fall.before } : {}) };
    })
    .toSorted(
      (a, b) => tasks.indexOf(a.task) - tasks.indexOf(b.task) || a.purpose.localeCompare(b.purpose) || a.model.localeCompare(b.model),
    );
}

function parseSubject(subject: string): Pick<WorkStatus, "task" | "purpose" | "model"> {
  const bar = subject.indexOf("|");
  const [task = "", purpose = "answer"] = subject.slice(0, bar).split("~");
  return { task, purpose: purpose === "judge" || purpose === "analyse" ? purpose : "answer", model: subject.slice(bar + 1) as ModelId };
}
