// Reads from Redis how much of their limits a provider's models are using. It changes nothing.

import type { Redis } from "ioredis";
import { DAY_MS } from "../job/day.ts";
import type { ProviderSpec } from "../job/model.ts";
import type { ModelId } from "../job/names.ts";
import { providerKeys } from "../runtime/keys.ts";
import { serverTimeMs } from "../runtime/redis-script.ts";
import type { Dimension } from "./charging.ts";
import { flowRate, type Flow } from "./flow.ts";
import { shareOf, type DimensionUse, type LimitUse } from "./limit-use.ts";
import { isOver, paceRate, type Pace } from "./pace.ts";
import { providerScopes, type LimitScope } from "./scopes.ts";

const MINUTE_MS = 60_000;

export async function readLimitUse(redis: Redis, provider: ProviderSpec): Promise<ReadonlyMap<ModelId, LimitUse>> {
  const [fields, now] = await Promise.all([redis.hgetall(providerKeys(provider.name).buckets), serverTimeMs(redis)]);
  const scopes = providerScopes(provider);
  return new Map(provider.models.map(({ id }) => [id, useOf(scopes.of(id) ?? [], fields, now)]));
}

function useOf(scopes: readonly LimitScope[], fields: Readonly<Record<string, string>>, now: number): LimitUse {
  const own = scopes[0]?.name ?? "";
  const tightest = new Map<Dimension, DimensionUse>();
  for (const use of scopes.flatMap((scope) => dimensionsOf(scope, fields, now))) {
    const other = tightest.get(use.dimension);
    if (!other || shareOf(use) > shareOf(other)) tightest.set(use.dimension, use);
  }
  const heldUntil = Number(fields[`hold|${own}`] ?? 0);
  const pace = parsePace(fields[`pace|${own}`]);
  const ownRate = scopes[0]?.rates.get("rpm")?.perMs;
  return {
    dimensions: [...tightest.values()],
    callsPerMinute: flowRate(parseFlow(fields[`rpm|${own}`]), now) * MINUTE_MS,
    inFlight: Math.max(0, Number(fields[`calls|${own}`] ?? 0)),
    heldUntil: heldUntil > now ? heldUntil : 0,
    ...(pace && !isOver(pace, ownRate, now) ? { pacePerMinute: paceRate(pace, now) * MINUTE_MS } : {}),
  };
}

function dimensionsOf({ name, rates }: LimitScope, fields: Readonly<Record<string, string>>, now: number): readonly DimensionUse[] {
  return Array.from(rates, ([dimension, { perMs }]) => {
    const text = fields[`${dimension}|${name}`];
    const vendors = Number(text?.split(" ")[1] ?? 0);
    const isVendors = vendors > 0 && vendors < perMs;
    if (dimension === "rpd") {
      // A day's bucket tells itself what of it has been taken.
      const takenMs = Math.min(DAY_MS, Math.max(0, Number(text?.split(" ")[0] ?? 0) - now));
      return { dimension, limit: Math.round(perMs * DAY_MS), isVendors: false, taken: takenMs * perMs };
    }
    const limit = Math.round((isVendors ? vendors : perMs) * MINUTE_MS);
    return { dimension, limit, isVendors, taken: flowRate(parseFlow(text), now) * MINUTE_MS };
  });
}

/** The fields are written by scope-lua.ts and pace-lua.ts. */
function parseFlow(text: string | undefined): Flow | undefined {
  const [, , , sum, weightMs, at] = (text ?? "").split(" ").map(Number);
  return sum === undefined || weightMs === undefined || at === undefined ? undefined : { sum, weightMs, at };
}

function parsePace(text: string | undefined): Pace | undefined {
  const [perMs, heldUntil, growth, reference, loweredAt, loweredBefore, strikes] = (text ?? "-").split(" ").map(Number);
  if (perMs === undefined || Number.isNaN(perMs)) return undefined;
  return {
    perMs,
    heldUntil: heldUntil ?? 0,
    growth: growth ?? 0,
    reference: reference ?? 0,
    loweredAt: loweredAt ?? 0,
    loweredBefore: loweredBefore ?? 0,
    strikes: strikes ?? 0,
  };
}
