// Puts a job into the model queues of the step it takes next: the router and the reroute worker bind the same way.
//
// What is to come before the route (an analysis, a judgement, a repair) and can't be, is left out, and the job is bound again.

import type { Analysis } from "../src/job/analysis.ts";
import type { Job } from "../src/job/job.ts";
import type { Progress } from "../src/job/progress.ts";
import type { TaskSpec } from "../src/job/task.ts";
import { analyse } from "../src/routing/analyse.ts";
import { bind, type Binding } from "../src/routing/bind.ts";
import { afterSkip } from "../src/routing/decide.ts";
import { needsOf } from "../src/routing/needs.ts";
import { coalesce } from "../src/runtime/coalesce.ts";
import type { CallEnvelope, Envelope } from "../queues/payload.ts";
import type { QueueSet } from "../queues/queue-set.ts";
import type { LiveModelView } from "./model-view.ts";

export interface Binder {
  /** Binds the job one hop on. `bound`: its first call lies in its model's queue; the pool adds a step's other calls once the first has claimed the hop. */
  place(envelope: Envelope): Promise<Placed>;
}

export type Placed = Exclude<Binding, { readonly kind: "skipped" }>;

export function createBinder(options: {
  readonly tasks: ReadonlyMap<string, TaskSpec>;
  readonly queues: QueueSet;
  readonly view: LiveModelView;
}): Binder {
  const { tasks, queues, view } = options;
  // Jobs bound in one turn of the event loop are added together.
  const add = coalesce<CallEnvelope, void>(
    async (jobs) => {
      await queues.addCalls(jobs);
      return jobs.map(() => undefined);
    },
    { maxItems: 256 },
  );
  /** A job that waits is bound again and again. */
  const known = new WeakMap<Job, { readonly needs: ReturnType<typeof needsOf>; readonly analysis: Analysis }>();

  const seen = (job: Job, task: TaskSpec) => {
    let found = known.get(job);
    if (!found) {
      const needs = needsOf(job, task);
      found = { needs, analysis: analyse(job, task, needs.inputTokens) };
      known.set(job, found);
    }
    return found;
  };

  return {
    async place(envelope) {
      const { job } = envelope;
      const task = tasks.get(job.task);
      if (!task) return { kind: "dead", code: "no-model", reasons: [`the task "${job.task}" is not configured here`] };
      const { needs, analysis } = seen(job, task);
      const bound = (progress: Progress) => bind({ task, job, progress, needs, analysis: progress.analysis ?? analysis }, view);
      let met = withAnalysis(task, job, envelope.progress);
      let binding = bound(met);
      for (let reasons = whySkipped(binding, met); reasons; reasons = whySkipped(binding, met)) {
        met = afterSkip(met, reasons);
        binding = bound(met);
      }
      if (binding.kind !== "bound") return binding as Placed;
      const { unavailableSince: _over, next: _done, ...progress } = met;
      const { step } = binding;
      for (const model of step.models) view.added(model, 1);
      await add({ ...envelope, hop: envelope.hop + 1, progress, step, part: 0, model: step.models[0]!, calls: 0, transients: 0 });
      return binding;
    },
  };
}

/** A task may ask a model how hard its jobs are, before anything else. Who is tried, a trial says. */
function withAnalysis({ analyse: asked }: TaskSpec, { trial }: Job, progress: Progress): Progress {
  const isNew =
    progress.analysis === undefined && progress.next === undefined && progress.trail.length === 0 && progress.excluded.length === 0;
  return asked?.kind === "model" && trial === undefined && isNew
    ? { ...progress, next: [{ models: [asked.model], purpose: "analyse" }] }
    : progress;
}

/** A judgement is waited for; a repair or an analysis is not worth it. */
function whySkipped(binding: Binding, { next }: Progress): readonly string[] | undefined {
  if (!next) return undefined;
  if (binding.kind === "skipped") return binding.reasons;
  const isWorthIt = next[0]?.purpose === "judge" || next[0]?.purpose === undefined;
  return binding.kind === "wait" && binding.cause === "unavailable" && !isWorthIt ? binding.reasons : undefined;
}
