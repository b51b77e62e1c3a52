// A simulated vendor's models: their limits (the account's and their own), prices and answers.

import type { Price } from "../job/model.ts";
import type { AnswerSource } from "./answer-source.ts";
import type { Ask } from "./ask.ts";
import { admit, createCallLimits, type CallLimits, type Charge, type LimitRefusal, type LimitState } from "./call-limits.ts";
import { toPrice } from "./call-price.ts";
import { chargingPolicy, type ChargingPolicy } from "./charging.ts";
import { composeAnswer, type Bend, type SimulatedAnswer } from "./compose-answer.ts";
import type { LatencyOptions, SimulatedModelOptions, VendorOptions } from "./simulator-options.ts";

export interface ModelState {
  readonly inFlight: number;
  readonly limits: readonly LimitState[];
}

export interface Admission {
  /** Absent: the call is admitted. */
  readonly refusal?: LimitRefusal;
  /** What was taken of the limits, of an admitted call or of a refused one. */
  readonly charged: Charge;
}

export interface SimulatedModel {
  readonly policy: ChargingPolicy;
  /** The account's limits and the model's own: a call passes both. */
  readonly scopes: readonly CallLimits[];
  readonly price: Price | undefined;
  readonly contextWindow: number;
  readonly maxOutputTokens: number | undefined;
  readonly latency: LatencyOptions;
  answer(ask: Ask, bend: Bend): SimulatedAnswer;
  /** Charges the call up front, or tells why not. */
  admit(ask: Ask, answer: SimulatedAnswer, nowMs: number): Admission;
  /** The call is under way; `leave` when it no longer is. */
  enter(): void;
  leave(): void;
  /** The answer begins to be produced, over `durationMs`. The function returned settles the buckets when it is done, and tells what the output was charged. */
  beginOutput(ask: Ask, answer: SimulatedAnswer, nowMs: number, durationMs: number): (endMs: number) => Charge;
  state(nowMs: number): ModelState;
}

const NO_LATENCY: LatencyOptions = { baseMs: 0, jitterMs: 0, sigma: 0, perOutputTokenMs: 0 };

export function createSimulatedModels(context: {
  readonly options: VendorOptions;
  readonly sources: Readonly<Record<string, AnswerSource>>;
  readonly nowMs: number;
}): ReadonlyMap<string, SimulatedModel> {
  const { options, nowMs } = context;
  const { burstSeconds } = options;
  const account = createCallLimits({ limits: definedOnly(options.limits ?? {}), burstSeconds, nowMs });
  const policy = chargingPolicy(options.kind, options.kind === "anthropic" ? options.outputCharging : "produced");

  const createModel = (name: string, model: SimulatedModelOptions): SimulatedModel => {
    const own = createCallLimits({ limits: definedOnly(model.limits ?? {}), burstSeconds, nowMs });
    const scopes = [account, own];
    const source = context.sources[name];
    const asked = { name, recordedAs: model.recordedAs, accuracy: model.accuracy };
    // Only Anthropic tells (and prices) writes to the cache.
    const profile = { ...model, cacheWriteShare: options.kind === "anthropic" ? model.cacheWriteShare : 0 };
    let inFlight = 0;
    return {
      policy,
      scopes,
      price: model.price && toPrice(model.price),
      contextWindow: model.contextWindow,
      maxOutputTokens: model.maxOutputTokens,
      latency: model.latency ?? options.latency ?? NO_LATENCY,
      answer(ask, bend) {
        const sourced = source?.answer(ask, asked) ?? { source: "text", text: "Simulated." };
        return composeAnswer({ ...ask, maxOutputTokens: ask.maxOutputTokens ?? model.maxOutputTokens }, sourced, profile, bend);
      },
      admit(ask, answer, nowMs) {
        const charge = policy.upFront({ inputCharacters: ask.inputCharacters, maxOutputTokens: ask.maxOutputTokens, usage: answer.usage });
        const refusal = admit(scopes, charge, nowMs);
        if (!refusal) return { charged: charge };
        let charged: Charge = {};
        // A call refused for its tokens takes a request all the same, where one is left.
        for (const scope of policy.countsFailures ? scopes : []) {
          if (scope.refusal({ rpm: 1 }, nowMs)) continue;
          scope.take({ rpm: 1 }, nowMs);
          if (scope === own) charged = { rpm: 1 };
        }
        return { refusal, charged };
      },
      enter() {
        inFlight++;
        for (const scope of scopes) scope.countInFlight(1);
      },
      leave() {
        inFlight--;
        for (const scope of scopes) scope.countInFlight(-1);
      },
      beginOutput(ask, answer, nowMs, durationMs) {
        const tokensPerMs = policy.drainsOutput && durationMs > 0 ? answer.usage.outputTokens / durationMs : 0;
        for (const scope of scopes) scope.drainOutput(tokensPerMs, nowMs);
        return (endMs) => {
          const { outputTokens } = answer.usage;
          const corrected = policy.atEnd({ maxOutputTokens: ask.maxOutputTokens, usage: answer.usage });
          const rest = policy.drainsOutput ? { otpm: outputTokens - tokensPerMs * (endMs - nowMs) } : {};
          for (const scope of scopes) {
            scope.drainOutput(-tokensPerMs, endMs);
            scope.take({ ...corrected, ...rest }, endMs);
          }
          return policy.drainsOutput ? { ...corrected, otpm: outputTokens } : corrected;
        };
      },
      state: (nowMs) => ({ inFlight, limits: own.states(nowMs) }),
    };
  };

  return new Map(Object.entries(options.models).map(([name, model]) => [name, createModel(name, model)]));
}

function definedOnly<Value>(record: Readonly<Record<string, Value | undefined>>): Record<string, Value> {
  return Object.fromEntries(Object.entries(record).filter((entry): entry is [string, Value] => entry[1] !== undefined));
}
