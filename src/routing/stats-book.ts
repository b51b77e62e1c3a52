// The contract of what the fleet knows of one provider's models: the faded sums of their calls, by task and model. Pools add to it, routers read it.

import type { ModelId } from "../job/names.ts";
import type { CallSums } from "./call-sums.ts";

/** A task and a model. */
export type StatsSubject = `${string}|${ModelId}`;

export interface StatsBook {
  /** All that is known, as much as is left of it now. */
  read(): Promise<ReadonlyMap<string, CallSums>>;
  add(calls: ReadonlyMap<StatsSubject, CallSums>): Promise<void>;
}

export function statsSubject(task: string, model: ModelId): StatsSubject {
  return `${task}|${model}`;
}
