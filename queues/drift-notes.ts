// What has drifted, as the fleet knows it: a hash in the fleet's slot, one field for each task and model.

import type { Redis } from "ioredis";
import type { ModelId } from "../src/job/names.ts";
import type { Fall } from "../src/routing/drift.ts";
import { fleetKeys } from "../src/runtime/keys.ts";

export interface DriftNote extends Fall {
  readonly task: string;
}

/** True for whoever notes it first. */
export async function noteDrift(redis: Redis, task: string, fall: Fall): Promise<boolean> {
  return (await redis.hset(fleetKeys.drifts, fieldOf(task, fall.subject), JSON.stringify({ task, ...fall }))) === 1;
}

/** True for whoever strikes it off first. */
export async function forgetDrift(redis: Redis, task: string, subject: ModelId): Promise<boolean> {
  return (await redis.hdel(fleetKeys.drifts, fieldOf(task, subject))) === 1;
}

export async function readDrifts(redis: Redis): Promise<readonly DriftNote[]> {
  return Object.values(await redis.hgetall(fleetKeys.drifts)).map((json) => JSON.parse(json) as DriftNote);
}

function fieldOf(task: string, subject: ModelId): string {
  return `${task}|${subject}`;
}
