// Queues of models that the configuration no longer has: their jobs go back to their task queues, to be bound to models that are there. Calls of theirs that were cut off are booked.
//
// While processes with different configurations are alive (a change being rolled out), nothing is touched: another process may still serve the model.

import type { Job as QueueJob } from "bullmq";
import { resolvePrices } from "../src/cost/resolve-price.ts";
import type { Price } from "../src/job/model.ts";
import { escapeModelName, splitModelId, type ModelId } from "../src/job/names.ts";
import type { Limiter } from "../src/limits/limiter.ts";
import { createRedisLimiter } from "../src/limits/redis-limiter.ts";
import { beforeStep } from "../src/routing/decide.ts";
import { parseQueueName } from "../src/runtime/keys.ts";
import { liveProcesses } from "../queues/fleet-registry.ts";
import type { CallEnvelope } from "../queues/payload.ts";
import { createFleetWorker, type FleetWorker, type Disposition } from "../queues/worker-factory.ts";
import { admit, jittered, PAUSED_DELAY_MS } from "./admission.ts";
import { ownEntries } from "./call-envelope.ts";
import { withCutOff } from "./cut-off-call.ts";
import type { Ending } from "./ending.ts";
import type { FleetPart, ProcessContext } from "./process-context.ts";
import { createStepJoin, isJoined } from "./step-join.ts";

const LOOK_EVERY_MS = 5_000;
const CONCURRENCY = 16;

export function createStrayQueues(context: ProcessContext, ending: Ending): FleetPart {
  const { fleet, redis, states, queues, clock, log } = context;
  const join = createStepJoin({ states, queues, ending });
  const workers = new Map<string, FleetWorker>();
  const limiters = new Map<string, Limiter>();
  const stopping = new AbortController();

  /** Where the permits of its provider's calls are; the provider may be gone, too. */
  const limiterOf = (model: ModelId): Limiter => {
    const { provider } = splitModelId(model);
    const spec = fleet.providers.get(provider) ?? { name: provider, kind: "openai-compatible", apiKey: "", limits: {}, models: [] };
    const limiter = limiters.get(provider) ?? createRedisLimiter({ redis, clock, providers: new Map([[provider, spec]]) });
    limiters.set(provider, limiter);
    return limiter;
  };

  /** What the model cost before, or the catalogue's price: its own went with the configuration. */
  const priceOf = async ({ model, progress }: CallEnvelope): Promise<Price | undefined> => {
    const before = progress.trail.findLast((entry) => entry.model === model)?.price;
    const { provider, name } = splitModelId(model);
    const spec = fleet.providers.get(provider);
    if (before || !spec) return before;
    const prices = await resolvePrices({ [provider]: { ...spec, models: { [name]: {} } } }, new Date(clock.now()));
    const found = prices.get(model);
    return found?.kind === "priced" ? found.price : undefined;
  };

  const sendBack = async (queueJob: QueueJob): Promise<Disposition> => {
    let envelope = queueJob.data as CallEnvelope;
    const { job, hop, round, step, part, model } = envelope;
    const admitted = await admit(envelope, { states, clock }, { place: escapeModelName(splitModelId(model).name), queueJob, part });
    if (admitted.kind === "paused") return { kind: "later", delayMs: jittered(PAUSED_DELAY_MS) };
    envelope = await withCutOff(envelope, queueJob, { limiter: limiterOf(model), price: () => priceOf(envelope) });
    if (admitted.kind === "gone") {
      if (ownEntries(envelope).length > 0) await ending.booked(envelope);
      return { kind: "finish" };
    }
    if (admitted.kind === "over") {
      await (isJoined(envelope) ? join.end(envelope, admitted.error) : ending.failed(envelope, admitted.error));
      return { kind: "finish" };
    }
    // The other calls of its step may have been made: where they are joined, the job is bound again.
    if (isJoined(envelope)) {
      if (part === 0) await join.addOthers(envelope);
      await join.bring(envelope, { kind: "unavailable", scope: "model", reason: `${model} is no longer configured` });
      return { kind: "finish" };
    }
    await queues.addToTask([{ job, hop: hop + 1, round, progress: beforeStep(envelope.progress, step, fleet.tasks.get(job.task)) }]);
    return { kind: "finish" };
  };

  const look = async () => {
    const processes = await liveProcesses(redis);
    if (processes.some((each) => each.configHash !== fleet.hash)) return;
    for (const name of await queues.known()) {
      const parsed = parseQueueName(name);
      if (parsed?.kind !== "model" || fleet.models.has(parsed.model) || workers.has(name)) continue;
      const counts = await queues.queue(name).getJobCounts("wait", "active", "delayed");
      if (Object.values(counts).every((count) => count === 0)) continue;
      log.warn({ model: parsed.model }, "the model is no longer configured: its queue is emptied back into the task queues");
      workers.set(name, createFleetWorker({ queue: name, redis, concurrency: CONCURRENCY, ...fleet.queues, log, process: sendBack }));
    }
  };

  const running = (async () => {
    while (!stopping.signal.aborted) {
      await look().catch((error: unknown) => log.debug({ err: error }, "looking for stray queues failed"));
      await clock.sleep(LOOK_EVERY_MS, stopping.signal);
    }
  })();

  return {
    async stop() {
      stopping.abort();
      await running;
      await Promise.all(Array.from(workers.values(), (worker) => worker.stop()));
      await Promise.all(Array.from(limiters.values(), (limiter) => limiter.stop()));
    },
  };
}
