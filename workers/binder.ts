// Puts a job into the model queues of the step it takes next: the router and the reroute worker bind the same way.

import type { Job } from "../src/job/job.ts";
import type { TaskSpec } from "../src/job/task.ts";
import { bind, type Binding } from "../src/routing/bind.ts";
import { coalesce } from "../src/runtime/coalesce.ts";
import type { CallEnvelope, Envelope } from "../queues/payload.ts";
import type { QueueSet } from "../queues/queue-set.ts";
import type { LiveModelView } from "./model-view.ts";

export interface Binder {
  /** Binds the job one hop on. `bound`: its first call lies in its model's queue; the pool adds a step's other calls once the first has claimed the hop. */
  place(envelope: Envelope): Promise<Binding>;
}

const BYTES_PER_TOKEN = 4;
const ASSUMED_OUTPUT_TOKENS = 256;

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

  return {
    async place(envelope) {
      const task = tasks.get(envelope.job.task);
      if (!task) return { kind: "dead", code: "no-model", reasons: [`the task "${envelope.job.task}" is not configured here`] };
      const binding = bind({ task, progress: envelope.progress, needs: needsOf(envelope.job, task) }, view);
      if (binding.kind !== "bound") return binding;
      const { unavailableSince: _over, ...progress } = envelope.progress;
      const { step } = binding;
      for (const model of step.models) view.added(model, 1);
      await add({ ...envelope, hop: envelope.hop + 1, progress, step, part: 0, model: step.models[0]!, calls: 0, transients: 0 });
      return binding;
    },
  };
}

/** A rough measure is enough to choose a model; the pool estimates the rendered request for its permit. */
function needsOf(job: Job, task: TaskSpec) {
  const bytes =
    Buffer.byteLength(JSON.stringify(job.body ?? job.input)) + (task.prompt?.user.length ?? 0) + (task.prompt?.system?.length ?? 0);
  return {
    inputTokens: Math.ceil(bytes / BYTES_PER_TOKEN),
    outputTokens: task.maxOutputTokens ?? ASSUMED_OUTPUT_TOKENS,
    jsonSchema: task.output !== undefined,
  };
}
