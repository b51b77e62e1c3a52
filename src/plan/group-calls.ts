// One kind of calls of a group of rows: what each of them takes of tokens, money and the vendor's limits.

import { tokenPricesFor } from "../cost/token-prices.ts";
import type { TokenPrices } from "../job/model.ts";
import type { ModelId } from "../job/names.ts";
import type { Purpose } from "../job/trail.ts";
import { NO_USAGE } from "../job/usage.ts";
import { chargingPolicy, finalCharge, upFrontCharge, type Charge } from "../limits/charging.ts";
import { VERDICT_TOKENS } from "../quality/judge.ts";
import { COMPLEXITY_TOKENS } from "../routing/ask-complexity.ts";
import type { PlannedFleet, ExpectedCalls, TokenParts } from "./plan.ts";
import { meanOver } from "./lengths.ts";
import { shownTokens, type RowGroup, type RowScan } from "./scan-rows.ts";

/** For each row of the group that takes the way. */
export interface GroupCalls extends Pick<ExpectedCalls, "model" | "purpose" | "requests" | "answers" | "knowledge"> {
  /** Of one answered call. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costNanoUsd: number;
  readonly charge: Charge;
}

/** What a judge, and who is asked for the complexity, may answer: their requests' own limits. */
export const MOST_TOKENS: Partial<Record<Purpose, number>> = { judge: VERDICT_TOKENS, analyse: COMPLEXITY_TOKENS };
const CHARACTERS_PER_TOKEN = 4;

/** Means over the group's rows. `partsAt`: what parts a call's tokens are of, by the prices that hold for it; absent: as they were seen. */
export function toGroupCalls(
  calls: ExpectedCalls,
  group: RowGroup,
  { fleet, scan, partsAt = (parts) => parts }: { readonly fleet: Priced; readonly scan: RowScan; readonly partsAt?: PartsAt },
): GroupCalls {
  const { model, purpose, requests, answers, knowledge, outputTokens } = calls;
  const variant = scan.variantOf(model);
  const lengths = group.lengths[variant]!;
  const inputOf = (row: number) => Math.max(1, calls.inputFactor * (purpose === "analyse" ? shownTokens(row) : row) + calls.inputMore);
  const inputTokens = meanOver(lengths, inputOf);
  const price = fleet.models.get(model)?.price;
  const costOf = (tokens: CallTokens) => {
    const prices = price && tokenPricesFor(price, tokens.inputTokens);
    return prices ? costAt(prices, tokens, partsAt(knowledge.parts, prices)) : 0;
  };
  return {
    model,
    purpose,
    requests,
    answers,
    knowledge,
    inputTokens,
    outputTokens,
    costNanoUsd: meanOver(lengths, (row) => costOf({ inputTokens: inputOf(row), outputTokens })),
    charge: chargeOf(fleet, model, {
      inputTokens,
      outputTokens,
      cached: knowledge.parts.cached,
      ...upFrontOf(calls, inputTokens, group, variant),
    }),
  };
}

interface CallTokens {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

const PICO_PER_NANO = 1_000;

type Priced = Pick<PlannedFleet, "models" | "providers">;

type PartsAt = (parts: TokenParts, prices: TokenPrices) => TokenParts;

/** In nano-dollars, not rounded: it is a mean. */
function costAt(prices: TokenPrices, { inputTokens, outputTokens }: CallTokens, { cached, written, reasoning }: TokenParts): number {
  const input = (1 - cached - written) * prices.input + cached * prices.cachedInput + written * prices.cacheWrite;
  const output = (1 - reasoning) * prices.output + reasoning * (prices.reasoning ?? prices.output);
  return (inputTokens * input + outputTokens * output) / PICO_PER_NANO;
}

/** The dearest that tokens may turn out to be: written to a cache where that was seen, and nothing but reasoning. */
export function dearestParts({ written }: TokenParts, { input, cacheWrite, output, reasoning }: TokenPrices): TokenParts {
  const isWritten = written > 0 && cacheWrite > input;
  const isReasoned = reasoning !== undefined && reasoning > output;
  return { cached: 0, written: isWritten ? 1 : 0, reasoning: isReasoned ? 1 : 0 };
}

/** What OpenAI's limits take of a call, and the longest answer that it may have: means over the rows, of which some have a limit of their own, and some have none. */
interface UpFront {
  readonly chargedTokens: number;
  readonly reservedTokens: number;
}

function upFrontOf(
  { purpose, outputTokens }: Pick<ExpectedCalls, "purpose" | "outputTokens">,
  inputTokens: number,
  group: RowGroup,
  variant: number,
): UpFront {
  const most = MOST_TOKENS[purpose];
  if (most !== undefined) return { chargedTokens: Math.max(inputTokens, most), reservedTokens: most };
  const charged = group.chargedTokens[variant]! / group.rows;
  return {
    // A repair is the row's own request, and what is wrong with the answer.
    chargedTokens: purpose === "repair" ? Math.max(charged, inputTokens) : charged,
    reservedTokens: (group.maxOutputTokens + (group.rows - group.limitedRows) * outputTokens) / group.rows,
  };
}

/** What remains of a call's charge when it is over. */
function chargeOf({ models, providers }: Priced, id: ModelId, call: CallTokens & UpFront & { readonly cached: number }): Charge {
  const policy = chargingPolicy(providers.get(models.get(id)!.provider)!);
  const { inputTokens, outputTokens, chargedTokens, reservedTokens } = call;
  const final = finalCharge(policy, {
    call: "",
    model: id,
    ending: "answered",
    usage: { ...NO_USAGE, inputTokens, cachedInputTokens: call.cached * inputTokens, outputTokens },
  });
  if (final.kind === "used") return final.used;
  // What is reserved stands for requests with a limit and without one.
  const reserved = policy.upFront === "expected" ? outputTokens : reservedTokens;
  return upFrontCharge(policy, { inputTokens, inputCharacters: chargedTokens * CHARACTERS_PER_TOKEN, outputTokens: reserved });
}
