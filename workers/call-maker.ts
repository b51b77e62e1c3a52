// Makes a pool's calls: renders the job's prompt, estimates its tokens, and runs the attempt; what the vendor answers teaches the next estimates.

import { attempt, type Attempt } from "../src/attempt/attempt.ts";
import { createCallWatch } from "../src/attempt/call-watch.ts";
import type { Breaker } from "../src/breaker/breaker.ts";
import type { ModelSpec } from "../src/job/model.ts";
import type { TaskSpec } from "../src/job/task.ts";
import type { TrailEntry } from "../src/job/trail.ts";
import type { Limiter } from "../src/limits/limiter.ts";
import type { TokenEstimate, TokenEstimator } from "../src/prompt/token-estimate.ts";
import type { TokenLearner } from "../src/prompt/token-learner.ts";
import type { Provider } from "../src/providers/provider.ts";
import type { CallStats } from "../src/routing/call-stats.ts";
import { whyForbidden } from "../src/routing/data-policy.ts";
import type { Clock } from "../src/runtime/clock.ts";
import type { CallEnvelope } from "../queues/payload.ts";
import { createCallRequests } from "./call-request.ts";

export type CallMade =
  | { readonly kind: "made"; readonly task: TaskSpec; readonly attempt: Attempt }
  /** The job can't be asked; `task` where it is known. */
  | { readonly kind: "unaskable"; readonly task?: TaskSpec; readonly reason: string }
  /** This model may not be given the job's data. */
  | { readonly kind: "forbidden"; readonly task: TaskSpec; readonly reason: string };

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
  readonly clock: Clock;
}): CallMaker {
  const { provider, breaker, estimator, learner, stats, clock } = options;
  const watch = createCallWatch({ breaker, clock });
  const tools = new Map(Array.from(options.tasks, (task) => [task.name, { task, request: createCallRequests(task) }]));

  const learn = (subject: string, model: ModelSpec, estimate: TokenEstimate, { outcome, entry }: Attempt) => {
    if (!entry) return;
    stats.add(subject, model.id, { outcome, latencyMs: entry.latencyMs, usage: entry.usage, costNanoUsd: entry.costNanoUsd });
    if (outcome.kind !== "answered" && outcome.kind !== "unfit" && outcome.kind !== "refused") return;
    const isWhole = outcome.kind === "answered" && outcome.answer.finish.unified !== "length";
    learner.learn({ task: subject, model: model.id, estimate, usage: entry.usage, isWhole });
  };

  return {
    async make(envelope, { id, model, limiter, signal, onCutOff }) {
      const { job } = envelope;
      const tool = tools.get(job.task);
      if (!tool) return { kind: "unaskable", reason: `the task "${job.task}" is not configured in this pool` };
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
      const made = await attempt(
        {
          id,
          task: subject,
          model,
          purpose,
          request,
          tokens: learner.correct(subject, model.id, estimate),
          timeoutMs: task.timeoutMs,
          ...(job.deadline === undefined ? {} : { deadline: job.deadline }),
          check,
        },
        { limiter, breaker, provider, watch, clock },
        { signal, onCutOff },
      );
      learn(subject, model, estimate, made);
      return { kind: "made", task, attempt: made };
    },
  };
}
