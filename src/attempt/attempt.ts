// One call to one model: permit → breaker → vendor → checks, ending in an Outcome. Where the stages meet.
//
// The permit is the call's write-ahead record, so it stays open until what the call brought is safe: the caller records the result (or moves the
// job on) first and calls `close` after. A process that dies in between leaves an open permit, by which the cut-off call is noticed.

import type { Breaker } from "../breaker/breaker.ts";
import type { OnFail } from "../job/check-spec.ts";
import type { ModelSpec } from "../job/model.ts";
import type { Answer, Outcome } from "../job/outcome.ts";
import type { ModelRequest } from "../job/request.ts";
import type { Purpose, TrailEntry } from "../job/trail.ts";
import type { CallEnd, Limiter, PermitReply, Refusal } from "../limits/limiter.ts";
import type { CallReport, Provider } from "../providers/provider.ts";
import type { Clock } from "../runtime/clock.ts";
import type { CallWatch } from "./call-watch.ts";
import { cutOffEntry, madeEntry } from "./trail-entry.ts";

export interface Stages {
  readonly limiter: Limiter;
  readonly breaker: Breaker;
  readonly provider: Provider;
  readonly watch: CallWatch;
  readonly clock: Clock;
}

export interface Call {
  readonly id: string;
  readonly task: string;
  readonly model: ModelSpec;
  readonly purpose: Purpose;
  readonly request: ModelRequest;
  /** Estimated tokens. */
  readonly tokens: {
    readonly inputTokens: number;
    readonly highInputTokens: number;
    readonly inputCharacters: number;
    readonly outputTokens: number;
    /** What is booked of it where the vendor's word never arrives. */
    readonly likelyOutputTokens: number;
    readonly maxOutputTokens?: number;
  };
  readonly timeoutMs: number;
  /** The job's, unix ms: no call outlives it. */
  readonly deadline?: number;
  readonly check: (answer: Answer) => Checked | Promise<Checked>;
}

export type Checked =
  | { readonly kind: "passed"; readonly answer: Answer }
  | { readonly kind: "failed"; readonly reason: string; readonly onFail: OnFail };

export interface Attempt {
  readonly outcome: Outcome;
  /** What goes into the job's trail; absent when the vendor was not asked. */
  readonly entry?: TrailEntry;
  /** The breaker was open: the vendor was not asked, and nothing is new about it. */
  readonly blocked: boolean;
  /** Closes the permit. Call it once the outcome is safe. */
  close(): Promise<void>;
}

/** The longest wait for a permit in a worker's slot; beyond it the job goes back to its queue. */
const PERMIT_PATIENCE_MS = 2_000;
/** Where the model stalls, a job comes back after this: by then it answers again, or its breaker is open. */
const STALL_WAIT_MS = 1_000;
/** A job far back in line comes back after this at the latest: the line may have become shorter than it was told, and at a batch's end nobody else is there. */
const LINE_WAIT_MS = 1_000;
/** The longest that an answer's checks may take. */
const CHECK_PATIENCE_MS = 30_000;
/** A lease outlives its call's time limit by this: its checks run under it. */
const LEASE_MARGIN_MS = 60_000;

/**
 * Makes the call unless breaker or limiter say no. `onCutOff` is told of an earlier call under this id that was cut off with its process, and must have kept it
 * before the call is made again: the new permit replaces the one by which it was noticed. Rejects only when Redis does.
 */
export async function attempt(
  call: Call,
  stages: Stages,
  { signal, onCutOff }: { readonly signal: AbortSignal; readonly onCutOff: (entry: TrailEntry) => Promise<void> },
): Promise<Attempt> {
  const { limiter, breaker, watch, clock } = stages;
  const model = call.model.id;
  if (!(await watch.clear(model, { patienceMs: PERMIT_PATIENCE_MS, signal }))) return notMade(stalled(model), false);
  const state = breaker.state(model);
  if (state.kind === "open") return notMade(unavailable(model, state.reason), true);

  const permit = await limiter.acquire(
    { call: call.id, model, ...call.tokens, leaseMs: call.timeoutMs + LEASE_MARGIN_MS },
    { patienceMs: PERMIT_PATIENCE_MS, signal },
  );
  if (permit.kind === "wait") return notMade(throttled(permit), false);

  if (permit.cutOff) await onCutOff(cutOffEntry(call, permit.cutOff));
  // It may have fallen silent while the permit was waited for.
  if (!(await watch.clear(model, { patienceMs: 0, signal }))) {
    await limiter.release({ call: call.id, model });
    return notMade(stalled(model), false);
  }
  const admission = await breaker.admit(model);
  if (admission.kind === "blocked") {
    await limiter.release({ call: call.id, model });
    return notMade(unavailable(model, admission.reason), true);
  }

  const probe = admission.kind === "probe" ? admission.probe : undefined;
  const startedAt = clock.now();
  const report = await makeCall(call, stages, { signal, probe });
  const endedAt = clock.now();
  const outcome = inTime(await checked(report.outcome, call, clock).catch(uncheckable), call, report, endedAt);
  // What our checks make of its answer is no fault of the vendor's.
  tellBreaker(breaker, model, report.outcome.kind === "answered" ? report.outcome : outcome, { startedAt, probe });
  const entry = madeEntry(call, permit.permit, { report, outcome, startedAt, endedAt });
  return { outcome, entry, blocked: false, close: () => limiter.settle(callEnd(call, report)) };
}

/** The vendor is asked, under the eyes of the watch. */
async function makeCall(
  { task, model, request, timeoutMs, deadline }: Call,
  { provider, watch, clock }: Stages,
  { signal, probe }: { readonly signal: AbortSignal; readonly probe: string | undefined },
): Promise<CallReport> {
  const watched = watch.watch({ model: model.id, task, signal, ...(probe === undefined ? {} : { probe }) });
  const leftMs = deadline === undefined ? timeoutMs : Math.max(1, Math.min(timeoutMs, deadline - clock.now()));
  const report = await provider.call({ model, request, timeoutMs: leftMs, signal: watched.signal });
  watched.ended(report.status === 200);
  const reason = watched.brokenOff();
  return reason !== undefined && report.outcome.kind === "cancelled" ? { ...report, outcome: { kind: "transient", reason } } : report;
}

/** The call was made and paid: whatever goes wrong now, it has used an attempt. */
function uncheckable(error: unknown): Outcome {
  return { kind: "transient", reason: `its answer could not be checked: ${error instanceof Error ? error.message : String(error)}` };
}

function notMade(outcome: Outcome, blocked: boolean): Attempt {
  return { outcome, blocked, close: () => Promise.resolve() };
}

/** A place far back in line says nothing against the model: there is nothing better to do than to wait. */
function throttled({ waitMs, isShut, reason }: Extract<PermitReply, { kind: "wait" }>): Outcome {
  return { kind: "throttled", waitMs: isShut ? waitMs : Math.min(waitMs, LINE_WAIT_MS), source: "limiter", reason };
}

function stalled(model: string): Outcome {
  return { kind: "throttled", waitMs: STALL_WAIT_MS, source: "limiter", reason: `${model} has answered nobody for a while` };
}

function unavailable(model: string, reason: string): Outcome {
  return { kind: "unavailable", scope: "model", reason: `${model}: breaker open: ${reason}` };
}

async function checked(outcome: Outcome, call: Call, clock: Clock): Promise<Outcome> {
  if (outcome.kind !== "answered") return outcome;
  const check = await withinTime(call.check(outcome.answer), clock);
  if (check.kind === "passed") return { kind: "answered", answer: check.answer };
  return { kind: "unfit", cause: "check", reason: check.reason, onFail: check.onFail, answer: outcome.answer };
}

/** Checks of the user's own may never end: they must not hold a slot for ever. */
async function withinTime(checking: Checked | Promise<Checked>, clock: Clock): Promise<Checked> {
  if (!(checking instanceof Promise)) return checking;
  const ended = new AbortController();
  const late = clock.sleep(CHECK_PATIENCE_MS, ended.signal).then((): Checked => {
    return { kind: "failed", reason: `its checks did not end within ${CHECK_PATIENCE_MS / 1_000} s`, onFail: "escalate" };
  });
  return Promise.race([checking, late]).finally(() => ended.abort());
}

/** A call that was cut short by its job's deadline is no failure of the vendor. */
function inTime(outcome: Outcome, { deadline }: Call, { status }: CallReport, now: number): Outcome {
  if (outcome.kind !== "transient" || status !== undefined || deadline === undefined || now < deadline) return outcome;
  return { kind: "expired", reason: `its deadline (${new Date(deadline).toISOString()}) has passed during a call` };
}

function tellBreaker(
  breaker: Breaker,
  model: ModelSpec["id"],
  outcome: Outcome,
  { startedAt, probe }: { readonly startedAt: number; readonly probe: string | undefined },
): void {
  const call = { startedAt, ...(probe === undefined ? {} : { probe }) };
  if (outcome.kind === "transient") {
    breaker.report(model, { ending: "failed", ...(outcome.isWide ? { isWide: true } : {}), ...call });
  } else if (outcome.kind === "cancelled" || outcome.kind === "expired" || outcome.kind === "unavailable") {
    if (probe !== undefined) breaker.forgo(model, probe);
  } else {
    breaker.report(model, { ending: "ok", ...call });
  }
}

/** What the limiter is to know of the call. */
function callEnd({ id, model }: Call, { status, billable, usage, limits, outcome }: CallReport): CallEnd {
  const refusal = outcome.kind === "throttled" && outcome.source === "vendor" ? toRefusal(outcome, limits.length === 0) : undefined;
  return {
    call: id,
    model: model.id,
    ending: endingOf(status, billable || refusal !== undefined),
    ...(usage ? { usage } : {}),
    ...(limits.length > 0 ? { readings: limits } : {}),
    ...(refusal ? { refusal } : {}),
  };
}

function endingOf(status: number | undefined, isSeen: boolean): CallEnd["ending"] {
  if (!isSeen) return "unreached";
  if (status === undefined) return "broken-off";
  return status >= 400 ? "failed" : "answered";
}

/** Where neither a wait nor a limit was named, the limiter finds the pace itself, and nothing is held for a guess. */
function toRefusal(outcome: Extract<Outcome, { kind: "throttled" }>, isBlind: boolean): Refusal {
  const isHeld = !outcome.isGuess || (!isBlind && !outcome.isSlowDown);
  return { waitMs: isHeld ? outcome.waitMs : 0, kind: outcome.isSlowDown ? "slow-down" : "limit" };
}
