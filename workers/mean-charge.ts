// What a call of a model is charged on average: as it is charged up front, corrected by what remains of that in the end. The mean forgets, over calls and time.

import type { ChargingPolicy } from "../src/job/model.ts";
import { DIMENSIONS, finalCharge, NO_CHARGE, type Charge, type Dimension } from "../src/limits/charging.ts";
import type { CallEnd } from "../src/limits/limiter.ts";

const MEMORY_MS = 5_000;
/** However long ago, so many calls are remembered. */
const LEAST_CALLS = 8;

export interface MeanCharge {
  add(upFront: Charge): void;
  /** Without an end there was no call. */
  correct(upFront: Charge, end?: CallEnd): void;
  /** `elapsedMs`: since it was asked last. A dimension that is not known yet is 0. */
  read(elapsedMs: number): Charge;
}

export function createMeanCharge(policy: ChargingPolicy): MeanCharge {
  const sum: Record<Dimension, number> = { ...NO_CHARGE };
  let calls = 0;
  const count = (charge: Charge, sign: 1 | -1) => {
    calls += sign;
    for (const dimension of DIMENSIONS) sum[dimension] += sign * charge[dimension];
  };

  return {
    add: (upFront) => count(upFront, 1),
    correct(upFront, end) {
      // What a refused call is charged says nothing of what calls cost.
      const final = end && !end.refusal ? finalCharge(policy, end) : undefined;
      if (final?.kind === "kept") return;
      count(upFront, -1);
      if (final?.kind === "used") count(final.used, 1);
    },
    read(elapsedMs) {
      const share = calls > LEAST_CALLS ? Math.max(Math.exp(-elapsedMs / MEMORY_MS), LEAST_CALLS / calls) : 1;
      calls *= share;
      for (const dimension of DIMENSIONS) sum[dimension] *= share;
      const mean = (dimension: Dimension) => (calls > 0.5 ? Math.max(0, sum[dimension] / calls) : 0);
      return { rpm: 1, rpd: 1, tpm: mean("tpm"), itpm: mean("itpm"), otpm: mean("otpm") };
    },
  };
}
