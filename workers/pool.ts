// A pool: the workers of one provider. Each takes calls from its model's queue, makes them and settles them:
// claim → permit → call → check → record, or hand on.

import type { Job as QueueJob } from "bullmq";
import type { Attempt } from "../src/attempt/attempt.ts";
import { createRedisPurse } from "../src/cost/redis-purse.ts";
import { callId } from "../src/job/job.ts";
import { escapeModelName, type ModelId } from "../src/job/names.ts";
import type { ModelSpec } from "../src/job/model.ts";
import type { Outcome } from "../src/job/outcome.ts";
import type { TaskSpec } from "../src/job/task.ts";
import type { Limiter } from "../src/limits/limiter.ts";
import type { TokenEstimator } from "../src/prompt/token-estimate.ts";
import type { TokenLearner } from "../src/prompt/token-learner.ts";
import type { Provider } from "../src/providers/provider.ts";
import { beforeStep, decideStep } from "../src/routing/decide.ts";
import { decidePart, type PartDecision } from "../src/routing/decide-part.ts";
import { modelQueue } from "../src/runtime/keys.ts";
import { sharedSignal } from "../src/runtime/shared-signal.ts";
import type { CallEnvelope } from "../queues/payload.ts";
import { createFleetWorker, type FleetWorker, type Disposition } from "../queues/worker-factory.ts";
import { admit, jittered, PAUSED_DELAY_MS, withCap } from "./admission.ts";
import { scattered, withinDeadline } from "./call-delays.ts";
import { createCallMaker } from "./call-maker.ts";
import { keepData, ownEntries, withEntry } from "./call-envelope.ts";
import { withCutOff } from "./cut-off-call.ts";
import { createEnding } from "./ending.ts";
import { createPoolConcurrency } from "./pool-concurrency.ts";
import { isAnswerJudged } from "./judging.ts";
import type { FleetPart, ProcessContext } from "./process-context.ts";
import { isLockHeld } from "./queue-lock.ts";
import { createStepJoin, isJoined } from "./step-join.ts";

const FINISH: Disposition = { kind: "finish" };
const UNFUNDED_DELAY_MS = 500;

export function createPool(
  context: ProcessContext,
  vendor: {
    readonly name: string;
    readonly provider: Provider;
    readonly limiter: Limiter;
    readonly estimator: TokenEstimator;
    readonly learner: TokenLearner;
  },
): FleetPart {
  const { name, provider, limiter, estimator, learner } = vendor;
  const { fleet, redis, states, queues, breaker, peers, stats, clock, log } = context;
  const ending = createEnding({ states, queues, clock });
  const join = createStepJoin({ states, queues, ending });
  const aborting = new AbortController();
  sharedSignal(aborting.signal);
  const calls = createCallMaker({
    tasks: fleet.tasks.values(),
    provider,
    breaker,
    estimator,
    learner,
    stats,
    purse: createRedisPurse({ redis, budgets: fleet.budgets }),
    clock,
  });

  const processCall = async (model: ModelSpec, queueJob: QueueJob, metered: Limiter): Promise<Disposition> => {
    let envelope = queueJob.data as CallEnvelope;
    const bookCutOff = (met: CallEnvelope) => withCutOff(met, queueJob, { limiter, price: () => model.price });
    const admitted = await admit(envelope, { states, clock }, { place: escapeModelName(model.name), queueJob, part: envelope.part });
    if (admitted.kind === "paused") {
      // A step of several calls stays together: sent back, its calls that have been made would be made again.
      return isJoined(envelope) ? { kind: "later", delayMs: jittered(PAUSED_DELAY_MS) } : backToTask(await bookCutOff(envelope));
    }
    if (admitted.kind === "gone") {
      const met = await bookCutOff(envelope);
      if (ownEntries(met).length > 0) await ending.booked(met);
      return FINISH;
    }
    if (admitted.kind === "over") {
      envelope = await bookCutOff(envelope);
      await (isJoined(envelope) ? join.end(envelope, admitted.error) : ending.failed(envelope, admitted.error));
      return FINISH;
    }
    if (isJoined(envelope)) {
      if (envelope.part === 0) await join.addOthers(envelope);
      // No second call.
      if (await join.isBrought(envelope)) return FINISH;
    }
    envelope = withCap(envelope, admitted);
    const call = await calls.make(envelope, {
      id: callId(queueJob.id!, envelope.calls + 1),
      model,
      limiter: metered,
      signal: aborting.signal,
      async onCutOff(entry) {
        envelope = withEntry(envelope, entry);
        await queueJob.updateData(envelope);
      },
    });
    if (call.kind !== "made") envelope = await bookCutOff(envelope);
    // Another process may know the task: this one was started before it was configured, or after it was taken out.
    if (call.kind === "unknown-task") {
      return isJoined(envelope) ? { kind: "later", delayMs: jittered(PAUSED_DELAY_MS) } : backToTask(envelope);
    }
    if (call.kind === "unaskable") return over(envelope, call.task, { kind: "invalid", reason: call.reason });
    if (call.kind === "unfunded") {
      // Nothing is wrong with the model, and where money is short nobody is in a hurry: waiting is free in the task's queue.
      if (!isJoined(envelope)) return backToTask(envelope, UNFUNDED_DELAY_MS);
      return over(envelope, call.task, { kind: "unavailable", scope: "model", reason: call.reason });
    }
    if (call.kind === "forbidden") return over(envelope, call.task, { kind: "unfit", cause: "policy", reason: call.reason });
    const { task, attempt: made } = call;
    if (made.entry) envelope = { ...withEntry(envelope, made.entry), calls: envelope.calls + 1 };
    else if (decide(envelope, task, made.outcome).kind === "over") envelope = await bookCutOff(envelope);
    const disposition = await settle(envelope, task, made);
    // Who had this queue job before, or has it now, may have handed the row on: then what is handed on here is dropped as known.
    if (
      queueJob.stalledCounter > 0 ||
      (made.entry && !(await isLockHeld(redis, queueJob, { lockMs: fleet.queues.lockMs, now: clock.now() })))
    )
      await ending.booked(envelope);
    // What a call brought is kept before its permit is closed.
    const kept = await keepData(queueJob, disposition);
    await made.close();
    return kept;
  };

  const settle = async (envelope: CallEnvelope, task: TaskSpec, made: Attempt): Promise<Disposition> => {
    const { outcome, entry } = made;
    if (aborting.signal.aborted && (outcome.kind === "cancelled" || outcome.kind === "throttled")) {
      return { kind: "back", ...(entry ? { data: envelope } : {}) };
    }
    const decision = decide(envelope, task, outcome);
    if (decision.kind === "over") {
      if (decision.outcome.kind === "unavailable" && !made.blocked) await trip(envelope, decision.outcome);
      return over(envelope, task, decision.outcome);
    }
    // A breaker that has opened meanwhile lets no second try through: the job is bound again at once.
    if (outcome.kind === "transient" && breaker.state(envelope.model).kind === "open") {
      return over(envelope, task, { kind: "unavailable", scope: "model", reason: outcome.reason });
    }
    if (outcome.kind === "throttled" && outcome.source === "vendor" && !outcome.isGuess)
      await queues.queue(modelQueue(envelope.model)).rateLimit(outcome.waitMs);
    const data: CallEnvelope = { ...envelope, transients: envelope.transients + (decision.countsAttempt ? 1 : 0) };
    const delayMs = decision.countsAttempt ? decision.waitMs : scattered(decision.waitMs);
    return { kind: "later", delayMs: withinDeadline(delayMs, envelope.job.deadline, clock.now()), ...(entry ? { data } : {}) };
  };

  const trip = async ({ model }: CallEnvelope, outcome: Extract<Outcome, { kind: "unavailable" }>) => {
    log.warn({ model, reason: outcome.reason }, "breaker opens");
    await breaker.trip(outcome.scope === "provider" ? { provider: name } : { model }, outcome.reason, outcome.openForMs);
  };

  /** This part of the step is over: the row ends here, or goes on through the reroute queue. */
  const over = async (envelope: CallEnvelope, task: TaskSpec, outcome: Outcome): Promise<Disposition> => {
    const { job, hop, round, step, model, progress } = envelope;
    if (!isJoined(envelope)) {
      const decision = decideStep({
        task,
        progress,
        step,
        parts: [{ model, outcome }],
        isJudged: isAnswerJudged(task, job),
        isTrial: job.trial !== undefined,
      });
      if (step.purpose === "judge" && outcome.kind === "answered") countJudged(envelope, decision.kind === "answer");
      if (decision.kind === "answer") await ending.answered(envelope, decision.model, decision.answer);
      else if (decision.kind === "error") await ending.failed(envelope, decision.error, decision.unpassed);
      else await queues.addReroute({ job, hop: hop + 1, round, progress: decision.progress });
      return FINISH;
    }
    await join.bring(envelope, outcome);
    return FINISH;
  };

  /** How the answer that was judged counts in the statistics of its model: its call said nothing of that yet. */
  const countJudged = ({ job, progress }: CallEnvelope, isCheckPassed: boolean) => {
    const { held, trail } = progress;
    const entry = trail.findLast(({ model, purpose }) => model === held?.model && (purpose === "answer" || purpose === "repair"));
    if (!held || entry?.outcome !== "answered") return;
    const { latencyMs, usage, costNanoUsd } = entry;
    stats.add(job.task, held.model, { outcome: { kind: "answered", answer: held.answer }, isCheckPassed, latencyMs, usage, costNanoUsd });
  };

  /** A job that can't be worked on now leaves the shallow model queue to others. */
  const backToTask = async ({ job, hop, round, progress, step }: CallEnvelope, delayMs = PAUSED_DELAY_MS): Promise<Disposition> => {
    await queues.addToTask([{ job, hop: hop + 1, round, progress: beforeStep(progress, step, fleet.tasks.get(job.task)) }], {
      delayMs: jittered(delayMs),
    });
    return FINISH;
  };

  const spec = fleet.providers.get(name)!;
  const workers = new Map<ModelId, FleetWorker>();
  const concurrency = createPoolConcurrency({
    provider: spec,
    limiter,
    peers,
    clock,
    onChange: (model, slots) => workers.get(model)?.setConcurrency(slots),
  });
  for (const model of spec.models) {
    const worker = createFleetWorker({
      queue: modelQueue(model.id),
      redis,
      concurrency: concurrency.slots(model.id),
      ...fleet.queues,
      log,
      parkable: true,
      process: (queueJob) => concurrency.occupy(model.id, (metered) => processCall(model, queueJob, metered)),
    });
    workers.set(model.id, worker);
  }

  let stopping: Promise<void> | undefined;
  return {
    stop(graceMs) {
      stopping ??= (async () => {
        const ended = new AbortController();
        await concurrency.stop();
        const closing = Promise.all(Array.from(workers.values(), (worker) => worker.stop())).then(() => ended.abort());
        void clock.sleep(graceMs, ended.signal).then(() => aborting.abort());
        await closing;
        await Promise.all([limiter.stop(), learner.stop()]);
      })();
      return stopping;
    },
  };
}

function decide({ model, transients }: CallEnvelope, task: TaskSpec, outcome: Outcome): PartDecision {
  return decidePart(task, model, transients, outcome, Math.random);
}
