// One kind of calls of a group of rows: what each of them takes of tokens, money and the vendor's limits.

import type { Fleet } from "../src/config/fleet.ts";
import { tokenPricesFor } from "../src/cost/token-prices.ts";
import type { Price } from "../src/job/model.ts";
import type { ModelId } from "../src/job/names.ts";
import { NO_USAGE } from "../src/job/usage.ts";
import { chargingPolicy, finalCharge, upFrontCharge, type Charge } from "../src/limits/charging.ts";
import type { ExpectedCalls, ModelKnowledge, TokenParts } from "../src/plan/plan.ts";
import type { RowGroup, RowScan } from "./plan-rows.ts";

/** For each row of the group that takes the way. */
export interface GroupCalls extends Pick<ExpectedCalls, "model" | "purpose" | "requests" | "answers" | "knowledge"> {
  /** Of one answered call. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costNanoUsd: number;
  readonly charge: Charge;
}

/** Of a long request only so much is shown to who is asked for its complexity. */
const MOST_ANALYSED_TOKENS = 2_000;
const CHARACTERS_PER_TOKEN = 4;

/** Means stand for rows: within a group a call's cost goes straight with its tokens. */
export function toGroupCalls(
  calls: ExpectedCalls,
  group: RowGroup,
  { fleet, scan }: { readonly fleet: Priced; readonly scan: RowScan },
): GroupCalls {
  const { model, purpose, requests, answers, knowledge, outputTokens } = calls;
  const variant = scan.variantOf(model);
  const meanTokens = group.inputTokens[variant]! / group.rows;
  const ownTokens = purpose === "analyse" ? Math.min(meanTokens, MOST_ANALYSED_TOKENS) : meanTokens;
  const inputTokens = Math.max(1, calls.inputFactor * ownTokens + calls.inputMore);
  const isOwn = purpose === "answer" || purpose === "agree";
  const chargedTokens = isOwn ? group.chargedTokens[variant]! / group.rows : inputTokens;
  const maxOutputTokens = isOwn && group.limitedRows > 0 ? group.maxOutputTokens / group.limitedRows : undefined;
  return {
    model,
    purpose,
    requests,
    answers,
    knowledge,
    inputTokens,
    outputTokens,
    costNanoUsd: meanCost(fleet, model, { inputTokens, outputTokens }, knowledge.parts),
    charge: chargeOf(fleet, model, { inputTokens, chargedTokens, outputTokens, maxOutputTokens, cached: knowledge.parts.cached }),
  };
}

interface CallTokens {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

const PICO_PER_NANO = 1_000;

type Priced = Pick<Fleet, "models" | "providers">;

/** In nano-dollars, not rounded: it is a mean. */
function meanCost(
  { models }: Priced,
  id: ModelId,
  { inputTokens, outputTokens }: CallTokens,
  { cached, written, reasoning }: TokenParts,
): number {
  const price = models.get(id)?.price;
  if (!price) return 0;
  const rates = tokenPricesFor(price, inputTokens);
  const input = (1 - cached - written) * rates.input + cached * rates.cachedInput + written * rates.cacheWrite;
  const output = (1 - reasoning) * rates.output + reasoning * (rates.reasoning ?? rates.output);
  return (inputTokens * input + outputTokens * output) / PICO_PER_NANO;
}

/** The dearest that tokens may turn out to be: written to a cache where that was seen, and nothing but reasoning. */
export function dearestParts({ parts }: Pick<ModelKnowledge, "parts">, price: Price | undefined): TokenParts {
  const isWritten = price !== undefined && parts.written > 0 && price.cacheWrite > price.input;
  const isReasoned = price?.reasoning !== undefined && price.reasoning > price.output;
  return { cached: 0, written: isWritten ? 1 : 0, reasoning: isReasoned ? 1 : 0 };
}

/** What remains of a call's charge when it is over. */
function chargeOf(
  { models, providers }: Priced,
  id: ModelId,
  call: CallTokens & { readonly chargedTokens: number; readonly maxOutputTokens: number | undefined; readonly cached: number },
): Charge {
  const policy = chargingPolicy(providers.get(models.get(id)!.provider)!);
  const { inputTokens, chargedTokens, outputTokens, maxOutputTokens } = call;
  const final = finalCharge(policy, {
    call: "",
    model: id,
    ending: "answered",
    usage: { ...NO_USAGE, inputTokens, cachedInputTokens: call.cached * inputTokens, outputTokens },
  });
  if (final.kind === "used") return final.used;
  const limit = maxOutputTokens === undefined ? {} : { maxOutputTokens };
  return upFrontCharge(policy, { inputTokens, inputCharacters: chargedTokens * CHARACTERS_PER_TOKEN, outputTokens, ...limit });
}
