// Worlds whose truth is known: models with chosen error rates and kinds of mistakes, and rows of their answers. And the recorded ones.

import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { ModelId } from "../../src/job/names.ts";
import type { PilotAnswer, PilotInput, PilotRow } from "../../src/pilot/pilot.ts";
import { createRandom } from "../../src/runtime/seeded-random.ts";

export type World = Pick<PilotInput, "rows" | "models">;

export interface WorldOptions {
  readonly seed: number;
  readonly rows: number;
  /** By model, cheapest first: share of wrong answers. */
  readonly errors: readonly number[];
  readonly costsNanoUsd: readonly number[];
  /** `apart`: each model errs on rows of its own, in its own way. `together`: all on the same rows, and say the same. */
  readonly mistakes: "apart" | "together";
}

/** Models `a/m0`, `b/m1`, `c/m2`, `a/m3`…: three vendors in turn. */
export function createWorld({ seed, rows, errors, costsNanoUsd, mistakes }: WorldOptions): World {
  const random = createRandom(seed);
  const models = errors.map((_, index) => {
    const provider = "abc"[index % 3]!;
    return { id: `${provider}/m${index}` as ModelId, provider };
  });
  return {
    models,
    rows: Array.from({ length: rows }, (_, row) => {
      const luck = random();
      const answers = models.map(({ id }, index): [ModelId, PilotAnswer] => {
        const correct = (mistakes === "together" ? luck : random()) >= errors[index]!;
        const slip = mistakes === "together" ? "wrong" : `wrong ${Math.floor(random() * 8)}`;
        const costNanoUsd = Math.round(costsNanoUsd[index]! * (0.5 + random()));
        return [id, { value: correct ? "right" : slip, passed: true, correct, costNanoUsd, latencyMs: 100 * (index + 1) }];
      });
      return { row, answers: Object.fromEntries(answers) };
    }),
  };
}

export function without(world: World, ...ids: readonly string[]): World {
  return { rows: world.rows, models: world.models.filter(({ id }) => !ids.includes(id)) };
}

/** The rows in an order of the seed's. */
export function shuffled<T>(items: readonly T[], seed: number): readonly T[] {
  const random = createRandom(seed);
  const order = [...items];
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

const DATA = resolve(import.meta.dirname, "../../../shared/data");

/** Dollars per million tokens, in and out, when these models answered (from the README beside the recordings). */
const PRICES: Readonly<Record<string, readonly [number, number]>> = {
  "gpt-4o-2024-08-06": [2.5, 10],
  "gpt-4o-mini-2024-07-18": [0.15, 0.6],
  "gpt-3.5-turbo-0125": [0.5, 1.5],
  "gpt-4-turbo-2024-04-09": [10, 30],
  "o1-mini-2024-09-12": [1.1, 4.4],
  "claude-3-5-sonnet-20241022": [3, 15],
  "claude-3-5-haiku-20241022": [0.8, 4],
  "claude-3-haiku-20240307": [0.25, 1.25],
  "gemini-1.5-pro": [1.25, 5],
  "gemini-1.5-flash": [0.075, 0.3],
  "Meta-Llama-3.1-70B-Instruct": [0.88, 0.88],
  "Meta-Llama-3.1-8B-Instruct": [0.18, 0.18],
};

interface RecordedLine {
  readonly prompt_tokens: number;
  readonly models: Readonly<Record<string, { readonly response: string; readonly completion_tokens: number; readonly correct: boolean }>>;
}

export const isRecorded = existsSync(resolve(DATA, "recorded-gsm8k.jsonl")) && existsSync(resolve(DATA, "recorded-crux.jsonl"));

/** Real answers of real models, at the list prices of the time. */
export function recordedWorld(name: "gsm8k" | "crux"): World {
  const lines = readFileSync(resolve(DATA, `recorded-${name}.jsonl`), "utf8")
    .trim()
    .split("\n");
  const recorded = lines.map((line) => JSON.parse(line) as RecordedLine);
  const names = Object.keys(recorded[0]!.models);
  return {
    models: names.map((model) => ({ id: recordedId(model), provider: vendorOf(model) })),
    rows: recorded.map(({ prompt_tokens: inputTokens, models }, row): PilotRow => {
      const answers = Object.entries(models).map(
        ([model, { response, completion_tokens: outputTokens, correct }]): [ModelId, PilotAnswer] => {
          const [input, output] = PRICES[model]!;
          const value = readAnswer(response);
          const costNanoUsd = Math.round((inputTokens * input + outputTokens * output) * 1000);
          return [recordedId(model), { value, passed: value !== undefined, correct, costNanoUsd, latencyMs: 300 + 10 * outputTokens }];
        },
      );
      return { row, answers: Object.fromEntries(answers) };
    }),
  };
}

function recordedId(model: string): ModelId {
  return `${vendorOf(model)}/${model}`;
}

function vendorOf(model: string): string {
  if (/^(gpt|o1)/.test(model)) return "openai";
  if (model.startsWith("claude")) return "anthropic";
  return model.startsWith("gemini") ? "google" : "meta";
}

/** The last `answer` of the JSON in the response, numbers in one form, quotes and blanks aside. */
function readAnswer(response: string): string | undefined {
  const found = [...response.matchAll(/"answer"\s*:\s*("(?:[^"\\]|\\.)*"|[^,}\n]+)/g)].at(-1)?.[1]?.trim();
  const text = found?.startsWith('"') ? found.slice(1, -1).trim() : found;
  if (!text) return undefined;
  const number = text.replaceAll(/[,$]/g, "").replace(/[.%]+$/, "");
  if (/^-?\d+(\.\d+)?(\s*[a-zA-Z ]+)?$/.test(number)) return String(Number.parseFloat(number));
  return text.replaceAll(/\s+/g, "").replaceAll("'", '"');
}
