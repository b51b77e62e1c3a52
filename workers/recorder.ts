// The recorder: brings results from Redis into the store, keeps the live totals, and sees every batch to its end.
//
// For each live batch it holds by lease: records what has come (batch-recording.ts: store, live totals, the batch's own counts), until the batch is over.
// Stopped, it first records what is there by then: a row that has its result is in the store when the command has ended.

import { randomUUID } from "node:crypto";
import { createLiveTotals } from "../src/cost/redis-live-totals.ts";
import { StoppedError } from "../src/job/errors.ts";
import { isOver } from "../src/job/batch.ts";
import type { Store } from "../src/results/store.ts";
import { fleetKeys } from "../src/runtime/keys.ts";
import { sharedSignal } from "../src/runtime/shared-signal.ts";
import { createReconciler } from "../queues/reconciler.ts";
import { createResultStream } from "../queues/result-stream.ts";
import { createBatchRecording } from "./batch-recording.ts";
import type { FleetPart, ProcessContext } from "./process-context.ts";

const LEASE_MS = 10_000;
const RENEW_MS = 3_000;
/** Between two looks at the same batch when there was nothing to write. */
const IDLE_MS = 50;
/** Between two looks for new batches. */
const LIST_MS = 250;
/** After a failure: the store may be away for hours. */
const RETRY_MS = 1_000;
/** What is there when it is stopped gets this long; the rest waits in Redis for the next recorder. */
const LAST_MS = 4_000;
/** Between two looks at a batch that is over. */
const QUIET_MS = 5_000;
/** A batch is registered before it is made: a name without keys is one whose keys have expired only when it has been so for this long. */
const UNKNOWN_MS = 60_000;

export function createRecorder(context: ProcessContext, { store }: { readonly store: Store }): FleetPart {
  const { fleet, redis, states, clock, log } = context;
  const stream = createResultStream(redis, randomUUID());
  const totals = createLiveTotals(redis);
  const stopping = new AbortController();
  const signal = sharedSignal(stopping.signal);
  /** Aborted when even what is there already is no longer waited for. */
  const hurrying = new AbortController();
  const followed = new Map<string, Promise<void>>();

  /** Follows one batch until it is over, another recorder has it, or we stop and all that had come by then is recorded. */
  const follow = async (batch: string) => {
    if (!(await stream.lease(batch, LEASE_MS))) return;
    const recording = createBatchRecording({ stream, store, totals }, batch);
    const reconciler = createReconciler(context, { batch, everyMs: fleet.queues.reconcileMs });
    let renewAt = clock.now() + RENEW_MS;
    while (!hurrying.signal.aborted) {
      const isLast = signal.aborted;
      if (clock.now() >= renewAt) {
        if (!(await stream.lease(batch, LEASE_MS))) return;
        renewAt = clock.now() + RENEW_MS;
      }
      const { entries, isAll, state } = await recording.next();
      if (state === "lost") return;
      if (state === "unknown" || isOver(state)) {
        if (entries === 0) break;
        continue;
      }
      if (isLast && isAll) break;
      if (!isLast) await reconciler.tick();
      if (isAll) await clock.sleep(IDLE_MS, signal);
    }
    await stream.release(batch);
  };

  /** Batches that are over, and when to look again whether a retry has opened them or a late result has come; and those whose recording failed. */
  const quiet = new Map<string, number>();
  /** Registered batches without keys, and since when. */
  const unknownSince = new Map<string, number>();

  const followAndRest = async (batch: string) => {
    await follow(batch);
    const status = await states.status(batch);
    if (status) unknownSince.delete(batch);
    else await strikeOff(batch);
    if (status && isOver(status.state)) quiet.set(batch, clock.now() + QUIET_MS);
    else quiet.delete(batch);
  };

  const strikeOff = async (batch: string) => {
    const since = unknownSince.get(batch) ?? clock.now();
    unknownSince.set(batch, since);
    if (clock.now() - since < UNKNOWN_MS) return;
    await redis.zrem(fleetKeys.batches, batch);
    await totals.forget(batch);
    unknownSince.delete(batch);
  };

  const followBatches = async () => {
    for (;;) {
      const isLast = signal.aborted;
      const batches = await states.list().catch((): readonly string[] => []);
      const due = batches.filter((batch) => !followed.has(batch) && (quiet.get(batch) ?? 0) <= clock.now());
      for (const batch of due) {
        const following = followAndRest(batch)
          .catch(async (error: unknown) => {
            log.error({ batch, err: error }, "recording failed; it is tried again");
            quiet.set(batch, clock.now() + RETRY_MS);
            if (signal.aborted) await stream.release(batch).catch(() => undefined);
          })
          .finally(() => clock.sleep(IDLE_MS, signal).then(() => followed.delete(batch)));
        followed.set(batch, following);
      }
      if (isLast) return;
      await clock.sleep(LIST_MS, signal);
    }
  };
  const running = followBatches();

  return {
    async stop() {
      stopping.abort();
      const ended = new AbortController();
      void clock.sleep(LAST_MS, ended.signal).then(() => hurrying.abort());
      await running;
      await Promise.all(followed.values());
      ended.abort();
    },
  };
}

/** One Redis belongs to one store: a second one would hold half of the results. Refuses with StoppedError. */
export async function requireSameStore({ redis }: Pick<ProcessContext, "redis">, store: Store): Promise<void> {
  const own = await store.identity();
  await redis.set(fleetKeys.store, own, "NX");
  const known = await redis.get(fleetKeys.store);
  if (known === own) return;
  throw new StoppedError(
    `the results of this Redis belong to another store than ${store.place}`,
    "Start this process with the same store as the others, or use another Redis.",
  );
}
