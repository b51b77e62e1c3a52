// What the calls of one model take of this process and of the model's limits, measured as they pass: how long a call occupies its slot, what it is charged,
// and whether slots wait for permits.
//
// The wait for a permit is left out of a call's time. Counted in, it would feed on itself: more slots, more of them waiting, a longer mean, more slots.
// So the mean depends on the vendor, on Redis and on this process alone, and the slots settle where the limits put them.

import { ASSUMED_LATENCY_MS } from "../src/limits/slots.ts";
import type { ChargingPolicy } from "../src/job/model.ts";
import { upFrontCharge, type Charge } from "../src/limits/charging.ts";
import type { CallEnd, Limiter } from "../src/limits/limiter.ts";
import type { Clock } from "../src/runtime/clock.ts";
import { createMeanCharge } from "./mean-charge.ts";
import { createMeanLatency } from "./mean-latency.ts";

const RATE_MEMORY_MS = 2_000;

export interface SlotReading {
  /** Mean time a call occupies its slot: claim, vendor, recording. */
  readonly latencyMs: number;
  /** Mean of a call. A dimension that is not known yet is 0. */
  readonly charge: Charge;
  /** Most slots taken at any moment since the last reading. */
  readonly occupied: number;
  /** Slots whose call has its permit, at this moment. */
  readonly calling: number;
  /** How many more those are than at the last reading. */
  readonly gained: number;
  /** Fewest slots that waited for a permit at any moment since the last reading. */
  readonly waiting: number;
  readonly permitsPerSecond: number;
  /** Permits granted, and asked for in vain, since the last reading. */
  readonly granted: number;
  readonly refused: number;
}

export interface OccupiedSlot {
  /** The job's call goes through it. */
  readonly limiter: Limiter;
  leave(): void;
}

export interface SlotMeter {
  /** A job takes a slot. */
  occupy(): OccupiedSlot;
  /** To be asked about once a second. */
  read(): SlotReading;
}

export function createSlotMeter({
  clock,
  limiter,
  policy,
}: {
  readonly clock: Clock;
  readonly limiter: Limiter;
  readonly policy: ChargingPolicy;
}): SlotMeter {
  const latency = createMeanLatency(ASSUMED_LATENCY_MS);
  const charge = createMeanCharge(policy);
  let waitingNow = 0;
  let waiting = 0;
  let taken = 0;
  let occupied = 0;
  let calling = 0;
  let callingBefore = 0;
  let permitsPerSecond = 0;
  let granted = 0;
  let refused = 0;
  let readAt = clock.now();

  return {
    occupy() {
      const since = clock.now();
      occupied = Math.max(occupied, ++taken);
      let waitedMs = 0;
      const time = { ageMs: (now: number) => now - since - waitedMs, countedMs: 0 };
      let permit: "none" | "held" | "ended" = "none";
      let upFront: Charge | undefined;
      const end = (how?: CallEnd) => {
        if (upFront) charge.correct(upFront, how);
        upFront = undefined;
      };
      return {
        limiter: {
          async acquire(request, options) {
            const askedAt = clock.now();
            waitingNow++;
            try {
              const reply = await limiter.acquire(request, options);
              waitedMs += clock.now() - askedAt;
              if (reply.kind === "wait") {
                refused++;
                return reply;
              }
              granted++;
              upFront = upFrontCharge(policy, request);
              charge.add(upFront);
              if (permit === "none") {
                permit = "held";
                calling++;
                latency.started(time);
              }
              return reply;
            } finally {
              waiting = Math.min(waiting, --waitingNow);
            }
          },
          reclaim: (lost) => limiter.reclaim(lost),
          settle(how) {
            end(how);
            return limiter.settle(how);
          },
          release(released) {
            end();
            if (permit === "held") {
              permit = "ended";
              calling--;
              latency.forget(time);
            }
            return limiter.release(released);
          },
          stop: () => limiter.stop(),
        },
        leave() {
          taken--;
          if (permit !== "held") return;
          permit = "ended";
          calling--;
          latency.ended(time, clock.now());
        },
      };
    },

    read() {
      const now = clock.now();
      const elapsedMs = Math.max(1, now - readAt);
      readAt = now;
      permitsPerSecond += ((granted * 1_000) / elapsedMs - permitsPerSecond) * (1 - Math.exp(-elapsedMs / RATE_MEMORY_MS));
      const reading = {
        latencyMs: latency.read(now, elapsedMs),
        charge: charge.read(elapsedMs),
        occupied,
        calling,
        gained: calling - callingBefore,
        waiting,
        permitsPerSecond,
        granted,
        refused,
      };
      waiting = waitingNow;
      occupied = taken;
      callingBefore = calling;
      granted = 0;
      refused = 0;
      return reading;
    },
  };
}
