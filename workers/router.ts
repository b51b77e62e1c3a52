// The router: takes jobs from the task queues and binds each, late, to the models that suit it.
//
// A job that can't be bound now waits in its worker slot, which costs nothing, and is set aside after some seconds, so that jobs with other routes come through.

import type { Job as QueueJob } from "bullmq";
import { createInputValidator } from "../src/intake/validate.ts";
import type { TaskSpec } from "../src/job/task.ts";
import { queueCounterKey, taskQueue } from "../src/runtime/keys.ts";
import { needsPlace, parseTaskPayload, toTaskPayload, withPlace, type Envelope } from "../queues/payload.ts";
import { createFleetWorker, type Disposition } from "../queues/worker-factory.ts";
import { admit, jittered, PAUSED_DELAY_MS, withCap, type Admitted } from "./admission.ts";
import { createBinder } from "./binder.ts";
import { createEnding } from "./ending.ts";
import type { FleetPart, ProcessContext } from "./process-context.ts";
import { createRoutingView } from "./routing-view.ts";

/** Jobs of one task that wait for a model in this process. */
const SLOTS = 64;
const LONGEST_IN_SLOT_MS = 5_000;
const SET_ASIDE_MS = 5_000;
/** Meanwhile its batch may be cancelled or paused. */
const CLAIM_AGAIN_MS = 1_000;

export function createRouter(context: ProcessContext): FleetPart {
  const { fleet, redis, states, queues, clock, log } = context;
  const view = createRoutingView(context);
  const binder = createBinder({ tasks: fleet.tasks, queues, view });
  const ending = createEnding({ states, queues, clock });
  const stopping = new AbortController();

  const turnedAway = async (envelope: Envelope, admitted: Exclude<Admitted, { kind: "go" }>): Promise<Disposition> => {
    if (admitted.kind === "paused") return { kind: "later", delayMs: jittered(PAUSED_DELAY_MS) };
    if (admitted.kind === "over") await ending.failed(envelope, admitted.error);
    return { kind: "finish" };
  };

  const bindOrWait = async (task: TaskSpec, envelope: Envelope, claim: () => Promise<Admitted>): Promise<Disposition> => {
    const setAsideAt = clock.now() + LONGEST_IN_SLOT_MS;
    let claimAgainAt = clock.now() + CLAIM_AGAIN_MS;
    let latest: Admitted = { kind: "go", isCapped: false };
    // Beside the wait: who waited for the reply would go to the end of the line, and those who have waited longest would be set aside.
    const claimBeside = () => {
      claimAgainAt = Number.POSITIVE_INFINITY;
      void claim()
        .then((admitted) => void (latest = admitted))
        .catch(() => undefined) // Redis is away: whatever comes next finds that out
        .finally(() => void (claimAgainAt = clock.now() + CLAIM_AGAIN_MS));
    };
    for (;;) {
      if (latest.kind !== "go") return turnedAway(envelope, latest);
      const binding = await binder.place(envelope);
      if (binding.kind === "bound") return { kind: "finish" };
      if (binding.kind === "dead") {
        await ending.failed(envelope, { code: binding.code, message: `no model can take this job: ${binding.reasons.join("; ")}` });
        return { kind: "finish" };
      }
      // Only an outage tries a job's patience: not a queue that is full, and not a budget, which is its owner's wish.
      const waiting = binding.cause === "unavailable" ? sinceWhen(envelope, clock.now()) : withoutSince(envelope);
      const waitedMs = clock.now() - (waiting.progress.unavailableSince ?? clock.now());
      if (waitedMs > task.patienceMs) {
        await ending.failed(waiting, {
          code: "patience",
          message: `no able model was available for ${Math.round(waitedMs / 1000)} s: ${binding.reasons.join("; ")}`,
        });
        return { kind: "finish" };
      }
      const { deadline } = waiting.job;
      if (deadline !== undefined && clock.now() > deadline) {
        await ending.failed(waiting, { code: "expired", message: `its deadline (${new Date(deadline).toISOString()}) has passed` });
        return { kind: "finish" };
      }
      if (stopping.signal.aborted) return { kind: "back", data: toTaskPayload(waiting) };
      if (clock.now() >= setAsideAt) {
        const admitted = await claim();
        if (admitted.kind !== "go") return turnedAway(waiting, admitted);
        return { kind: "later", delayMs: jittered(SET_ASIDE_MS), data: toTaskPayload(waiting) };
      }
      if (clock.now() >= claimAgainAt) claimBeside();
      await view.changed();
    }
  };

  const processorFor = (task: TaskSpec) => {
    const validate = task.input === undefined ? () => undefined : createInputValidator(task.input);
    const totals = new Set<string>();
    return async (queueJob: QueueJob): Promise<Disposition> => {
      if (needsPlace(queueJob)) {
        // The number comes from the queue's own counter, so that it is nobody else's; it is kept before the row is claimed.
        const number = await redis.incr(queueCounterKey(taskQueue(task.name)));
        await queueJob.updateData(withPlace(task.name, queueJob.data, number));
      }
      const { id, data, timestamp } = queueJob;
      const parsed = parseTaskPayload(task.name, { ...(id === undefined ? {} : { id }), data, timestamp }, clock.now());
      const { envelope } = parsed;
      const foreign = parsed.kind === "bad" || parsed.foreign;
      const claim = () => admit(envelope, { states, clock }, { place: "task", queueJob, ...(foreign ? { makeFor: task.name } : {}) });
      const admitted = await claim();
      if (admitted.kind === "paused") return turnedAway(envelope, admitted);
      if (parsed.kind === "job" && parsed.total !== undefined && !totals.has(envelope.job.batch)) {
        await states.seal(envelope.job.batch, parsed.total);
        totals.add(envelope.job.batch);
      }
      if (admitted.kind !== "go") return turnedAway(envelope, admitted);
      const bad =
        parsed.kind === "bad" ? parsed.reason : envelope.hop === 0 && !envelope.job.body ? validate(envelope.job.input) : undefined;
      if (bad !== undefined) {
        await ending.failed(envelope, { code: "bad-input", message: bad });
        return { kind: "finish" };
      }
      return bindOrWait(task, withCap(envelope, admitted), claim);
    };
  };

  const workers = Array.from(fleet.tasks.values(), (task) =>
    createFleetWorker({ queue: taskQueue(task.name), redis, concurrency: SLOTS, ...fleet.queues, log, process: processorFor(task) }),
  );

  return {
    async stop() {
      stopping.abort();
      const closing = workers.map((worker) => worker.stop());
      await view.stop();
      await Promise.all(closing);
    },
  };
}

function withoutSince(envelope: Envelope): Envelope {
  const { unavailableSince: _over, ...progress } = envelope.progress;
  return { ...envelope, progress };
}

function sinceWhen(envelope: Envelope, now: number): Envelope {
  return envelope.progress.unavailableSince === undefined
    ? { ...envelope, progress: { ...envelope.progress, unavailableSince: now } }
    : envelope;
}
