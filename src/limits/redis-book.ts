// A permit book in Redis, shared by the whole fleet: one slot per provider, one script per question. Redis keeps the time; limits come as
// arguments, so a changed configuration holds from the next ask on.

import type { Redis } from "ioredis";
import type { ProviderSpec } from "../job/model.ts";
import { providerKeys } from "../runtime/keys.ts";
import { runScript } from "../runtime/redis-script.ts";
import { askScript } from "./ask-script.ts";
import { bucketRates } from "./bucket.ts";
import { endScript } from "./end-script.ts";
import { holdScript } from "./hold-script.ts";
import { lowerScript } from "./lower-script.ts";
import { ACCOUNT, LATE_SHARE, UNCERTAIN_MS, type PermitAnswer, type PermitBook, type RefusedBy } from "./permit-book.ts";

type AskReply = ["granted"] | ["granted", number, number, number] | ["refused", number, RefusedBy, string];

export function createRedisBook({ redis, provider, burstMs }: { redis: Redis; provider: ProviderSpec; burstMs: number }): PermitBook {
  const { buckets, leases, expiries, uncertain } = providerKeys(provider.name);
  const keys = [buckets, leases, expiries, uncertain];
  const limitsByScope = new Map<string, unknown>(
    [{ id: ACCOUNT, limits: provider.limits }, ...provider.models].map(({ id, limits }) => {
      const rates = Array.from(bucketRates(limits, burstMs), ([dimension, { perMs, burstMs }]) => [dimension, [perMs, burstMs]] as const);
      return [id, { rates: Object.fromEntries(rates), concurrency: limits.concurrency }];
    }),
  );

  /** The limits that the items need: a provider may have many models. */
  const scopesFor = (items: readonly { readonly model: string }[]) => {
    const scopes: Record<string, unknown> = { [ACCOUNT]: limitsByScope.get(ACCOUNT) };
    for (const { model } of items) scopes[model] ??= limitsByScope.get(model);
    return scopes;
  };

  return {
    async ask(asks) {
      const input = { lateMs: burstMs * LATE_SHARE, uncertainMs: UNCERTAIN_MS, scopes: scopesFor(asks), asks };
      const replies = await runScript<AskReply[]>(redis, askScript, keys, [JSON.stringify(input)]);
      return replies.map(toAnswer);
    },
    async end(endings) {
      await runScript(redis, endScript, keys, [JSON.stringify({ scopes: scopesFor(endings), endings })]);
    },
    async lower(readings) {
      await runScript(redis, lowerScript, keys, [JSON.stringify({ scopes: scopesFor(readings), readings })]);
    },
    async hold(model, waitMs) {
      await runScript(redis, holdScript, [buckets], [model, waitMs]);
    },
  };
}

function toAnswer(reply: AskReply): PermitAnswer {
  if (reply[0] === "refused") return { kind: "refused", waitMs: reply[1], by: reply[2], scope: reply[3] };
  const [, startedAt, inputTokens, outputTokens] = reply;
  if (startedAt === undefined || inputTokens === undefined || outputTokens === undefined) return { kind: "granted" };
  return { kind: "granted", cutOff: { startedAt, inputTokens, outputTokens } };
}
