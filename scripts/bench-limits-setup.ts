// What bench:limits plays with: vendors with their limits, and the fleet that knows them. One description makes the simulator's options and fleet.yaml.

import type { SimulatorOptionsInput } from "../src/simulator/simulator-options.ts";
import { API_KEY } from "./bench-rows.ts";
import { answersOf, taskOf, type Work } from "./bench-limits-work.ts";

export interface ModelLimits {
  readonly rpm?: number;
  readonly tpm?: number;
  readonly itpm?: number;
  readonly otpm?: number;
}

export interface VendorSetup {
  readonly name: string;
  readonly kind: "openai" | "anthropic";
  /** What the vendor lets through at once, in seconds of its rate. */
  readonly burstSeconds: number;
  readonly models: Readonly<Record<string, { readonly limits: ModelLimits; readonly work: Work }>>;
}

export interface TaskSetup {
  readonly name: string;
  readonly work: Work;
  /** Model ids. */
  readonly models: readonly string[];
  readonly fallback?: readonly string[];
  readonly timeout?: string;
}

/** On top of the base: 1 to 10 ms of jitter. */
const LATENCY = { baseMs: 201, jitterMs: 9 };

/** Every model has the same latency; a vendor's limits are the models' own. */
export function simulatorOptions(vendors: readonly VendorSetup[]): SimulatorOptionsInput {
  const entries = vendors.map(({ name, kind, burstSeconds, models }) => {
    const simulated = mapEntries(models, ({ limits, work }) => ({ limits, latency: LATENCY, ...answersOf(work) }));
    return [name, { kind, burstSeconds, models: simulated }];
  });
  return { port: 0, vendors: Object.fromEntries(entries) as SimulatorOptionsInput["vendors"] };
}

/** fleet.yaml, as JSON (which is YAML). The fleet knows the limits and nothing of latencies and bursts. */
export function fleetConfig(options: {
  readonly redisUrl: string;
  readonly dir: string;
  readonly vendors: readonly VendorSetup[];
  /** The simulator that plays a vendor. */
  readonly urlOf: (vendor: VendorSetup) => string;
  readonly tasks: readonly TaskSetup[];
}): string {
  const providers = options.vendors.map((vendor) => {
    const { name, kind, models } = vendor;
    const baseUrl = vendorUrl(options.urlOf(vendor), vendor);
    return [name, { kind, apiKey: `\${${API_KEY}}`, baseUrl, models: mapEntries(models, ({ limits }) => ({ limits })) }];
  });
  const tasks = options.tasks.map(({ name, work, models, fallback = [], timeout = "60s" }) => [
    name,
    { ...taskOf(work), route: { models, fallback }, timeout },
  ]);
  return JSON.stringify({
    providers: Object.fromEntries(providers),
    tasks: Object.fromEntries(tasks),
    redis: { url: options.redisUrl },
    store: { dir: `${options.dir}/store` },
  });
}

/** What a client of the vendor takes as its base URL. */
export function vendorUrl(simulatorUrl: string, { name, kind }: Pick<VendorSetup, "name" | "kind">): string {
  return `${simulatorUrl}/${name}${kind === "openai" ? "/v1" : ""}`;
}

/** A task of its own for every model, of the same name as its vendor and model. */
export function taskPerModel(vendors: readonly VendorSetup[]): readonly TaskSetup[] {
  return vendors.flatMap(({ name, models }) =>
    Object.entries(models).map(([model, { work }]) => ({ name: `${name}-${model}`, work, models: [`${name}/${model}`] })),
  );
}

function mapEntries<From, To>(record: Readonly<Record<string, From>>, change: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}
