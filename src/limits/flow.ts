// How much has been taken lately, per millisecond: an average that forgets, exact from the first moment on.
// (The same arithmetic runs inside Redis, in scope-lua.ts.)

/** Sum of what was taken, and of the time it was taken in, both fading. */
export interface Flow {
  readonly sum: number;
  readonly weightMs: number;
  readonly at: number;
}

/** What was taken this long ago counts a third. */
export const FLOW_MEMORY_MS = 5_000;
/** Less time than this says nothing of a rate. */
const LEAST_WEIGHT_MS = 1_000;

export function flowAfter(flow: Flow | undefined, amount: number, now: number): Flow {
  if (!flow || (flow.sum === 0 && flow.weightMs === 0)) return { sum: amount, weightMs: 0, at: now };
  const fading = Math.exp(-Math.max(0, now - flow.at) / FLOW_MEMORY_MS);
  return { sum: flow.sum * fading + amount, weightMs: flow.weightMs * fading + FLOW_MEMORY_MS * (1 - fading), at: now };
}

/** Per millisecond. */
export function flowRate(flow: Flow | undefined, now: number): number {
  if (!flow) return 0;
  const { sum, weightMs } = flowAfter(flow, 0, now);
  return Math.max(0, sum) / Math.max(LEAST_WEIGHT_MS, weightMs);
}
