// Time goes by for a provider: its open breakers may be probed now, and what its vendor asked to be slow or to wait for is over.

import type { Redis } from "ioredis";
import { DEFAULT_BREAKER_SETTINGS, type StoredBreaker } from "../../src/breaker/breaker-machine.ts";
import { createRedisBoard } from "../../src/breaker/redis-board.ts";
import { providerKeys } from "../../src/runtime/keys.ts";

/** Longer than a call may take in the tests that use this: who probes has died. */
const LONGEST_PROBE_MS = 5_000;

export async function letTimePass(redis: Redis, provider: string): Promise<void> {
  await Promise.all([endOpenings(redis, provider), endPaces(redis, provider)]);
}

async function endOpenings(redis: Redis, provider: string): Promise<void> {
  const board = createRedisBoard({ redis, settings: DEFAULT_BREAKER_SETTINGS });
  const { now, states } = await board.read(provider);
  for (const [field, text] of states) {
    const passed = later(JSON.parse(text) as StoredBreaker, now);
    if (passed) await board.swap(provider, field, text, JSON.stringify(passed));
  }
}

function later(breaker: StoredBreaker, now: number): StoredBreaker | undefined {
  if (breaker.kind === "open") return breaker.openUntil > now ? { ...breaker, openUntil: now } : undefined;
  const probedForMs = now - (breaker.leaseUntil - DEFAULT_BREAKER_SETTINGS.probeLeaseMs);
  return breaker.leaseUntil > now && probedForMs > LONGEST_PROBE_MS ? { ...breaker, leaseUntil: now } : undefined;
}

/** A vendor's "Slow Down" holds for a quarter of an hour. */
async function endPaces(redis: Redis, provider: string): Promise<void> {
  const { buckets } = providerKeys(provider);
  const paces = (await redis.hkeys(buckets)).filter((field) => field.startsWith("pace|") || field.startsWith("hold|"));
  if (paces.length > 0) await redis.hdel(buckets, ...paces);
}
