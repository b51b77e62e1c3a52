// What we are measured against: bare BullMQ, as somebody would write it who needs nothing else.

import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { Queue, Worker, type Job as QueueJob } from "bullmq";
import { Redis } from "ioredis";
import OpenAI from "openai";
import { freshProgress } from "../src/job/progress.ts";
import type { JsonObject } from "../src/job/json.ts";
import { toTaskPayload, type TaskPayload } from "../queues/payload.ts";
import { benchRow, LABELS, MODEL, TASK } from "./bench-rows.ts";
import type { Commands } from "./bench-stage.ts";

const CHUNK = 500;
const LEAVE_NOTHING = { removeOnComplete: true, removeOnFail: true } as const;

/** The very payload that our producer writes, so that the jobs are of the same size. */
function payload(row: number, input: JsonObject): TaskPayload {
  return toTaskPayload({
    job: { batch: "bare-0000", row, task: TASK, input, line: row + 1 },
    hop: 0,
    round: 0,
    progress: freshProgress(Date.now()),
  });
}

/** Adds rows with `addBulk`, 500 at a time, from memory or from a JSONL file. Answers with the milliseconds it took. */
export function bareProducer({ redisUrl }: { readonly redisUrl: string }): Commands {
  const redis = new Redis(redisUrl);

  return {
    async add({ queue: name, rows, file }: { readonly queue: string; readonly rows: number; readonly file?: string }) {
      const queue = new Queue(name, { connection: redis });
      const startedAt = performance.now();
      await add(queue, file === undefined ? rowsInMemory(rows) : rowsOf(file));
      const ms = performance.now() - startedAt;
      await queue.close();
      return ms;
    },
    end: () => redis.quit(),
  };
}

async function add(queue: Queue, rows: Iterable<JsonObject> | AsyncIterable<JsonObject>): Promise<void> {
  let chunk: TaskPayload[] = [];
  let row = 0;
  const flush = async () => {
    const jobs = chunk;
    chunk = [];
    await queue.addBulk(jobs.map((data) => ({ name: TASK, data, opts: LEAVE_NOTHING })));
  };
  for await (const input of rows) {
    chunk.push(payload(row++, input));
    if (chunk.length === CHUNK) await flush();
  }
  if (chunk.length > 0) await flush();
}

export function* rowsInMemory(count: number): Generator<JsonObject> {
  for (let row = 0; row < count; row++) yield benchRow(row);
}

async function* rowsOf(file: string): AsyncGenerator<JsonObject> {
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) yield JSON.parse(line) as JsonObject;
}

export interface BareWorkerOptions {
  readonly redisUrl: string;
  readonly queue: string;
  readonly concurrency: number;
  /** Nothing · adds the job to the next queue · appends it to a stream · asks the vendor through OpenAI's SDK. */
  readonly work:
    | { readonly kind: "nothing" }
    | { readonly kind: "hop"; readonly to: string }
    | { readonly kind: "record"; readonly stream: string }
    | { readonly kind: "ask"; readonly vendorUrl: string };
}

/** One worker. `complete` resolves when as many jobs more have been completed. */
export async function bareWorker({ redisUrl, queue, concurrency, work }: BareWorkerOptions): Promise<Commands> {
  const redis = new Redis(redisUrl, { maxRetriesPerRequest: null });
  const worker = new Worker(queue, processorOf(work, redis), { connection: redis, concurrency, ...keepNone });
  const count = createCount();
  worker.on("completed", () => count.add(1));
  worker.on("failed", (_job, error) => count.fail(error));
  await worker.waitUntilReady();
  return {
    complete: ({ jobs }: { readonly jobs: number }) => count.reached(jobs),
    async end() {
      await worker.close();
      redis.disconnect();
    },
  };
}

const keepNone = { removeOnComplete: { count: 0 }, removeOnFail: { count: 0 } } as const;

function processorOf(work: BareWorkerOptions["work"], redis: Redis): (job: QueueJob) => Promise<unknown> {
  switch (work.kind) {
    case "nothing":
      return async () => undefined;
    case "hop": {
      const next = new Queue(work.to, { connection: redis });
      return async (job) => void (await next.add(job.name, job.data, LEAVE_NOTHING));
    }
    case "record":
      return async (job) => void (await redis.xadd(work.stream, "*", "r", JSON.stringify(job.data)));
    case "ask": {
      const client = new OpenAI({ apiKey: "none", baseURL: work.vendorUrl, maxRetries: 0 });
      return async (job) => void JSON.parse(await ask(client, job.data as TaskPayload));
    }
    default:
      return work satisfies never;
  }
}

async function ask(client: OpenAI, { input }: TaskPayload): Promise<string> {
  const completion = await client.chat.completions.create(
    {
      model: MODEL,
      messages: [
        { role: "system", content: "You sort support tickets." },
        { role: "user", content: `Ticket: ${input?.["text"] as string}` },
      ],
      response_format: { type: "json_schema", json_schema: { name: "answer", strict: true, schema: ANSWER } },
    },
    { timeout: 60_000 },
  );
  return completion.choices[0]?.message.content ?? "";
}

const ANSWER = { type: "object", required: ["label"], additionalProperties: false, properties: { label: { enum: [...LABELS] } } };

/** Takes the results off a stream, a thousand at a time, and forgets them. */
export function bareRecorder({ redisUrl, stream }: { readonly redisUrl: string; readonly stream: string }): Commands {
  const redis = new Redis(redisUrl);
  const count = createCount();
  let isEnded = false;
  const reading = (async () => {
    while (!isEnded) {
      const entries = await redis.xrange(stream, "-", "+", "COUNT", 1_000);
      for (const [, fields] of entries) JSON.parse(fields[1]!);
      if (entries.length > 0) await redis.xdel(stream, ...entries.map(([id]) => id));
      count.add(entries.length);
      if (entries.length < 1_000) await new Promise((wake) => setTimeout(wake, 50));
    }
  })();
  return {
    complete: ({ jobs }: { readonly jobs: number }) => count.reached(jobs),
    async end() {
      isEnded = true;
      await reading;
      redis.disconnect();
    },
  };
}

/** Counts, and tells when a number more has been reached. */
function createCount() {
  let reached = 0;
  let goal = Number.POSITIVE_INFINITY;
  let settle: { readonly resolve: () => void; readonly reject: (error: Error) => void } | undefined;
  return {
    add(by: number) {
      reached += by;
      if (reached >= goal) settle?.resolve();
    },
    fail: (error: Error) => settle?.reject(error),
    reached: (more: number) =>
      new Promise<void>((resolve, reject) => {
        goal = reached + more;
        settle = { resolve, reject };
      }),
  };
}
