// How each model is doing: its breaker, its queue, how much of its limits is in use, and what the batches took of it.

import type { BreakerState } from "../src/breaker/breaker.ts";
import type { Fleet } from "../src/config/fleet.ts";
import type { ModelId } from "../src/job/names.ts";
import type { LimitUse } from "../src/limits/limit-use.ts";
import { modelQueue } from "../src/runtime/keys.ts";
import { capacityOf, together, type Heartbeat } from "./fleet-registry.ts";
import type { QueueDepth } from "./queue-depths.ts";

export interface ModelTotals {
  readonly calls: number;
  readonly costNanoUsd: number;
}

export interface ModelStatus extends ModelTotals {
  readonly model: ModelId;
  readonly isConfigured: boolean;
  /** False: its calls are booked at zero, for the configuration has no price. */
  readonly isPriced: boolean;
  readonly breaker: BreakerState;
  /** How much of its limits the whole fleet is using. */
  readonly use: LimitUse;
  /** Calls that its pools have in hand at most, all processes together; 0: no pool takes its calls. */
  readonly slots: number;
  readonly waiting: number;
  readonly active: number;
  readonly delayed: number;
  /** How long its queue stays parked because the vendor asked for it; 0 when it is not. */
  readonly parkedMs: number;
}

export interface ModelsSeen {
  /** What the batches took, by model id. */
  readonly batches: readonly { readonly models: Readonly<Record<string, ModelTotals>> }[];
  readonly queues: readonly QueueDepth[];
  readonly breakers: ReadonlyMap<ModelId, BreakerState>;
  readonly uses: ReadonlyMap<ModelId, LimitUse>;
  readonly processes: readonly Heartbeat[];
}

const UNUSED: LimitUse = { dimensions: [], callsPerMinute: 0, inFlight: 0, heldUntil: 0 };

/** Those of the configuration, in its order, then those that only the batches know. */
export function modelStatuses({ models }: Pick<Fleet, "models">, seen: ModelsSeen): readonly ModelStatus[] {
  const ids = new Set([...models.keys(), ...seen.batches.flatMap((batch) => Object.keys(batch.models) as ModelId[])]);
  return Array.from(ids, (model) => {
    const depth = seen.queues.find((queue) => queue.name === modelQueue(model));
    const totals = seen.batches.map((batch) => batch.models[model]).filter((total) => total !== undefined);
    return {
      model,
      isConfigured: models.has(model),
      isPriced: models.get(model)?.price !== undefined,
      breaker: seen.breakers.get(model) ?? { kind: "closed" },
      use: seen.uses.get(model) ?? UNUSED,
      slots: together(seen.processes.flatMap((each) => capacityOf(each, model) ?? []))?.slots ?? 0,
      waiting: depth?.waiting ?? 0,
      active: depth?.active ?? 0,
      delayed: depth?.delayed ?? 0,
      parkedMs: depth?.parkedMs ?? 0,
      calls: totals.reduce((sum, { calls }) => sum + calls, 0),
      costNanoUsd: totals.reduce((sum, { costNanoUsd }) => sum + costNanoUsd, 0),
    };
  });
}

/** How long the vendor's word still keeps calls of the model back, whether its queue is parked or its permits are held. `now`: unix ms. */
export function heldMs({ use, parkedMs }: Pick<ModelStatus, "use" | "parkedMs">, now: number): number {
  return Math.max(parkedMs, use.heldUntil - now, 0);
}
