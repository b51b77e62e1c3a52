// Watches the calls that are under way, so that a vendor that hangs is noticed before the first time limit is over.
//
// under way ──(older than max(5 s, 4 × p99): a failure, and again each time as much has passed)──▶ overdue ──(its breaker is open)──▶ broken off
// A probe is overdue after a second already: nothing is lost by another one.
//
// A model stalls when several of its calls are later than most, and none has ended for half as long. No further calls go into that silence: they wait until one
// ends, or the breaker has decided.

import type { Breaker } from "../breaker/breaker.ts";
import type { ModelId } from "../job/names.ts";
import type { Clock } from "../runtime/clock.ts";
import { createLatencies } from "./latencies.ts";

const SHORTEST_OVERDUE_MS = 5_000;
const SHORTEST_PROBE_MS = 1_000;
const OVERDUE_P99S = 4;
/** Later than most: so much longer than the 90th percentile. (The 99th of a few hundred calls is the work of two or three.) */
const LATE_P90S = 1.25;
const LATE_EXTRA_MS = 20;
const FEWEST_LATE = 3;
const SILENT_SHARE = 0.5;
const LOOK_EVERY_MS = 25;

export interface WatchedCall {
  /** Aborts when the call is to be broken off, by the watch or by the signal it was given. */
  readonly signal: AbortSignal;
  /** Why the watch broke it off; undefined if it didn't. */
  brokenOff(): string | undefined;
  /** The call has ended; its latency is remembered when it went well. */
  ended(wentWell: boolean): void;
}

export interface CallWatch {
  watch(call: { readonly model: ModelId; readonly task: string; readonly probe?: string; readonly signal: AbortSignal }): WatchedCall;
  /** Waits while the model stalls; false: it still does after `patienceMs`, or the signal has aborted. */
  clear(model: ModelId, options: { readonly patienceMs: number; readonly signal: AbortSignal }): Promise<boolean>;
}

interface Watched {
  readonly model: ModelId;
  readonly kind: string;
  readonly probe: string | undefined;
  readonly startedAt: number;
  readonly controller: AbortController;
  failures: number;
  brokenOff: string | undefined;
}

export function createCallWatch({ breaker, clock }: { readonly breaker: Breaker; readonly clock: Clock }): CallWatch {
  const latencies = createLatencies();
  const underWay = new Set<Watched>();
  const lastEndAt = new Map<ModelId, number>();
  /** Models that stall; whoever waits for one is woken by the abort. */
  const stalls = new Map<ModelId, AbortController>();
  let isLooking = false;

  const lookAtCall = (call: Watched, now: number) => {
    const p99 = latencies.p99(call.kind);
    if (p99 === undefined) return;
    const overdueMs = Math.max(call.probe === undefined ? SHORTEST_OVERDUE_MS : SHORTEST_PROBE_MS, OVERDUE_P99S * p99);
    const ageMs = now - call.startedAt;
    if (ageMs > overdueMs * (call.failures + 1)) {
      call.failures++;
      breaker.report(call.model, {
        ending: "failed",
        startedAt: call.startedAt,
        ...(call.probe === undefined ? {} : { probe: call.probe }),
      });
    }
    if (call.failures > 0 && breaker.state(call.model).kind === "open") {
      call.brokenOff = `no answer for ${Math.round(ageMs / 100) / 10} s, and its breaker is open: others got none either`;
      call.controller.abort();
    }
  };

  const lookForStalls = (now: number) => {
    const late = new Map<ModelId, number>();
    for (const { model, kind, startedAt } of underWay) {
      const p90 = latencies.p90(kind);
      if (p90 === undefined) continue;
      const lateMs = LATE_P90S * p90 + LATE_EXTRA_MS;
      const isSilent = now - (lastEndAt.get(model) ?? 0) > SILENT_SHARE * lateMs;
      if (isSilent && now - startedAt > lateMs) late.set(model, (late.get(model) ?? 0) + 1);
    }
    for (const model of stalls.keys()) if ((late.get(model) ?? 0) < FEWEST_LATE || breaker.state(model).kind !== "closed") goOn(model);
    for (const [model, calls] of late) {
      if (calls >= FEWEST_LATE && !stalls.has(model) && breaker.state(model).kind === "closed") stalls.set(model, new AbortController());
    }
  };

  const goOn = (model: ModelId) => {
    stalls.get(model)?.abort();
    stalls.delete(model);
  };

  const lookOut = async () => {
    while (underWay.size > 0) {
      await clock.sleep(LOOK_EVERY_MS);
      const now = clock.now();
      for (const call of underWay) lookAtCall(call, now);
      lookForStalls(now);
    }
    for (const model of stalls.keys()) goOn(model);
    isLooking = false;
  };

  return {
    watch({ model, task, probe, signal }) {
      const controller = new AbortController();
      const forward = () => controller.abort();
      if (signal.aborted) forward();
      else signal.addEventListener("abort", forward, { once: true });
      const call: Watched = {
        model,
        kind: `${task} ${model}`,
        probe,
        startedAt: clock.now(),
        controller,
        failures: 0,
        brokenOff: undefined,
      };
      underWay.add(call);
      if (!isLooking) {
        isLooking = true;
        void lookOut();
      }
      return {
        signal: controller.signal,
        brokenOff: () => call.brokenOff,
        ended(wentWell) {
          const now = clock.now();
          underWay.delete(call);
          signal.removeEventListener("abort", forward);
          if (wentWell) latencies.add(call.kind, now - call.startedAt);
          if (controller.signal.aborted) return;
          lastEndAt.set(model, now);
          goOn(model);
        },
      };
    },
    async clear(model, { patienceMs, signal }) {
      const stall = stalls.get(model);
      if (!stall) return true;
      const bound = new AbortController();
      const end = () => bound.abort();
      stall.signal.addEventListener("abort", end, { once: true });
      signal.addEventListener("abort", end, { once: true });
      if (signal.aborted) end();
      await clock.sleep(patienceMs, bound.signal);
      stall.signal.removeEventListener("abort", end);
      signal.removeEventListener("abort", end);
      return stall.signal.aborted && !signal.aborted;
    },
  };
}
