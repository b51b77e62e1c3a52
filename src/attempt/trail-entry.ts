// What goes into a job's trail of a call: how it ended, what it used and cost, exactly or as far as can be told.

import { callCostNanoUsd } from "../cost/call-cost.ts";
import type { Outcome } from "../job/outcome.ts";
import type { TrailEntry } from "../job/trail.ts";
import { NO_USAGE, type Usage } from "../job/usage.ts";
import type { CutOff } from "../limits/limiter.ts";
import type { CallReport } from "../providers/provider.ts";
import type { Call } from "./attempt.ts";

/** A call that isn't made (again): as far as its entry needs it. */
export interface LostCall extends Pick<Call, "id" | "purpose"> {
  readonly model: Pick<Call["model"], "id" | "price">;
  readonly tokens: Pick<Call["tokens"], "inputTokens" | "likelyOutputTokens">;
}

/** Endings with an answer, whatever it was worth. */
const ANSWERED: ReadonlySet<TrailEntry["outcome"]> = new Set(["answered", "unfit", "refused"]);

/**
 * Of a call that this process made. One that was sent and whose answer never arrived, broken off by us or by whatever lies between, may be charged all the
 * same (reference: Anthropic's billing FAQ): it is booked as uncertain, at what was expected of it.
 */
export function madeEntry(
  call: Call,
  permit: string,
  {
    report,
    outcome,
    startedAt,
    endedAt,
  }: { readonly report: CallReport; readonly outcome: Outcome; readonly startedAt: number; readonly endedAt: number },
): TrailEntry {
  const isUncertain = report.billable && report.status === undefined && report.usage === undefined;
  // Some servers answer and don't say what it took, and a body that can't be read doesn't either: nothing would be the one figure that is surely wrong.
  const isUntold = report.status !== undefined && report.status < 300 && report.usage === undefined;
  const ending = isUncertain || (isUntold && outcome.kind === "transient") ? "uncertain" : outcome.kind;
  return {
    ...common(call, permit, report.usage ?? (isUncertain || isUntold ? expectedUsage(call) : NO_USAGE)),
    outcome: ending,
    ...(isUntold && ending !== "uncertain" ? { isEstimated: true } : {}),
    ...("reason" in outcome ? { reason: outcome.reason } : {}),
    startedAt,
    latencyMs: Math.max(0, endedAt - startedAt),
    ...(report.requestId === undefined ? {} : { requestId: report.requestId }),
  };
}

/**
 * An earlier grant for this very call was never closed: its process died, the vendor may have been asked and paid. More has been learned since then: it is booked at
 * what is expected now.
 */
export function cutOffEntry(call: LostCall, { permit, startedAt }: Pick<CutOff, "permit" | "startedAt">): TrailEntry {
  return {
    ...common(call, permit, expectedUsage(call)),
    outcome: "uncertain",
    reason: "cut off with its process; usage and cost are estimates",
    startedAt,
    latencyMs: 0,
  };
}

/**
 * The trail of a job that ends, with better estimates. What the vendors told of its calls is the best word there is on those whose usage never arrived: the same model,
 * asked the same, takes what it took, and another one says at least that the answer was not so short.
 */
export function estimateAnew(trail: readonly TrailEntry[]): readonly TrailEntry[] {
  if (!trail.some(({ outcome }) => outcome === "uncertain")) return trail;
  const told = trail.filter(({ outcome, usage, isEstimated }) => ANSWERED.has(outcome) && usage.inputTokens > 0 && !isEstimated);
  return trail.map((entry) => {
    if (entry.outcome !== "uncertain") return entry;
    const alike = told.filter(({ purpose }) => promptOf(purpose) === promptOf(entry.purpose));
    const own = alike.findLast(({ model }) => model === entry.model);
    const outputTokens = Math.max(entry.usage.outputTokens, ...alike.map(({ usage }) => usage.outputTokens));
    const usage = own?.usage ?? { ...entry.usage, outputTokens };
    return { ...entry, usage, costNanoUsd: callCostNanoUsd(usage, entry.price) };
  });
}

/** Models that must agree are asked what one alone would be. */
function promptOf(purpose: TrailEntry["purpose"]): TrailEntry["purpose"] {
  return purpose === "agree" ? "answer" : purpose;
}

/** A call that is asked again after its process died is another call, and is paid for itself: what tells them apart is the permit. */
function common({ id, model, purpose }: LostCall, permit: string, usage: Usage) {
  return {
    call: `${id}~${permit}`,
    model: model.id,
    purpose,
    usage,
    ...(model.price ? { price: model.price } : {}),
    costNanoUsd: callCostNanoUsd(usage, model.price),
  };
}

function expectedUsage({ tokens }: LostCall): Usage {
  return { ...NO_USAGE, inputTokens: tokens.inputTokens, outputTokens: tokens.likelyOutputTokens };
}
