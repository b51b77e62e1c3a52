// Many slots become more only as long as that brings more calls.
//
// A vendor (or this machine) that is at its end takes longer the more it is asked: slots that follow its latency would raise it, and follow again. Up to a
// modest number that does no harm. From there on a raise is a trial: after it has had its time, calls have become more, or it is taken back.

import { FREE_SLOTS } from "../src/limits/slots.ts";

/** Of the share that slots became more by, calls must have become more by this much. */
const LEAST_GAIN = 0.3;
/** A raise shows what it brings once the calls under way have ended. */
const SETTLE_LATENCIES = 1.2;
const SETTLE_MS = 1_000;
/** Until the next trial, after one that brought nothing. */
const BARRED_MS = 60_000;

export interface RaiseCheck {
  /** What becomes of slots that are to go from `present` to `wanted`. */
  allow(
    present: number,
    wanted: number,
    seen: { readonly permitsPerSecond: number; readonly latencyMs: number; readonly now: number },
  ): number;
}

export function createRaiseCheck(): RaiseCheck {
  let trial: { readonly from: number; readonly permitsPerSecond: number } | undefined;
  let last = 0;
  let changedAt = 0;
  let barredUntil = 0;

  return {
    allow(present, wanted, { permitsPerSecond, latencyMs, now }) {
      if (present !== last) changedAt = now;
      last = present;
      if (wanted <= Math.max(present, FREE_SLOTS)) {
        // Nothing more is wanted: whatever was tried has brought what was needed.
        if (wanted <= present) trial = undefined;
        return wanted;
      }
      if (present < FREE_SLOTS) return FREE_SLOTS;
      if (now < barredUntil || now - changedAt < SETTLE_LATENCIES * latencyMs + SETTLE_MS) return present;
      if (trial && permitsPerSecond < trial.permitsPerSecond * (1 + LEAST_GAIN * (present / trial.from - 1))) {
        barredUntil = now + BARRED_MS;
        const { from } = trial;
        trial = undefined;
        return from;
      }
      trial = { from: present, permitsPerSecond };
      return wanted;
    },
  };
}
