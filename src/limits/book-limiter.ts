// A limiter over permit books, one per provider: turns requests into charges, lines them up, and bundles endings.

import { randomBytes } from "node:crypto";
import type { ProviderSpec } from "../job/model.ts";
import { splitModelId, type ModelId } from "../job/names.ts";
import type { Clock } from "../runtime/clock.ts";
import { coalesce } from "../runtime/coalesce.ts";
import { chargingPolicy, finalCharge, upFrontCharge } from "./charging.ts";
import { createHeaderReader } from "./header-reader.ts";
import type { CallEnd, Limiter } from "./limiter.ts";
import type { PermitBook, PermitEnding } from "./permit-book.ts";
import { createPermitLine } from "./permit-line.ts";
import { providerScopes, rateOf } from "./scopes.ts";

const MOST_ITEMS = 256;

export function createBookLimiter(options: {
  clock: Clock;
  providers: ReadonlyMap<string, ProviderSpec>;
  openBook: (provider: ProviderSpec) => PermitBook;
}): Limiter {
  const desks = new Map(Array.from(options.providers.values(), (provider) => [provider.name, openDesk(provider, options)]));
  // Unique over processes and their lives; what it is for: permit-book.ts.
  const processNonce = randomBytes(6).toString("base64url");
  /** Nonces of the permits that this process holds, so that it ends its own grants and not a later one of another process. */
  const held = new Map<string, string>();
  let asked = 0;

  /** `isFormer`: the model may have been taken out of its provider since. */
  const deskOf = (model: ModelId, { isFormer = false }: { readonly isFormer?: boolean } = {}) => {
    const desk = desks.get(splitModelId(model).provider);
    if (!desk || !(isFormer || desk.scopes.of(model))) {
      const known = Array.from(desks.values(), ({ provider }) => provider.models.map(({ id }) => id)).flat();
      throw new Error(`The limiter knows no model "${model}": it is in no configured provider. Known: ${known.join(", ") || "none"}.`);
    }
    return desk;
  };

  const end = async (ending: Omit<PermitEnding, "nonce">) => {
    const desk = deskOf(ending.model);
    const nonce = held.get(ending.call);
    await desk.end({ ...ending, ...(nonce === undefined ? {} : { nonce }) });
    if (held.get(ending.call) === nonce) held.delete(ending.call);
    desk.line.freed();
  };

  return {
    async acquire(request, { patienceMs, signal }) {
      const { line, policy } = deskOf(request.model);
      const { call, model, inputTokens, likelyOutputTokens: outputTokens = request.outputTokens, leaseMs } = request;
      const nonce = `${processNonce}.${asked++}`;
      const ask = { call, model, inputTokens, outputTokens, leaseMs, nonce, charge: upFrontCharge(policy, request) };
      const reply = await line.join(ask, { patienceMs, signal });
      if (reply.kind === "granted") held.set(call, nonce);
      return reply;
    },
    async settle(callEnd) {
      const { call, model } = callEnd;
      const { policy, readingsOf, isRateKnown } = deskOf(model);
      const readings = readingsOf(callEnd);
      await end({
        call,
        model,
        final: finalCharge(policy, callEnd),
        ...(callEnd.ending === "answered" ? { isWelcome: true } : {}),
        ...(readings.length > 0 ? { readings } : {}),
        ...(callEnd.refusal ? { refusal: { waitMs: callEnd.refusal.waitMs, ...paceCause(callEnd, isRateKnown(model)) } } : {}),
      });
    },
    async release({ call, model }) {
      await end({ call, model, final: { kind: "unused" } });
    },
    async reclaim({ call, model }) {
      const desk = deskOf(model, { isFormer: true });
      const lost = await desk.look(call);
      if (!lost) return undefined;
      const { nonce, ...rest } = lost;
      await desk.end({ call, model, nonce, final: { kind: "kept" } });
      desk.line.freed();
      return { permit: nonce, ...rest };
    },
    async stop() {
      await Promise.all(Array.from(desks.values(), ({ line }) => line.stop()));
    },
  };
}

/**
 * A vendor whose refusal tells nothing of its limits leaves it to us to find the pace; and where we know of none either, a wait alone is not enough: calls would
 * go on as fast as they can from one refusal to the next.
 */
function paceCause({ refusal, readings = [] }: CallEnd, isRateKnown: boolean): { readonly pace?: "blind" | "slow-down" } {
  if (refusal?.kind === "slow-down") return { pace: "slow-down" };
  const isToldToWait = refusal !== undefined && refusal.waitMs > 0;
  return readings.length > 0 || (isToldToWait && isRateKnown) ? {} : { pace: "blind" };
}

/** All that belongs to one provider. */
function openDesk(provider: ProviderSpec, { clock, openBook }: { clock: Clock; openBook: (provider: ProviderSpec) => PermitBook }) {
  const book = openBook(provider);
  const scopes = providerScopes(provider);
  const headers = createHeaderReader();
  const end = coalesce<PermitEnding, void>(async (endings) => (await book.end(endings), []), { maxItems: MOST_ITEMS });
  const line = createPermitLine({
    clock,
    ask: (asks) => book.ask(asks),
    giveBack: ({ call, model, nonce, charge }, ticket) =>
      end({ call, model, nonce, final: { kind: "unused" }, ...(ticket === undefined ? {} : { refund: { charge, ticket } }) }),
  });
  const readingsOf = ({ model, readings = [] }: CallEnd) =>
    readings.flatMap((reading) => {
      const rate = rateOf(scopes.of(model) ?? [], reading.dimension);
      return (rate && headers.read(model, reading, rate)) ?? [];
    });
  const isRateKnown = (model: ModelId) => (scopes.of(model) ?? []).some(({ rates }) => rates.size > 0);
  const look = (call: string) => book.look(call);
  return { provider, isRateKnown, policy: chargingPolicy(provider), scopes, line, look, end, readingsOf };
}
