// The recordings of real models' answers as vendors to be asked: the simulator that replays them, and the fleet that knows them with the list prices of
// their time. bench-pilot.ts and the integration test of the pilot play with it.

import { readFile } from "node:fs/promises";
import type { JsonObject } from "../src/job/json.ts";
import { splitModelId, type ModelId } from "../src/job/names.ts";
import type { SimulatorOptionsInput } from "../src/simulator/simulator-options.ts";

/** A line of a recording. */
export interface RecordedRow {
  readonly id: string;
  readonly prompt: string;
  /** The right answer. */
  readonly answer: string;
  readonly prompt_tokens: number;
  /** By the model's name, as its vendor has it. `correct`: the verdict of the recording's own grader. */
  readonly models: Readonly<Record<string, { readonly completion_tokens: number; readonly correct: boolean }>>;
}

/** Dollars per million tokens, input and output, when the answers were given (see the data's README). */
const PRICES: Readonly<Record<ModelId, readonly [input: number, output: number]>> = {
  "openai/gpt-4o-2024-08-06": [2.5, 10],
  "openai/gpt-4o-mini-2024-07-18": [0.15, 0.6],
  "openai/gpt-3.5-turbo-0125": [0.5, 1.5],
  "openai/gpt-4-turbo-2024-04-09": [10, 30],
  "openai/o1-mini-2024-09-12": [1.1, 4.4],
  "anthropic/claude-3-5-sonnet-20241022": [3, 15],
  "anthropic/claude-3-5-haiku-20241022": [0.8, 4],
  "anthropic/claude-3-haiku-20240307": [0.25, 1.25],
  "google/gemini-1.5-pro": [1.25, 5],
  "google/gemini-1.5-flash": [0.075, 0.3],
  "meta/Meta-Llama-3.1-70B-Instruct": [0.88, 0.88],
  "meta/Meta-Llama-3.1-8B-Instruct": [0.18, 0.18],
};

const KINDS: Readonly<Record<string, "openai" | "anthropic" | "openai-compatible">> = {
  openai: "openai",
  anthropic: "anthropic",
  google: "openai-compatible",
  meta: "openai-compatible",
};

/** Beyond what the work asks for: a pilot is about cost, not limits. */
const LIMITS = { openai: { rpm: 120_000, tpm: 120_000_000 }, anthropic: { rpm: 120_000, itpm: 120_000_000, otpm: 120_000_000 } };
const LATENCY = { baseMs: 20, jitterMs: 20 };
/** The task's name. */
export const RECORDED_TASK = "solve";

export async function readRecording(file: string): Promise<readonly RecordedRow[]> {
  const lines = (await readFile(file, "utf8")).trim().split("\n");
  return lines.map((line) => JSON.parse(line) as RecordedRow);
}

/** The models that answered every row of the recording and have a price. */
export function recordedModels(rows: readonly RecordedRow[]): readonly ModelId[] {
  return (Object.keys(PRICES) as ModelId[]).filter((id) => rows.every(({ models }) => splitModelId(id).name in models));
}

/** What the row costs where this model alone answers it. */
export function recordedCostNanoUsd(row: RecordedRow, id: ModelId): number {
  const { input, output } = priceOf(id);
  return 1_000 * (row.prompt_tokens * input + (row.models[splitModelId(id).name]?.completion_tokens ?? 0) * output);
}

/** The rows as a user has them: a question and, for the pilot, its right answer. */
export function toInput(rows: readonly RecordedRow[]): string {
  return rows.map(({ id, prompt, answer }) => `${JSON.stringify({ id, prompt, answer })}\n`).join("");
}

/** Vendors that replay the recording. */
export function replayOptions(file: string, models: readonly ModelId[]): Omit<SimulatorOptionsInput, "port"> {
  const vendors = byProvider(models).map(({ provider, kind, names }) => {
    const entries = names.map(({ id, name }) => [name, { price: priceOf(id), limits: limitsOf(kind) }]);
    return [provider, { kind, latency: LATENCY, models: Object.fromEntries(entries) }];
  });
  return { recording: file, vendors: Object.fromEntries(vendors) as SimulatorOptionsInput["vendors"] };
}

/** The fleet's configuration. `task`: what is laid over the task, such as a route that a pilot wrote. */
export function recordedFleet(simulatorUrl: string, models: readonly ModelId[], task: JsonObject | object = {}): object {
  const providers = byProvider(models).map(({ provider, kind, names }) => {
    const entries = names.map(({ id, name }) => [name, { price: priceOf(id), limits: limitsOf(kind), maxOutputTokens: 8_192 }]);
    const baseUrl = `${simulatorUrl}/${provider}${kind === "anthropic" ? "" : "/v1"}`;
    return [provider, { kind, apiKey: "${SIMULATED_KEY}", baseUrl, models: Object.fromEntries(entries) }];
  });
  return {
    providers: Object.fromEntries(providers),
    tasks: {
      [RECORDED_TASK]: {
        prompt: { user: "{{ input.prompt }}" },
        output: { type: "object", required: ["answer"], properties: { reasoning: {}, answer: {} } },
        route: [...models],
        ...task,
      },
    },
  };
}

function byProvider(models: readonly ModelId[]) {
  const providers = [...new Set(models.map((id) => splitModelId(id).provider))];
  return providers.map((provider) => ({
    provider,
    kind: KINDS[provider] ?? "openai-compatible",
    names: models.flatMap((id) => (splitModelId(id).provider === provider ? [{ id, name: splitModelId(id).name }] : [])),
  }));
}

function priceOf(id: ModelId): { readonly input: number; readonly output: number } {
  const [input, output] = PRICES[id] ?? [0, 0];
  return { input, output };
}

function limitsOf(kind: string): object {
  return kind === "anthropic" ? LIMITS.anthropic : LIMITS.openai;
}
