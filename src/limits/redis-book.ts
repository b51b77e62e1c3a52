// A permit book in Redis, shared by the whole fleet: one slot per provider, one script per question. Redis keeps the time; limits come as
// arguments, so a changed configuration holds from the next ask on.

import type { Redis } from "ioredis";
import type { ProviderSpec } from "../job/model.ts";
import type { ModelId } from "../job/names.ts";
import { providerKeys } from "../runtime/keys.ts";
import { runScript } from "../runtime/redis-script.ts";
import { askScript } from "./ask-script.ts";
import type { BucketRate } from "./bucket.ts";
import { endScript } from "./end-script.ts";
import { UNCERTAIN_MS, type CutOffCall, type PermitAnswer, type PermitBook, type RefusedBy } from "./permit-book.ts";
import { providerScopes, type LimitScope } from "./scopes.ts";

type AskReply =
  | ["ticket", string, string]
  | ["granted"]
  | ["granted", string, number, number, number]
  | ["refused", number, RefusedBy, string];

export function createRedisBook({ redis, provider }: { redis: Redis; provider: ProviderSpec }): PermitBook {
  const { buckets, leases, expiries, uncertain } = providerKeys(provider.name);
  const keys = [buckets, leases, expiries, uncertain];
  const limits = providerScopes(provider);

  /** The limits that the items need: a provider may have many models. */
  const scopesFor = (items: readonly { readonly model: ModelId }[]) => {
    const passes: Record<string, readonly string[]> = {};
    const scopes: Record<string, object> = {};
    for (const { model } of items) {
      if (passes[model]) continue;
      const passed = limits.of(model) ?? [formerScope(model)];
      passes[model] = passed.map(({ name }) => name);
      for (const scope of passed) scopes[scope.name] ??= toArgument(scope);
    }
    return { passes, scopes };
  };

  return {
    async ask(asks) {
      const input = { uncertainMs: UNCERTAIN_MS, ...scopesFor(asks), asks };
      const replies = await runScript<AskReply[]>(redis, askScript, keys, [JSON.stringify(input)]);
      return replies.map(toAnswer);
    },
    async look(call) {
      const [leased, lost] = await Promise.all([redis.hget(leases, call), redis.hget(uncertain, call)]);
      const text = leased ?? lost;
      if (text === null) return undefined;
      const { nonce, startedAt, inputTokens, outputTokens } = JSON.parse(text) as CutOffCall;
      return { nonce, startedAt, inputTokens, outputTokens };
    },
    async end(endings) {
      await runScript(redis, endScript, keys, [JSON.stringify({ ...scopesFor(endings), endings })]);
    },
  };
}

/** Of a model that the provider no longer has: it limits nothing. What its calls passed stands in their permits. */
function formerScope(model: ModelId): LimitScope {
  return { name: model, rates: new Map(), concurrency: undefined };
}

function toArgument({ rates, concurrency }: LimitScope): object {
  const toList = ({ perMs, burstMs, travel }: BucketRate) => [perMs, burstMs, [travel.fromMs, travel.ms, travel.wholeMs]];
  return { rates: Object.fromEntries(Array.from(rates, ([dimension, rate]) => [dimension, toList(rate)])), concurrency };
}

function toAnswer(reply: AskReply): PermitAnswer {
  if (reply[0] === "refused") return { kind: "refused", waitMs: reply[1], by: reply[2], scope: reply[3] };
  if (reply[0] === "ticket") return { kind: "ticket", ticket: Number(reply[1]), waitMs: Number(reply[2]) };
  const [, nonce, startedAt, inputTokens, outputTokens] = reply;
  if (nonce === undefined || startedAt === undefined || inputTokens === undefined || outputTokens === undefined) return { kind: "granted" };
  return { kind: "granted", cutOff: { nonce, startedAt, inputTokens, outputTokens } };
}
