// Calls' sums in Redis, shared by the fleet: one hash for all models of a provider, in its slot.

import type { Redis } from "ioredis";
import { providerKeys } from "../runtime/keys.ts";
import { runScript, serverTimeMs } from "../runtime/redis-script.ts";
import { fade, HALF_LIFE_MS, MOST_WEIGHT, shareLeft, type CallSums } from "./call-sums.ts";
import { LAST_BUCKET } from "./latency-histogram.ts";
import type { StatsBook } from "./stats-book.ts";
import { statsScript } from "./stats-script.ts";

/** After a week a ten-millionth of a call is left. */
const KEPT_SECONDS = 7 * 24 * 3_600;
const SUMS = 7;

/** The connection stays the caller's to close. */
export function createRedisStatsBook({ redis, provider }: { readonly redis: Redis; readonly provider: string }): StatsBook {
  const { stats } = providerKeys(provider);
  return {
    async read() {
      const [values, now] = await Promise.all([redis.hgetall(stats), serverTimeMs(redis)]);
      const known = new Map<string, CallSums>();
      for (const [subject, value] of Object.entries(values)) {
        const found = parse(value);
        // What can't be read is left out: the next call begins it anew.
        if (found) known.set(subject, fade(found.sums, shareLeft(now - found.at)));
      }
      return known;
    },
    async add(calls) {
      if (calls.size === 0) return;
      const args = Array.from(calls, ([subject, sums]) => [subject, format(sums)]).flat();
      await runScript(redis, statsScript, [stats], [MOST_WEIGHT, HALF_LIFE_MS, KEPT_SECONDS, ...args]);
    },
  };
}

function format({ calls, answers, passed, inputTokens, outputTokens, costNanoUsd, latencies }: CallSums): string {
  return [0, calls, answers, passed, inputTokens, outputTokens, costNanoUsd, ...Array.from(latencies).flat()].join(" ");
}

function parse(value: string): { readonly at: number; readonly sums: CallSums } | undefined {
  const numbers = value.split(" ").map(Number);
  const isWhole = numbers.length >= SUMS && (numbers.length - SUMS) % 2 === 0;
  if (!isWhole || !numbers.every((number) => number >= 0 && number <= Number.MAX_SAFE_INTEGER)) return undefined;
  const [at = 0, calls = 0, answers = 0, passed = 0, inputTokens = 0, outputTokens = 0, costNanoUsd = 0] = numbers;
  const latencies = new Map<number, number>();
  for (let i = SUMS; i < numbers.length; i += 2) {
    const [bucket = 0, count = 0] = numbers.slice(i, i + 2);
    if (!Number.isInteger(bucket) || bucket > LAST_BUCKET) return undefined;
    latencies.set(bucket, count);
  }
  return { at, sums: { calls, answers, passed, inputTokens, outputTokens, costNanoUsd, latencies } };
}
