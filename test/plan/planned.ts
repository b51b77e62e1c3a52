// Plans of rows that a test has at hand, for a fleet of its models: no file, no Redis, no store.

import type { JobInput } from "../../src/intake/job-input.ts";
import { NO_TRIALS } from "../../src/plan/trials.ts";
import { makePlan, type PlanOptions } from "../../src/plan/make-plan.ts";
import type { Plan, PlannedRoute } from "../../src/plan/plan.ts";
import type { Fleet } from "../../src/config/fleet.ts";
import type { JsonObject } from "../../src/job/json.ts";
import type { ModelSpec, Price } from "../../src/job/model.ts";
import { times } from "./plan-specs.ts";

/** Dollars for a million tokens of input; four times as much for those of output. */
export function dollars(input: number, changes: Partial<Price> = {}): Price {
  return { input: input * 1e6, output: 4 * input * 1e6, cachedInput: input * 1e6, cacheWrite: input * 1e6, ...changes };
}

/** All of kind `openai`. */
export function fleetOf(specs: readonly ModelSpec[]): Fleet {
  const providers = [...new Set(specs.map(({ provider }) => provider))].map((name) => {
    return [name, { name, kind: "openai", apiKey: "none", limits: {}, models: specs.filter(({ provider }) => provider === name) }] as const;
  });
  return {
    models: new Map(specs.map((spec) => [spec.id, spec])),
    providers: new Map(providers),
    queues: { windowRows: 5_000 },
  } as unknown as Fleet;
}

export function inputOf(rows: readonly JsonObject[]): JobInput {
  return {
    name: "rows.jsonl",
    isFile: true,
    derivedBatch: undefined,
    leave: () => undefined,
    async *rows() {
      for (const [row, { body, ...input }] of rows.entries()) {
        const asked = body === undefined ? {} : { body: body as JsonObject };
        yield { kind: "good", row, line: row + 1, bytes: 10, digest: `${row}`, input, ...asked };
      }
    },
  };
}

export const tickets = (count: number, words = 5) => times(count, () => ({ text: "word ".repeat(words) }));

/** OpenAI bodies. */
export const bodies = (count: number, changes: JsonObject = {}) =>
  times(count, () => ({ body: { messages: [{ role: "user", content: "Where is my parcel?" }], ...changes } }));

export type Planning = Pick<PlanOptions, "task"> &
  Partial<PlanOptions> & { readonly models: readonly ModelSpec[]; readonly rows: readonly JsonObject[] };

/** Nothing is known but what `changes` say. */
export function planned({ models, rows, ...changes }: Planning): Promise<Plan> {
  return makePlan({
    fleet: fleetOf(models),
    input: inputOf(rows),
    terms: {},
    learned: { lessons: new Map(), stats: new Map(), vendorLimits: new Map(), doneRows: 0 },
    trials: NO_TRIALS,
    former: [],
    ...changes,
  });
}

/** The task's own route alone. */
export async function plannedOwn(planning: Planning): Promise<PlannedRoute> {
  return (await planned({ ...planning, isBrief: true })).routes[0]!;
}
