// Watches the calls that are under way: one that takes far longer than others of its kind counts as a failure while it still runs, so that a vendor that
// hangs is noticed before the first time limit is over. Once its breaker has opened, such a call is broken off: its job can go elsewhere.
//
// under way ──(older than max(5 s, 4 × p99): a failure, and again each time as much has passed)──▶ overdue ──(its breaker is open)──▶ broken off

import type { Breaker } from "../breaker/breaker.ts";
import type { ModelId } from "../job/names.ts";
import type { Clock } from "../runtime/clock.ts";
import { createLatencies } from "./latencies.ts";

const SHORTEST_OVERDUE_MS = 5_000;
const OVERDUE_P99S = 4;
const LOOK_EVERY_MS = 100;

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
}

export function createCallWatch({ breaker, clock }: { readonly breaker: Breaker; readonly clock: Clock }): CallWatch {
  interface Watched {
    readonly model: ModelId;
    readonly kind: string;
    readonly probe: string | undefined;
    readonly startedAt: number;
    readonly controller: AbortController;
    failures: number;
    brokenOff: string | undefined;
  }
  const latencies = createLatencies();
  const underWay = new Set<Watched>();
  let isLooking = false;

  const look = (call: Watched) => {
    const p99 = latencies.p99(call.kind);
    if (p99 === undefined) return;
    const overdueMs = Math.max(SHORTEST_OVERDUE_MS, OVERDUE_P99S * p99);
    const ageMs = clock.now() - call.startedAt;
    if (ageMs > overdueMs * (call.failures + 1)) {
      call.failures++;
      breaker.report(call.model, { ending: "failed", ...(call.probe === undefined ? {} : { probe: call.probe }) });
    }
    if (call.failures > 0 && breaker.state(call.model).kind === "open") {
      call.brokenOff = `no answer for ${Math.round(ageMs / 100) / 10} s, and its breaker is open: others got none either`;
      call.controller.abort();
    }
  };

  const lookOut = async () => {
    while (underWay.size > 0) {
      await clock.sleep(LOOK_EVERY_MS);
      for (const call of underWay) look(call);
    }
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
          underWay.delete(call);
          signal.removeEventListener("abort", forward);
          if (wentWell) latencies.add(call.kind, clock.now() - call.startedAt);
        },
      };
    },
  };
}
