// A store's contents for reports: some weeks of work over four models, with every kind of call. The same for the same seed.

import { callCostNanoUsd } from "../../src/cost/call-cost.ts";
import type { Price } from "../../src/job/model.ts";
import type { ModelId } from "../../src/job/names.ts";
import type { Result } from "../../src/job/result.ts";
import type { TrailEntry } from "../../src/job/trail.ts";
import { NO_USAGE } from "../../src/job/usage.ts";
import { answered, failed, trailEntry } from "../results/sample-results.ts";

export interface SampleModel {
  readonly id: ModelId;
  readonly price: Price;
  readonly medianMs: number;
  readonly outputTokens: number;
}

const dollars = (input: number, output: number): Price => {
  return { input: input * 1e6, cachedInput: input * 1e5, cacheWrite: input * 1e6, output: output * 1e6 };
};

/** Made up, names, prices and paces. */
export const SAMPLE_MODELS: readonly SampleModel[] = [
  { id: "alpha/mini", price: dollars(0.25, 2), medianMs: 900, outputTokens: 120 },
  { id: "beta/swift", price: dollars(1, 5), medianMs: 700, outputTokens: 110 },
  { id: "alpha/large", price: dollars(1.25, 10), medianMs: 6_200, outputTokens: 420 },
  { id: "beta/medium", price: dollars(2, 10), medianMs: 2_400, outputTokens: 180 },
];

const DAY_MS = 86_400_000;
const TEAMS = ["search", "support", "growth"];

/** Results of `jobs` rows, over `days` days from `startAt` on. Extras are second results of a row, which were refused. */
export function sampleSpending(options: { jobs: number; days: number; startAt: number; batch: string; task: string; seed?: number }): {
  readonly results: readonly Result[];
  readonly extras: readonly Result[];
} {
  const random = createRandom(options.seed ?? 1);
  const results: Result[] = [];
  const extras: Result[] = [];
  for (let row = 0; row < options.jobs; row++) {
    const at = workingTime(options, row, random);
    const result = sampleResult(options, row, at, random);
    results.push(result);
    if (random() < 0.006) extras.push({ ...result, trail: result.trail.map((entry) => ({ ...entry, call: `${entry.call}x` })) });
  }
  return { results, extras };
}

/** Less on Saturdays and Sundays. */
function workingTime({ jobs, days, startAt }: { jobs: number; days: number; startAt: number }, row: number, random: () => number): number {
  const at = startAt + Math.floor((days * DAY_MS * (row + random())) / jobs);
  const weekday = new Date(at).getUTCDay();
  return (weekday === 0 || weekday === 6) && random() < 0.7 ? at - 2 * DAY_MS : at;
}

function sampleResult({ batch, task }: { batch: string; task: string }, row: number, startAt: number, random: () => number): Result {
  const trail: TrailEntry[] = [];
  let at = startAt;
  const inputTokens = 300 + Math.floor(1_200 * random() ** 2);
  const call = (model: SampleModel, changes: Partial<TrailEntry> = {}) => {
    const latencyMs = Math.round(model.medianMs * Math.exp(0.45 * gaussian(random)));
    const outputTokens = Math.round(model.outputTokens * (0.6 + 0.8 * random()));
    const cachedInputTokens = random() < 0.6 ? 256 : 0;
    const usage = {
      ...NO_USAGE,
      inputTokens,
      cachedInputTokens,
      outputTokens,
      reasoningTokens: model.medianMs > 5_000 ? Math.floor(outputTokens / 2) : 0,
    };
    const isFree = changes.outcome === "throttled" || changes.outcome === "transient";
    trail.push(
      trailEntry({
        call: `${batch}.${row}.${trail.length}.0.1`,
        model: model.id,
        startedAt: at,
        latencyMs,
        usage: isFree ? NO_USAGE : usage,
        price: model.price,
        costNanoUsd: isFree ? 0 : callCostNanoUsd(usage, model.price),
        ...changes,
      }),
    );
    at += latencyMs + 50;
  };
  const [mini, swift, large, medium] = SAMPLE_MODELS as [SampleModel, SampleModel, SampleModel, SampleModel];
  const first = random() < 0.72 ? mini : swift;
  if (random() < 0.012) call(first, { outcome: "uncertain" });
  if (random() < 0.03) call(first, { outcome: random() < 0.5 ? "throttled" : "transient" });
  const isHard = random() < 0.16;
  call(first, { outcome: isHard ? "unfit" : "answered" });
  let model = first;
  if (isHard) {
    const isRepaired = random() < 0.4;
    call(first, { purpose: "repair", outcome: isRepaired ? "answered" : "unfit" });
    if (!isRepaired) {
      model = random() < 0.55 ? medium : large;
      call(model);
    }
  }
  if (random() < 0.08) call(model === medium ? large : medium, { purpose: "judge" });
  const terms = {
    batch,
    task,
    reroutes: model === first ? 0 : 1,
    enqueuedAt: startAt - 2_000,
    finishedAt: at,
    tags: { team: TEAMS[row % TEAMS.length] ?? "search" },
    ...(row % 5 === 0 ? {} : { tenant: row % 2 === 0 ? "north" : "south" }),
  };
  const last = trail.at(-1);
  if (random() < 0.015 && last) {
    const refused = trail.map((entry) =>
      entry.outcome === "answered" && entry.purpose !== "judge" ? { ...entry, outcome: "refused" as const } : entry,
    );
    return failed(row, { ...terms, trail: refused, error: { code: "refused", message: "the model declined" } });
  }
  return answered(row, { ...terms, model: model.id, trail });
}

function gaussian(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** mulberry32 */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
