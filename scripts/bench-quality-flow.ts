// What routing and checks cost the whole pipeline: the same rows through the same processes and a vendor that answers at once, as four tasks: one model in
// order or twenty by balance, unchecked or with three checks. Queues are filled while paused; the clock runs from their resumption to the last result stored.

import { Queue } from "bullmq";
import { isOver } from "../src/job/batch.ts";
import { taskQueue } from "../src/runtime/keys.ts";
import { createBatchStates } from "../queues/batch-state.ts";
import type { Comparison } from "./bench-report.ts";
import { API_KEY, LABELS, PROVIDER } from "./bench-rows.ts";
import { runInTurns, type Contender } from "./bench-rounds.ts";
import type { Actor, Stage } from "./bench-stage.ts";

const MODELS = 20;
const POLL_MS = 10;
const ANSWER = JSON.stringify({
  label: LABELS[0],
  reason: "The customer has waited for the parcel and would like to have the money back.",
});

const CHECKS = [
  { kind: "values", field: "label", values: [...LABELS] },
  { kind: "schema" },
  { kind: "language", field: "reason", languages: ["en"] },
];
const TASKS = [
  { task: "one", title: "one model, unchecked", isBalanced: false, checks: [] },
  { task: "one-checked", title: "one model, three checks", isBalanced: false, checks: CHECKS },
  { task: "twenty", title: `balanced over ${MODELS}, unchecked`, isBalanced: true, checks: [] },
  { task: "twenty-checked", title: `balanced over ${MODELS}, three checks`, isBalanced: true, checks: CHECKS },
] as const;

export async function benchQualityFlow(stage: Stage, scale: { readonly jobs: number; readonly rounds: number }): Promise<Comparison> {
  const { redis, redisUrl, dir } = stage;
  const config = await stage.file("fleet.yaml", flowConfig(redisUrl, dir));
  const producer = await stage.actor("fleetProducer", { config }, "producer");
  const processes = await Promise.all([
    stage.actor("fleetRole", { config, role: "router" }, "router"),
    stage.actor("fleetRole", { config, role: `pool:${PROVIDER}`, vendor: "instant", answer: ANSWER }, "pool"),
    stage.actor("fleetRole", { config, role: "reroute" }, "reroute"),
    stage.actor("fleetRole", { config, role: "recorder" }, "recorder"),
  ]);
  const states = createBatchStates(redis);
  const queues = TASKS.map(({ task }) => new Queue(taskQueue(task), { connection: redis }));
  const contenders = TASKS.map(({ task, title }, i): Contender => {
    return { name: title, processes: processes.map(({ name }) => name), ...flow(task, queues[i]!, { producer, states, jobs: scale.jobs }) };
  });
  const variants = await runInTurns(stage, contenders, scale);
  await Promise.all(queues.map((queue) => queue.close()));
  return { title: "The whole pipeline, vendor in the process", jobs: scale.jobs, variants, aims: {} };
}

function flow(
  task: string,
  queue: Queue,
  { producer, states, jobs }: { readonly producer: Actor; readonly states: ReturnType<typeof createBatchStates>; readonly jobs: number },
): Pick<Contender, "prepare" | "run"> {
  const batchOf = (round: number) => `${task}-${round + 1}`;
  return {
    async prepare(round) {
      await queue.pause();
      await producer.call("produce", { rows: jobs, batch: batchOf(round), task });
    },
    async run(round) {
      const startedAt = performance.now();
      await queue.resume();
      for (;;) {
        const status = await states.status(batchOf(round));
        if (status && isOver(status.state)) {
          if (status.answered !== jobs) throw new Error(`${status.answered} of ${jobs} jobs of ${task} were answered`);
          return performance.now() - startedAt;
        }
        await new Promise((wake) => setTimeout(wake, POLL_MS));
      }
    },
  };
}

/** Prices rise from model to model, so that there is something to weigh. */
function flowConfig(redisUrl: string, dir: string): string {
  const names = Array.from({ length: MODELS }, (_, i) => `model-${i}`);
  const models = names.map((name, i) => [
    name,
    { price: { input: 0.25 + i / 20, output: 2 + i / 4 }, limits: { rpm: 6_000_000, tpm: 6_000_000_000 } },
  ]);
  const task = {
    prompt: { system: "You sort support tickets.", user: "Ticket: {{ input.text }}" },
    input: { type: "object", required: ["text"], properties: { text: { type: "string" }, customer: { type: "integer" } } },
    output: {
      type: "object",
      required: ["label", "reason"],
      properties: { label: { enum: [...LABELS] }, reason: { type: "string" } },
    },
  };
  const ids = names.map((name) => `${PROVIDER}/${name}`);
  return JSON.stringify({
    providers: { [PROVIDER]: { kind: "openai", apiKey: `\${${API_KEY}}`, models: Object.fromEntries(models) as object } },
    tasks: Object.fromEntries(
      TASKS.map(({ task: name, isBalanced, checks }) => [
        name,
        { ...task, checks, route: isBalanced ? { strategy: "balanced", models: ids } : { strategy: "ordered", models: ids.slice(0, 1) } },
      ]),
    ) as object,
    redis: { url: redisUrl },
    store: { dir: `${dir}/store` },
    queues: { windowRows: 100_000_000, windowBytes: "4GiB" },
  });
}
