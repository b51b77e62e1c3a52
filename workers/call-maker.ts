// Makes a pool's calls: renders the job's prompt, estimates its tokens, and runs the attempt; what the vendor answers teaches the next estimates.

import { attempt, type Attempt } from "../src/attempt/attempt.ts";
import { createCallWatch } from "../src/attempt/call-watch.ts";
import type { Breaker } from "../src/breaker/breaker.ts";
import { callCostNanoUsd } from "../src/cost/call-cost.ts";
import type { Purse } from "../src/cost/purse.ts";
import type { ModelSpec } from "../src/job/model.ts";
import type { TaskSpec } from "../src/job/task.ts";
import type { Purpose, TrailEntry } from "../src/job/trail.ts";
import { NO_USAGE } from "../src/job/usage.ts";
import type { Limiter } from "../src/limits/limiter.ts";
import type { TokenEstimate, TokenEstimator } from "../src/prompt/token-estimate.ts";
import type { TokenLearner } from "../src/prompt/token-learner.ts";
import type { Provider } from "../src/providers/provider.ts";
import type { CallStats } from "../src/routing/call-stats.ts";
import { whyForbidden } from "../src/routing/data-policy.ts";
import type { Clock } from "../src/runtime/clock.ts";
import type { CallEnvelope } from "../queues/payload.ts";
import { spendingOf } from "./budget-watch.ts";
import { createCallRequests } from "./call-request.ts";
import { isAnswerJudged } from "./judging.ts";

export type CallMade =
  | { readonly kind: "made"; readonly task: TaskSpec; readonly attempt: Attempt }
  /** The job can't be asked of any model. */
  | { readonly kind: "unaskable"; readonly task: TaskSpec; readonly reason: string }
  /** This process's configuration doesn't have its task. */
  | { readonly kind: "unknown-task" }
  /** A budget has no money for it. */
  | { readonly kind: "unfunded"; readonly task: TaskSpec; readonly reason: string }
  /** This model may not be given the job's data. */
  | { readonly kind: "forbidden"; readonly task: TaskSpec; readonly reason: string };

/** A reservation outlives its call's time limit: the wait for the permit, and the checks of the answer. */
const RESERVED_LONGER_MS = 90_000;

export interface CallMaker {
  /** Rejects only when Redis does. */
  make(
    envelope: CallEnvelope,
    call: {
      readonly id: string;
      readonly model: ModelSpec;
      readonly limiter: Limiter;
      readonly signal: AbortSignal;
      readonly onCutOff: (entry: TrailEntry) => Promise<void>;
    },
  ): Promise<CallMade>;
}

export function createCallMaker(options: {
  readonly tasks: Iterable<TaskSpec>;
  readonly provider: Provider;
  readonly breaker: Breaker;
  readonly estimator: TokenEstimator;
  readonly learner: TokenLearner;
  readonly stats: CallStats;
  readonly purse: Purse;
  readonly clock: Clock;
}): CallMaker {
  const { provider, breaker, estimator, learner, stats, purse, clock } = options;
  const watch = createCallWatch({ breaker, clock });
  const tools = new Map(Array.from(options.tasks, (task) => [task.name, { task, request: createCallRequests(task) }]));

  const learn = (
    { subject, isHeld }: { readonly subject: string; readonly isHeld: boolean },
    model: ModelSpec,
    estimate: TokenEstimate,
    { outcome, entry }: Attempt,
  ) => {
    if (!entry) return;
    // An answer that goes before a judge counts when it has been judged.
    if (!(isHeld && outcome.kind === "answered"))
      stats.add(subject, model.id, { outcome, latencyMs: entry.latencyMs, usage: entry.usage, costNanoUsd: entry.costNanoUsd });
    // An estimate teaches nothing but itself.
    if (entry.isEstimated || (outcome.kind !== "answered" && outcome.kind !== "unfit" && outcome.kind !== "refused")) return;
    const isWhole = outcome.kind === "answered" && outcome.answer.finish.unified !== "length";
    learner.learn({ task: subject, model: model.id, estimate, usage: entry.usage, isWhole });
  };

  return {
    async make(envelope, { id, model, limiter, signal, onCutOff }) {
      const { job } = envelope;
      const tool = tools.get(job.task);
      if (!tool) return { kind: "unknown-task" };
      const { task } = tool;
      // Routing has seen to it; but what must not leave is not left to one place alone.
      const forbidden = whyForbidden(job, task, model);
      if (forbidden !== undefined) return { kind: "forbidden", task, reason: forbidden };
      const requested = tool.request(envelope);
      if (requested.kind === "invalid") return { kind: "unaskable", task, reason: requested.reason };
      const { subject, purpose, request, check } = requested.call;

      const instruction =
        request.kind === "prompt" && request.output !== undefined ? provider.instruction(model, request.output) : undefined;
      const estimate = estimator.estimate(request, instruction);
      const tokens = learner.correct(subject, model.id, estimate);
      const spending = spendingOf(task, job, { spec: model, inputTokens: tokens.inputTokens });
      const expectedNanoUsd = callCostNanoUsd(
        { ...NO_USAGE, inputTokens: tokens.inputTokens, outputTokens: tokens.outputTokens },
        model.price,
      );
      const reserved = await purse.reserve(spending, expectedNanoUsd, task.timeoutMs + RESERVED_LONGER_MS);
      if (reserved.kind === "refused") return { kind: "unfunded", task, reason: reserved.reason };
      const made = await attempt(
        {
          id,
          task: subject,
          model,
          purpose,
          request,
          tokens,
          timeoutMs: task.timeoutMs,
          ...(job.deadline === undefined ? {} : { deadline: job.deadline }),
          check,
        },
        { limiter, breaker, provider, watch, clock },
        { signal, onCutOff },
      );
      learn({ subject, isHeld: isHeld(task, envelope, purpose) }, model, estimate, made);
      const close = async () => {
        const { entry } = made;
        const accounted = entry ? purse.settle(spending, reserved.reservation, entry.costNanoUsd) : purse.release(reserved.reservation);
        await Promise.all([made.close(), accounted]);
      };
      return { kind: "made", task, attempt: { ...withEstimate(withVerdict(made, purpose), estimate), close } };
    },
  };
}

function isHeld(task: TaskSpec, { job }: CallEnvelope, purpose: Purpose): boolean {
  return (purpose === "answer" || purpose === "repair") && isAnswerJudged(task, job);
}

function withEstimate(made: Attempt, { inputTokens }: TokenEstimate): Attempt {
  return made.entry ? { ...made, entry: { ...made.entry, estimatedInputTokens: inputTokens } } : made;
}

/** What a judge said stands in its entry of the trail. */
function withVerdict(made: Attempt, purpose: Purpose): Attempt {
  const { outcome, entry } = made;
  if (purpose !== "judge" || outcome.kind !== "answered" || !entry) return made;
  const { score, reason } = outcome.answer.json as { readonly score: number; readonly reason: string };
  return { ...made, entry: { ...entry, reason: `${score} of 10: ${reason}` } };
}
