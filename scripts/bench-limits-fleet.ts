// Puts vendors and a fleet on a stage, keeps its queues full, and watches how many of its slots are in use.

import { systemClock } from "../src/runtime/clock.ts";
import { modelQueue, QUEUE_PREFIX } from "../src/runtime/keys.ts";
import type { ModelId } from "../src/job/names.ts";
import type { Role } from "../workers/fleet-process.ts";
import { readState } from "./bench-limits-ledger.ts";
import { fleetConfig, simulatorOptions, type TaskSetup, type VendorSetup } from "./bench-limits-setup.ts";
import type { Actor, Stage } from "./bench-stage.ts";

const SAMPLE_EVERY_MS = 500;

export interface VendorsOnStage {
  readonly actor: Actor;
  /** The simulator's. */
  readonly url: string;
}

/** The vendors, played by one simulator in a process of its own. */
export async function startVendors(stage: Stage, vendors: readonly VendorSetup[], name = "vendors"): Promise<VendorsOnStage> {
  const actor = await stage.actor("simulatedVendors", { options: simulatorOptions(vendors) }, name);
  return { actor, url: await actor.call<string>("url") };
}

export interface FleetOnStage {
  /** One entry per pool process. */
  readonly pools: readonly Actor[];
}

/** Router, reroute worker and recorder in a process each, and the pool processes with the roles given for each. Resolves when all are running. */
export async function startFleet(
  stage: Stage,
  options: {
    readonly vendors: readonly VendorSetup[];
    readonly urlOf: (vendor: VendorSetup) => string;
    readonly tasks: readonly TaskSetup[];
    readonly pools: readonly (readonly Role[])[];
  },
): Promise<FleetOnStage> {
  const { redisUrl, dir } = stage;
  const config = await stage.file("fleet.yaml", fleetConfig({ redisUrl, dir, ...options }));
  const single = (role: Role) => stage.actor("fleetRoles", { config, roles: [role] }, role);
  const [pools] = await Promise.all([
    Promise.all(options.pools.map((roles, i) => stage.actor("fleetRoles", { config, roles }, `pool ${i + 1}`))),
    single("router"),
    single("reroute"),
    single("recorder"),
  ]);
  return { pools };
}

/** `count` processes that each run the pools of all vendors. */
export function poolProcesses(vendors: readonly VendorSetup[], count: number): readonly (readonly Role[])[] {
  const roles = vendors.map(({ name }): Role => `pool:${name}`);
  return Array.from({ length: count }, () => roles);
}

export interface Slots {
  /** Worker slots that held a call of the model, over the whole fleet: on their way to a permit, waiting for it, or being made. */
  readonly mean: number;
  readonly most: number;
  /** Calls under way at the vendor. */
  readonly meanInFlight: number;
}

/** Looks at the models twice a second until it is told to stop. */
export function watchSlots(stage: Stage, simulatorUrl: string, models: readonly { readonly vendor: string; readonly model: string }[]) {
  const samples = new Map(models.map(({ vendor, model }) => [`${vendor}/${model}`, [] as { slots: number; inFlight: number }[]]));
  let isOver = false;
  const sample = async () => {
    const state = await readState(simulatorUrl);
    for (const { vendor, model } of models) {
      const id: ModelId = `${vendor}/${model}`;
      const slots = await stage.redis.llen(`${QUEUE_PREFIX}:${modelQueue(id)}:active`);
      samples.get(id)!.push({ slots, inFlight: state.vendors[vendor]?.models[model]?.inFlight ?? 0 });
    }
  };
  const watching = (async () => {
    while (!isOver) {
      await sample().catch(() => undefined); // the stage is being taken down
      await systemClock.sleep(SAMPLE_EVERY_MS);
    }
  })();
  return {
    async stop(): Promise<ReadonlyMap<string, Slots>> {
      isOver = true;
      await watching;
      return new Map(
        Array.from(samples, ([id, taken]) => [
          id,
          {
            mean: mean(taken.map(({ slots }) => slots)),
            most: Math.max(0, ...taken.map(({ slots }) => slots)),
            meanInFlight: mean(taken.map(({ inFlight }) => inFlight)),
          },
        ]),
      );
    },
  };
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
