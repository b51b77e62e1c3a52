// A limiter over permit books, one per provider: turns requests into charges, lines them up, and bundles endings and readings.

import { randomBytes } from "node:crypto";
import type { ProviderSpec } from "../job/model.ts";
import { splitModelId, type ModelId } from "../job/names.ts";
import type { Clock } from "../runtime/clock.ts";
import { coalesce } from "../runtime/coalesce.ts";
import { bucketRates } from "./bucket.ts";
import { upFrontCharge, usedCharge } from "./charging.ts";
import type { Limiter } from "./limiter.ts";
import type { PermitBook, PermitEnding, PermitReading } from "./permit-book.ts";
import { createPermitLine } from "./permit-line.ts";

/** Half of the second of its rate that every vendor is assumed to let through at once. */
export const DEFAULT_BURST_SECONDS = 0.5;
const MOST_ITEMS = 256;

export function createBookLimiter(options: {
  clock: Clock;
  providers: ReadonlyMap<string, ProviderSpec>;
  burstMs: number;
  openBook: (provider: ProviderSpec) => PermitBook;
}): Limiter {
  const desks = new Map(Array.from(options.providers.values(), (provider) => [provider.name, openDesk(provider, options)]));
  // Unique over processes and their lives; what it is for: permit-book.ts.
  const processNonce = randomBytes(6).toString("base64url");
  /** Nonces of the permits that this process holds, so that it ends its own grants and not a later one of another process. */
  const held = new Map<string, string>();
  let asked = 0;

  const deskOf = (model: ModelId) => {
    const desk = desks.get(splitModelId(model).provider);
    const rates = desk?.ratesByModel.get(model);
    if (!desk || !rates) {
      const known = [...desks.values()].flatMap(({ ratesByModel }) => [...ratesByModel.keys()]);
      throw new Error(`The limiter knows no model "${model}": it is in no configured provider. Known: ${known.join(", ") || "none"}.`);
    }
    return { ...desk, rates };
  };

  const end = async (call: string, model: ModelId, ending: PermitEnding["ending"]) => {
    const desk = deskOf(model);
    const nonce = held.get(call);
    await desk.end({ call, model, ending, ...(nonce === undefined ? {} : { nonce }) });
    if (held.get(call) === nonce) held.delete(call);
    desk.line.freed();
  };

  return {
    async acquire(request, { patienceMs, signal }) {
      const { line, provider } = deskOf(request.model);
      const { call, model, inputTokens, outputTokens, leaseMs } = request;
      const nonce = `${processNonce}.${asked++}`;
      const ask = { call, model, inputTokens, outputTokens, leaseMs, nonce, ...upFrontCharge(provider.kind, request) };
      const reply = await line.join(ask, { patienceMs, signal });
      if (reply.kind === "granted") held.set(call, nonce);
      return reply;
    },
    async settle({ call, model, usage }) {
      const { kind } = deskOf(model).provider;
      await end(call, model, usage ? { kind: "used", used: usedCharge(kind, usage) } : { kind: "kept" });
    },
    async release({ call, model }) {
      await end(call, model, { kind: "unused" });
    },
    async observe(model, readings) {
      const { lower, rates } = deskOf(model);
      // What leaves a full burst can't lower anything: most answers ask nothing of Redis.
      const low = readings.filter(({ dimension, remaining }) => {
        const rate = rates.get(dimension);
        return rate !== undefined && remaining < rate.perMs * rate.burstMs;
      });
      await Promise.all(low.map(({ dimension, remaining }) => lower({ model, dimension, remaining: Math.max(0, remaining) })));
    },
    async hold(model, waitMs) {
      await deskOf(model).book.hold(model, waitMs);
    },
    async stop() {
      await Promise.all(Array.from(desks.values(), ({ line }) => line.stop()));
    },
  };
}

/** All that belongs to one provider. */
function openDesk(
  provider: ProviderSpec,
  { clock, burstMs, openBook }: { clock: Clock; burstMs: number; openBook: (provider: ProviderSpec) => PermitBook },
) {
  const book = openBook(provider);
  const end = coalesce<PermitEnding, void>(async (endings) => (await book.end(endings), []), { maxItems: MOST_ITEMS });
  const lower = coalesce<PermitReading, void>(async (readings) => (await book.lower(readings), []), { maxItems: MOST_ITEMS });
  const line = createPermitLine({
    clock,
    ask: (asks) => book.ask(asks),
    giveBack: ({ call, model, nonce }) => end({ call, model, nonce, ending: { kind: "unused" } }),
  });
  const accountRates = bucketRates(provider.limits, burstMs);
  /** Where a vendor's reading belongs: the model's own bucket, else its account's. */
  const ratesByModel = new Map(provider.models.map(({ id, limits }) => [id, new Map([...accountRates, ...bucketRates(limits, burstMs)])]));
  return { provider, book, line, end, lower, ratesByModel };
}
