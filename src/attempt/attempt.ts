// One call to one model: permit → breaker → vendor → checks, ending in an Outcome. Where the stages meet.
//
// The permit is the call's write-ahead record, so it stays open until what the call brought is safe: the caller records the result (or moves the
// job on) first and calls `close` after. A process that dies in between leaves an open permit, by which the cut-off call is noticed.

import type { Breaker } from "../breaker/breaker.ts";
import { callCostNanoUsd } from "../cost/call-cost.ts";
import type { ModelSpec } from "../job/model.ts";
import type { Answer, Outcome } from "../job/outcome.ts";
import type { ModelRequest } from "../job/request.ts";
import type { Purpose, TrailEntry } from "../job/trail.ts";
import { NO_USAGE, type Usage } from "../job/usage.ts";
import type { Limiter, PermitReply } from "../limits/limiter.ts";
import type { CallReport, Provider } from "../providers/provider.ts";
import type { Clock } from "../runtime/clock.ts";

export interface Stages {
  readonly limiter: Limiter;
  readonly breaker: Breaker;
  readonly provider: Provider;
  readonly clock: Clock;
}

export interface Call {
  readonly id: string;
  readonly model: ModelSpec;
  readonly purpose: Purpose;
  readonly request: ModelRequest;
  /** Estimated tokens. */
  readonly tokens: { readonly inputTokens: number; readonly outputTokens: number; readonly maxOutputTokens?: number };
  readonly timeoutMs: number;
  readonly check: (
    answer: Answer,
  ) => { readonly kind: "passed"; readonly answer: Answer } | { readonly kind: "failed"; readonly reason: string };
}

export interface Attempt {
  readonly outcome: Outcome;
  /** What goes into the job's trail; absent when the vendor was not asked. */
  readonly entry?: TrailEntry;
  /** The breaker was open: the vendor was not asked, and nothing is new about it. */
  readonly blocked: boolean;
  /** Closes the permit. Call it once the outcome is safe. */
  close(): Promise<void>;
}

type CutOff = NonNullable<Extract<PermitReply, { kind: "granted" }>["cutOff"]>;

/** The longest wait for a permit in a worker's slot; beyond it the job goes back to its queue. */
const PERMIT_PATIENCE_MS = 2_000;
/** A lease outlives its call's time limit by this. */
const LEASE_MARGIN_MS = 30_000;

/**
 * Makes the call unless breaker or limiter say no. `onCutOff` is told of an earlier call under this id that was cut off with its process, and must have kept it
 * before the call is made again: the new permit replaces the one by which it was noticed. Rejects only when Redis does.
 */
export async function attempt(
  call: Call,
  stages: Stages,
  { signal, onCutOff }: { readonly signal: AbortSignal; readonly onCutOff: (entry: TrailEntry) => Promise<void> },
): Promise<Attempt> {
  const { limiter, breaker, provider, clock } = stages;
  const model = call.model.id;
  const state = breaker.state(model);
  if (state.kind === "open") return notMade(unavailable(model, state.reason), true);

  const permit = await limiter.acquire(
    { call: call.id, model, ...call.tokens, leaseMs: call.timeoutMs + LEASE_MARGIN_MS },
    { patienceMs: PERMIT_PATIENCE_MS, signal },
  );
  if (permit.kind === "wait") return notMade({ kind: "throttled", waitMs: permit.waitMs, source: "limiter", reason: permit.reason }, false);

  if (permit.cutOff) await onCutOff(cutOffEntry(call, permit.cutOff));
  const admission = await breaker.admit(model);
  if (admission.kind === "blocked") {
    await limiter.release({ call: call.id, model });
    return notMade(unavailable(model, admission.reason), true);
  }

  const startedAt = clock.now();
  const report = await provider.call({ model: call.model, request: call.request, timeoutMs: call.timeoutMs, signal });
  const outcome = checked(report.outcome, call);
  tellBreaker(breaker, model, outcome);
  // A call that we broke off ourselves may be charged all the same.
  const brokenOff = outcome.kind === "cancelled" && report.billable;
  const usage = report.usage ?? (brokenOff ? { ...NO_USAGE, inputTokens: call.tokens.inputTokens } : NO_USAGE);
  const entry: TrailEntry = {
    call: call.id,
    model,
    purpose: call.purpose,
    outcome: brokenOff ? "uncertain" : outcome.kind,
    ...("reason" in outcome ? { reason: outcome.reason } : {}),
    startedAt,
    latencyMs: Math.max(0, clock.now() - startedAt),
    usage,
    costNanoUsd: callCostNanoUsd(usage, call.model.price),
    ...(report.requestId === undefined ? {} : { requestId: report.requestId }),
  };
  return { outcome, entry, blocked: false, close: () => closePermit(limiter, call, report) };
}

function notMade(outcome: Outcome, blocked: boolean): Attempt {
  return { outcome, blocked, close: () => Promise.resolve() };
}

function unavailable(model: string, reason: string): Outcome {
  return { kind: "unavailable", scope: "model", reason: `${model}: breaker open: ${reason}` };
}

/** An earlier grant for this very call was never closed: its process died, the vendor may have been asked and paid. */
function cutOffEntry(call: Call, cutOff: CutOff): TrailEntry {
  const { startedAt, inputTokens, outputTokens } = cutOff;
  const usage: Usage = { ...NO_USAGE, inputTokens, outputTokens };
  return {
    call: `${call.id}~${startedAt}`,
    model: call.model.id,
    purpose: call.purpose,
    outcome: "uncertain",
    reason: "cut off with its process; usage and cost are estimates",
    startedAt,
    latencyMs: 0,
    usage,
    costNanoUsd: callCostNanoUsd(usage, call.model.price),
  };
}

function checked(outcome: Outcome, call: Call): Outcome {
  if (outcome.kind !== "answered") return outcome;
  const check = call.check(outcome.answer);
  return check.kind === "passed" ? { kind: "answered", answer: check.answer } : { kind: "unfit", cause: "check", reason: check.reason };
}

function tellBreaker(breaker: Breaker, model: ModelSpec["id"], outcome: Outcome): void {
  if (outcome.kind === "transient") breaker.report(model, "failed");
  else if (outcome.kind !== "unavailable" && outcome.kind !== "cancelled") breaker.report(model, "ok");
}

async function closePermit(limiter: Limiter, call: Call, report: CallReport): Promise<void> {
  const permit = { call: call.id, model: call.model.id };
  if (report.outcome.kind === "throttled" && report.outcome.source === "vendor") await limiter.hold(call.model.id, report.outcome.waitMs);
  if (report.limits.length > 0) await limiter.observe(call.model.id, report.limits);
  await (report.billable || report.usage
    ? limiter.settle({ ...permit, ...(report.usage ? { usage: report.usage } : {}) })
    : limiter.release(permit));
}
