// One kind of calls of a group of rows: what each of them takes of tokens, money and the vendor's limits.

import type { Fleet } from "../src/config/fleet.ts";
import { callCostNanoUsd } from "../src/cost/call-cost.ts";
import type { ModelId } from "../src/job/names.ts";
import { NO_USAGE } from "../src/job/usage.ts";
import { chargingPolicy, finalCharge, upFrontCharge, type Charge } from "../src/limits/charging.ts";
import type { ExpectedCalls } from "../src/plan/plan.ts";
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
    costNanoUsd: meanCost(fleet, model, inputTokens, outputTokens),
    charge: chargeOf(fleet, model, { inputTokens, chargedTokens, outputTokens, maxOutputTokens }),
  };
}

type Priced = Pick<Fleet, "models" | "providers">;

/** For whole tokens a call's cost is exact; between them it goes evenly. */
function meanCost({ models }: Priced, id: ModelId, inputTokens: number, outputTokens: number): number {
  const price = models.get(id)?.price;
  if (!price) return 0;
  const cost = (input: number, output: number) => callCostNanoUsd({ ...NO_USAGE, inputTokens: input, outputTokens: output }, price);
  const [input, output] = [Math.floor(inputTokens), Math.floor(outputTokens)];
  const whole = cost(input, output);
  return whole + (inputTokens - input) * (cost(input + 1, output) - whole) + (outputTokens - output) * (cost(input, output + 1) - whole);
}

/** What remains of a call's charge when it is over. */
function chargeOf(
  { models, providers }: Priced,
  id: ModelId,
  call: { inputTokens: number; chargedTokens: number; outputTokens: number; maxOutputTokens: number | undefined },
): Charge {
  const policy = chargingPolicy(providers.get(models.get(id)!.provider)!);
  const { inputTokens, chargedTokens, outputTokens, maxOutputTokens } = call;
  const final = finalCharge(policy, { call: "", model: id, ending: "answered", usage: { ...NO_USAGE, inputTokens, outputTokens } });
  if (final.kind === "used") return final.used;
  const limit = maxOutputTokens === undefined ? {} : { maxOutputTokens };
  return upFrontCharge(policy, { inputTokens, inputCharacters: chargedTokens * CHARACTERS_PER_TOKEN, outputTokens, ...limit });
}
