// What goes into a job's trail of a call: how it ended, what it used and cost, exactly or as far as can be told.

import { callCostNanoUsd } from "../cost/call-cost.ts";
import type { Outcome } from "../job/outcome.ts";
import type { TrailEntry } from "../job/trail.ts";
import { NO_USAGE, type Usage } from "../job/usage.ts";
import type { PermitReply } from "../limits/limiter.ts";
import type { CallReport } from "../providers/provider.ts";
import type { Call } from "./attempt.ts";

type CutOff = NonNullable<Extract<PermitReply, { kind: "granted" }>["cutOff"]>;

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
  return {
    ...common(call, permit, report.usage ?? (isUncertain || isUntold ? expectedUsage(call) : NO_USAGE)),
    outcome: isUncertain || (isUntold && outcome.kind === "transient") ? "uncertain" : outcome.kind,
    ...("reason" in outcome ? { reason: outcome.reason } : {}),
    startedAt,
    latencyMs: Math.max(0, endedAt - startedAt),
    ...(report.requestId === undefined ? {} : { requestId: report.requestId }),
  };
}

/** An earlier grant for this very call was never closed: its process died, the vendor may have been asked and paid. */
export function cutOffEntry(call: Call, { permit, startedAt, inputTokens, outputTokens }: CutOff): TrailEntry {
  return {
    ...common(call, permit, { ...NO_USAGE, inputTokens, outputTokens }),
    outcome: "uncertain",
    reason: "cut off with its process; usage and cost are estimates",
    startedAt,
    latencyMs: 0,
  };
}

/** A call that is asked again after its process died is another call, and is paid for itself: what tells them apart is the permit. */
function common({ id, model, purpose }: Call, permit: string, usage: Usage) {
  return {
    call: `${id}~${permit}`,
    model: model.id,
    purpose,
    usage,
    ...(model.price ? { price: model.price } : {}),
    costNanoUsd: callCostNanoUsd(usage, model.price),
  };
}

function expectedUsage({ tokens }: Call): Usage {
  return { ...NO_USAGE, inputTokens: tokens.inputTokens, outputTokens: tokens.outputTokens };
}
