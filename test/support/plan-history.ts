// What a fleet has learned of a task, put into Redis as its pools would.

import type { Redis } from "ioredis";
import type { ModelSpec, ProviderSpec } from "../../src/job/model.ts";
import { splitModelId, type ModelId } from "../../src/job/names.ts";
import { NO_USAGE } from "../../src/job/usage.ts";
import { createRedisLimiter } from "../../src/limits/redis-limiter.ts";
import { foldLessons, lessonOf, NO_LESSONS } from "../../src/prompt/lesson-sums.ts";
import { createRedisLessonBook } from "../../src/prompt/redis-lesson-book.ts";
import { addCalls, NO_CALLS, sumsOf } from "../../src/routing/call-sums.ts";
import { agreementId } from "../../src/routing/drift.ts";
import { createRedisStatsBook } from "../../src/routing/redis-stats-book.ts";
import { statsSubject } from "../../src/routing/stats-book.ts";
import { systemClock } from "../../src/runtime/clock.ts";

const INPUT_TOKENS = 60;
const ANSWERED = { kind: "answered", answer: { text: "x", finish: { unified: "stop", raw: null } } } as const;

/** Every answer of a model is equally long, and its input as long as it was estimated. */
export async function createLessonScene(
  redis: Redis,
  scene: {
    readonly task: string;
    readonly models: Readonly<Record<ModelId, { readonly outputTokens: number }>>;
    readonly agreement: { readonly models: readonly ModelId[]; readonly rate: number };
    /** Of each model. */
    readonly calls: number;
  },
): Promise<void> {
  const { task, models, agreement, calls } = scene;
  const estimate = { inputTokens: INPUT_TOKENS, inputCharacters: 4 * INPUT_TOKENS, outputTokens: 50 };
  const seen = (outputTokens: number, isCheckPassed: boolean) =>
    sumsOf({ outcome: ANSWERED, isCheckPassed, latencyMs: 200, usage: { inputTokens: INPUT_TOKENS, outputTokens }, costNanoUsd: 1 })!;
  const times = Array.from({ length: calls }, (_, i) => i);
  for (const [id, { outputTokens }] of Object.entries(models)) {
    const model = id as ModelId;
    const { provider } = splitModelId(model);
    const lesson = lessonOf(estimate, { ...NO_USAGE, inputTokens: INPUT_TOKENS, outputTokens }, { isWhole: true })!;
    const lessons = times.reduce((sums) => foldLessons(sums, lesson), NO_LESSONS);
    await createRedisLessonBook({ redis, provider }).add(new Map([[`${task}|${model}` as const, lessons]]));
    const sums = times.reduce((all) => addCalls(all, seen(outputTokens, true)), NO_CALLS);
    await createRedisStatsBook({ redis, provider }).add(new Map([[statsSubject(task, model), sums]]));
  }
  const together = agreementId(agreement.models);
  const sums = times.reduce((all, i) => addCalls(all, seen(0, i < agreement.rate * calls)), NO_CALLS);
  const { provider } = splitModelId(agreement.models[0]!);
  await createRedisStatsBook({ redis, provider }).add(new Map([[statsSubject(task, together), sums]]));
}

/** The vendor has told of a limit of requests a minute that is lower than the one configured. */
export async function tellVendorLimit(redis: Redis, model: ModelSpec, rpm: number): Promise<void> {
  const spec: ProviderSpec = { name: model.provider, kind: "openai", apiKey: "k", limits: {}, models: [model] };
  const limiter = createRedisLimiter({ redis, clock: systemClock, providers: new Map([[spec.name, spec]]) });
  const permit = { call: "b.0.0.0.1", model: model.id };
  const tokens = { inputTokens: 1, inputCharacters: 4, outputTokens: 1, leaseMs: 60_000 };
  await limiter.acquire({ ...permit, ...tokens }, { patienceMs: 30_000, signal: new AbortController().signal });
  await limiter.settle({ ...permit, ending: "answered", readings: [{ dimension: "rpm", limit: rpm, remaining: rpm }] });
  await limiter.stop();
}
