// What the simulator plays when it is given no configuration file: two vendors with a few models. Prices and limits are list prices and mid-tier
// limits as of 2026, to be plausible, not to be relied on.

import { loadRecording } from "./recording.ts";
import type { SimulatorOptionsInput } from "./simulator-options.ts";

interface QuickOptions {
  readonly answers?: string | undefined;
  readonly recording?: string | undefined;
  /** Fixed latency of every call, in milliseconds. */
  readonly latencyMs?: number | undefined;
}

/** Options for two vendors, `openai` and `anthropic`; models of the recording are added to the vendor their name fits. Throws a `UsageError` for an unreadable recording. */
export function defaultSimulatorOptions(quick: QuickOptions): SimulatorOptionsInput {
  const recorded = quick.recording === undefined ? [] : loadRecording([quick.recording]).models;
  const anthropicNames = recorded.filter((name) => name.startsWith("claude"));
  const openaiNames = recorded.filter((name) => !name.startsWith("claude"));
  const latency = quick.latencyMs === undefined ? { medianMs: 300, sigma: 0.5, perOutputTokenMs: 2 } : { baseMs: quick.latencyMs };
  return {
    ...(quick.answers === undefined ? {} : { answers: { file: quick.answers } }),
    ...(quick.recording === undefined ? {} : { recording: quick.recording }),
    vendors: {
      openai: { kind: "openai", latency, models: { ...fromNames(openaiNames, { limits: { rpm: 5000, tpm: 800_000 } }), ...OPENAI_MODELS } },
      anthropic: {
        kind: "anthropic",
        latency,
        models: { ...fromNames(anthropicNames, { limits: { rpm: 4000, itpm: 2_000_000, otpm: 400_000 } }), ...ANTHROPIC_MODELS },
      },
    },
  };
}

const OPENAI_MODELS = {
  "gpt-5": {
    price: { input: 1.25, cachedInput: 0.125, output: 10 },
    limits: { rpm: 5000, tpm: 800_000 },
    contextWindow: 400_000,
    accuracy: 0.95,
  },
  "gpt-5-mini": {
    price: { input: 0.25, cachedInput: 0.025, output: 2 },
    limits: { rpm: 10_000, tpm: 2_000_000 },
    contextWindow: 400_000,
    accuracy: 0.9,
  },
  "gpt-5-nano": {
    price: { input: 0.05, cachedInput: 0.005, output: 0.4 },
    limits: { rpm: 10_000, tpm: 4_000_000 },
    contextWindow: 400_000,
    accuracy: 0.82,
  },
};

const ANTHROPIC_MODELS = {
  "claude-haiku-4-5": {
    price: { input: 1, cachedInput: 0.1, cacheWrite: 1.25, output: 5 },
    limits: { rpm: 4000, itpm: 4_000_000, otpm: 800_000 },
    accuracy: 0.91,
  },
  "claude-sonnet-4-5": {
    price: { input: 3, cachedInput: 0.3, cacheWrite: 3.75, output: 15 },
    limits: { rpm: 4000, itpm: 2_000_000, otpm: 400_000 },
    accuracy: 0.96,
  },
};

function fromNames<Model>(names: readonly string[], model: Model): Record<string, Model> {
  return Object.fromEntries(names.map((name) => [name, model]));
}
