// Why a task's rows may not be moving: what of its route takes no calls now, as far as Redis tells.

import { formatDuration } from "../src/report/format.ts";
import { taskModels } from "../src/job/task.ts";
import { readFleetStatus, type ModelStatus } from "../queues/fleet-status.ts";
import { heldMs } from "../queues/model-status.ts";
import type { OpenFleet } from "./open-fleet.ts";

/** Each a short reason; empty when all seems well. */
export async function whyStuck({ redis, fleet, queues, states, clock }: OpenFleet, task: string): Promise<readonly string[]> {
  const seen = await readFleetStatus({ redis, states, queues, clock, fleet });
  if (seen.processes.length === 0) return ["no fleet is running: modelfleet up"];
  const spec = fleet.tasks.get(task);
  const route = new Set(spec && taskModels(spec));
  return seen.models.filter(({ model }) => route.has(model)).flatMap((model) => reasonOf(model, seen.at) ?? []);
}

function reasonOf(status: ModelStatus, now: number): string | undefined {
  const { model, breaker } = status;
  switch (breaker.kind) {
    case "open":
      return `${model}: breaker open for ${formatDuration(Math.max(0, breaker.openUntil - now))} more: ${withoutName(breaker.reason, model)}`;
    case "half-open":
      return `${model}: breaker half-open: ${withoutName(breaker.reason, model)}`;
    case "closed": {
      const ms = heldMs(status, now);
      return ms > 0 ? `${model}: held by its vendor for ${formatDuration(ms)}` : undefined;
    }
    default:
      return breaker satisfies never;
  }
}

function withoutName(reason: string, model: string): string {
  return reason.replace(`${model}: `, "");
}
