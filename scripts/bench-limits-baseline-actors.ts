// How people keep to a vendor's limits by hand: BullMQ's own limiter, p-limit, bottleneck. Each as its documentation shows it, sized with care, and asking through OpenAI's SDK.

import { Worker, type Job as QueueJob } from "bullmq";
import Bottleneck from "bottleneck";
import { Redis } from "ioredis";
import OpenAI, { APIError } from "openai";
import pLimit from "p-limit";
import type { JsonObject } from "../src/job/json.ts";
import { MEETING_OUTPUT_TOKENS, meetingTokens, promptOf, rowsOf, type Work } from "./bench-limits-work.ts";
import type { Commands } from "./bench-stage.ts";

interface ClientOptions {
  readonly vendorUrl: string;
  readonly model: string;
  readonly work: Work;
}

const ask = ({ model, work }: ClientOptions, client: OpenAI, row: JsonObject) =>
  client.chat.completions.create({
    model,
    messages: [{ role: "user", content: promptOf(work, row) }],
    ...(work === "meetings" ? { max_tokens: MEETING_OUTPUT_TOKENS } : {}),
  });

const API_KEY = "sk-by-hand";

/** A worker with BullMQ's limiter, which counts jobs over all processes. As its guide says, a 429 rate-limits the queue; other errors are attempts with backoff. */
export async function bullmqClient(
  options: ClientOptions & {
    readonly redisUrl: string;
    readonly queue: string;
    readonly concurrency: number;
    readonly limiter: { readonly max: number; readonly duration: number };
  },
): Promise<Commands> {
  const redis = new Redis(options.redisUrl, { maxRetriesPerRequest: null });
  const client = new OpenAI({ apiKey: API_KEY, baseURL: options.vendorUrl, maxRetries: 0 });
  const counts = { answered: 0, failed: 0 };
  const worker = new Worker(
    options.queue,
    async (job: QueueJob<{ readonly row: JsonObject }>) => {
      try {
        await ask(options, client, job.data.row);
      } catch (error) {
        if (!(error instanceof APIError) || error.status !== 429) throw error;
        await worker.rateLimit(Number(error.headers?.get("retry-after") ?? 1) * 1_000);
        throw Worker.RateLimitError();
      }
    },
    {
      connection: redis,
      concurrency: options.concurrency,
      limiter: options.limiter,
      autorun: false,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
    },
  );
  worker.on("completed", () => counts.answered++);
  worker.on("failed", (job) => void (job && job.attemptsMade >= (job.opts.attempts ?? 1) ? counts.failed++ : undefined));
  await worker.waitUntilReady();
  return {
    async begin() {
      void worker.run();
    },
    counts: () => Promise.resolve(counts),
    async end() {
      await worker.close(true);
      redis.disconnect();
    },
  };
}

/** Runs `schedule` on endless rows, so many lanes side by side: what waits in the limiter's own queue is all the same to it. */
async function startFeeding(
  options: ClientOptions,
  schedule: (row: JsonObject, call: () => Promise<unknown>) => Promise<unknown>,
): Promise<Commands> {
  const client = new OpenAI({ apiKey: API_KEY, baseURL: options.vendorUrl });
  const rowAt = await rowsOf(options.work);
  const counts = { answered: 0, failed: 0 };
  let row = 0;
  const lane = async () => {
    for (;;) {
      const given = rowAt(row++);
      const isAnswered = await schedule(given, () => ask(options, client, given)).then(
        () => true,
        () => false,
      );
      counts[isAnswered ? "answered" : "failed"]++;
    }
  };
  return {
    begin() {
      for (let i = 0; i < LANES; i++) void lane();
      return Promise.resolve();
    },
    counts: () => Promise.resolve(counts),
    end: () => Promise.resolve(),
  };
}

const LANES = 500;

/** p-limit around the SDK with its default retries: so many at a time, whatever the limit. */
export function pLimitClient(options: ClientOptions & { readonly concurrency: number }): Promise<Commands> {
  const limit = pLimit(options.concurrency);
  return startFeeding(options, (_row, call) => limit(call));
}

/** bottleneck around the SDK with its default retries: a reservoir per minute with `minTime` to spread it, as its documentation advises. Tokens are weights. */
export function bottleneckClient(
  options: ClientOptions & { readonly perMinute: number; readonly minTimeMs: number; readonly weighs: "calls" | "tokens" },
): Promise<Commands> {
  const limiter = new Bottleneck({
    reservoir: options.perMinute,
    reservoirRefreshAmount: options.perMinute,
    reservoirRefreshInterval: 60_000,
    minTime: options.minTimeMs,
  });
  const weightOf = (row: JsonObject) => (options.weighs === "calls" ? 1 : meetingTokens(row));
  return startFeeding(options, (row, call) => limiter.schedule({ weight: weightOf(row) }, call));
}
