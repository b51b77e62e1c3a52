// The reroute worker: decides steps of several calls, and moves jobs whose step brought no answer to the next model that suits them. It has no routing of
// its own: it binds as the router does. It also keeps the dead letters.

import type { Job as QueueJob } from "bullmq";
import type { Outcome } from "../src/job/outcome.ts";
import type { Step, TaskSpec } from "../src/job/task.ts";
import { NO_USAGE } from "../src/job/usage.ts";
import { agreedAnswer } from "../src/routing/agreement.ts";
import { decideStep } from "../src/routing/decide.ts";
import { agreementId } from "../src/routing/drift.ts";
import { DEAD_QUEUE, REROUTE_QUEUE } from "../src/runtime/keys.ts";
import { reopenDeadLetter } from "../queues/dead-letters.ts";
import type { DeadLetter, Envelope, PartOutcome, RerouteEnvelope } from "../queues/payload.ts";
import { createFleetWorker, type Disposition } from "../queues/worker-factory.ts";
import { admit, jittered, PAUSED_DELAY_MS, withCap } from "./admission.ts";
import { createBinder } from "./binder.ts";
import { createEnding } from "./ending.ts";
import { isAnswerJudged } from "./judging.ts";
import type { FleetPart, ProcessContext } from "./process-context.ts";
import { createRoutingView } from "./routing-view.ts";
import { createStrayQueues } from "./stray-queues.ts";

const CONCURRENCY = 64;
const FINISH: Disposition = { kind: "finish" };

export function createReroute(context: ProcessContext): FleetPart {
  const { fleet, redis, states, queues, stats, clock, log } = context;
  const view = createRoutingView(context);
  const binder = createBinder({ tasks: fleet.tasks, queues, view });
  const ending = createEnding({ states, queues, clock });

  const processReroute = async (queueJob: QueueJob): Promise<Disposition> => {
    const { joined, ...bare } = queueJob.data as RerouteEnvelope;
    // Whatever becomes of the row, the calls of the step were made, and are paid.
    const met = joined ? withTrailOf(bare, joined.parts) : bare;
    const admitted = await admit(met, { states, clock }, { place: "reroute", queueJob });
    if (admitted.kind === "paused") return { kind: "later", delayMs: jittered(PAUSED_DELAY_MS) };
    if (admitted.kind === "gone") return ending.booked(met).then(() => FINISH);
    if (admitted.kind === "over") return ending.failed(met, admitted.error).then(() => FINISH);
    const envelope = withCap(met, admitted);
    const disposition = joined ? await decideJoined(envelope, joined) : await rebind(envelope);
    if (joined) await states.forgetParts(envelope.job, envelope.hop - 1, joined.parts.length);
    return disposition;
  };

  const decideJoined = async (envelope: Envelope, { step, parts }: NonNullable<RerouteEnvelope["joined"]>): Promise<Disposition> => {
    const task = fleet.tasks.get(envelope.job.task);
    const { progress } = envelope;
    if (!task) {
      await ending.failed(envelope, { code: "no-model", message: `the task "${envelope.job.task}" is not configured here` });
      return FINISH;
    }
    noteAgreement(task, step, parts);
    const decision = decideStep({
      task,
      progress,
      step,
      parts,
      isJudged: isAnswerJudged(task, envelope.job),
      isTrial: envelope.job.trial !== undefined,
    });
    if (decision.kind === "answer") await ending.answered(envelope, decision.model, decision.answer);
    else if (decision.kind === "error") await ending.failed(envelope, decision.error, decision.unpassed);
    else return rebind({ ...envelope, progress: decision.progress });
    return FINISH;
  };

  /** Statistics of agreements are kept beside those of single models. */
  const noteAgreement = (task: TaskSpec, { models, agree }: Step, parts: readonly PartOutcome[]) => {
    const answers = parts.flatMap(({ outcome }) => (outcome.kind === "answered" ? [{ answer: outcome.answer }] : []));
    if (!agree || answers.length < models.length) return;
    const outcome: Outcome = { kind: "answered", answer: answers[0]!.answer };
    const isCheckPassed = agreedAnswer(answers, agree, models.length) !== undefined;
    stats.add(task.name, agreementId(models), { outcome, isCheckPassed, latencyMs: 0, usage: NO_USAGE, costNanoUsd: 0 });
  };

  const rebind = async (envelope: Envelope): Promise<Disposition> => {
    const binding = await binder.place(envelope);
    switch (binding.kind) {
      case "bound":
        break;
      case "wait":
        // An able model remains: the job waits in its task queue, where waiting is free.
        await queues.addToTask([{ ...envelope, hop: envelope.hop + 1 }]);
        break;
      case "dead":
        await ending.failed(envelope, { code: binding.code, message: `no model is left for this job: ${binding.reasons.join("; ")}` });
        break;
    }
    return FINISH;
  };

  const keepDeadLetter = async (queueJob: QueueJob): Promise<Disposition> => {
    const letter = queueJob.data as DeadLetter;
    // A letter that has failed before comes back only when somebody pressed Retry.
    if (queueJob.attemptsMade === 0) return { kind: "keep-as-failed", reason: `${letter.code}: ${letter.reason}` };
    const refusal = await reopenDeadLetter(letter, { states, queues, clock, windowRows: fleet.queues.windowRows });
    return refusal === undefined ? FINISH : { kind: "keep-as-failed", reason: refusal };
  };

  const strays = createStrayQueues(context, ending);
  const shared = { redis, ...fleet.queues, log };
  const workers = [
    createFleetWorker({ queue: REROUTE_QUEUE, concurrency: CONCURRENCY, process: processReroute, ...shared }),
    createFleetWorker({ queue: DEAD_QUEUE, concurrency: 8, process: keepDeadLetter, ...shared }),
  ];

  return {
    async stop() {
      await Promise.all([strays.stop(0), ...workers.map((worker) => worker.stop())]);
      await view.stop();
    },
  };
}

function withTrailOf(envelope: Envelope, parts: NonNullable<RerouteEnvelope["joined"]>["parts"]): Envelope {
  const { progress } = envelope;
  return { ...envelope, progress: { ...progress, trail: [...progress.trail, ...parts.flatMap((part) => part.trail)] } };
}
