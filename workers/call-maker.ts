// Makes a pool's calls: renders the job's prompt, estimates its tokens, and runs the attempt; what the vendor answers teaches the next estimates.

import { attempt, type Attempt } from "../src/attempt/attempt.ts";
import { createCallWatch } from "../src/attempt/call-watch.ts";
import type { Breaker } from "../src/breaker/breaker.ts";
import type { ModelSpec } from "../src/job/model.ts";
import type { TaskSpec } from "../src/job/task.ts";
import type { TrailEntry } from "../src/job/trail.ts";
import type { Limiter } from "../src/limits/limiter.ts";
import { createPrompt } from "../src/prompt/prompt.ts";
import type { TokenEstimate, TokenEstimator } from "../src/prompt/token-estimate.ts";
import type { TokenLearner } from "../src/prompt/token-learner.ts";
import type { Provider } from "../src/providers/provider.ts";
import { createChecker } from "../src/quality/check.ts";
import type { Clock } from "../src/runtime/clock.ts";
import type { CallEnvelope } from "../queues/payload.ts";

export type CallMade =
  | { readonly kind: "made"; readonly task: TaskSpec; readonly attempt: Attempt }
  /** The job can't be asked; `task` where it is known. */
  | { readonly kind: "unaskable"; readonly task?: TaskSpec; readonly reason: string };

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
  readonly clock: Clock;
}): CallMaker {
  const { provider, breaker, estimator, learner, clock } = options;
  const watch = createCallWatch({ breaker, clock });
  const tools = new Map(Array.from(options.tasks, (task) => [task.name, { task, prompt: createPrompt(task), check: createChecker(task) }]));

  const learn = (task: TaskSpec, model: ModelSpec, estimate: TokenEstimate, { outcome, entry }: Attempt) => {
    const isAnswer = outcome.kind === "answered" || outcome.kind === "unfit" || outcome.kind === "refused";
    if (!entry || !isAnswer) return;
    const isWhole = outcome.kind === "answered" && outcome.answer.finish.unified !== "length";
    learner.learn({ task: task.name, model: model.id, estimate, usage: entry.usage, isWhole });
  };

  return {
    async make({ job, step }, { id, model, limiter, signal, onCutOff }) {
      const tool = tools.get(job.task);
      if (!tool) return { kind: "unaskable", reason: `the task "${job.task}" is not configured in this pool` };
      const { task } = tool;
      const rendered = tool.prompt.request(job);
      if (rendered.kind === "invalid") return { kind: "unaskable", task, reason: rendered.reason };
      const { request } = rendered;

      const instruction =
        request.kind === "prompt" && request.output !== undefined ? provider.instruction(model, request.output) : undefined;
      const estimate = estimator.estimate(request, instruction);
      const made = await attempt(
        {
          id,
          task: task.name,
          model,
          purpose: step.models.length > 1 ? "agree" : "answer",
          request,
          tokens: learner.correct(task.name, model.id, estimate),
          timeoutMs: task.timeoutMs,
          ...(job.deadline === undefined ? {} : { deadline: job.deadline }),
          check: tool.check,
        },
        { limiter, breaker, provider, watch, clock },
        { signal, onCutOff },
      );
      learn(task, model, estimate, made);
      return { kind: "made", task, attempt: made };
    },
  };
}
