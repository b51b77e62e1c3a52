// Whether a worker still holds the queue job that it is working on.

import type { Job as QueueJob } from "bullmq";

import { queueJobKey } from "../src/runtime/keys.ts";
import type { RedisConnection } from "../queues/connection.ts";

/** A lock can't be lost before its time is over; a process that was halted, or too busy to renew it, may have lost it then. `now`: unix ms. */
export async function isLockHeld(
  redis: RedisConnection,
  queueJob: QueueJob,
  { lockMs, now }: { readonly lockMs: number; readonly now: number },
): Promise<boolean> {
  if (now - (queueJob.processedOn ?? 0) < lockMs) return true;
  return (await redis.get(`${queueJobKey(queueJob.queueName, queueJob.id!)}:lock`)) === queueJob.token;
}
