// A classification fleet over two simulated vendors, and rows for it: what most end-to-end tests run.

import type { SimulatorOptionsInput } from "../../src/simulator/simulator-options.ts";

export const LABELS = ["billing", "delivery", "technical"] as const;

export interface ClassifyRow {
  readonly id: string;
  readonly text: string;
  readonly label: string;
}

/** Rows with texts that are all different. */
export function classifyRows(count: number): ClassifyRow[] {
  return Array.from({ length: count }, (_, i) => ({
    id: `row-${i}`,
    text: `Ticket number ${i} <end> of a test`,
    label: LABELS[i % LABELS.length]!,
  }));
}

export function toJsonl(rows: readonly object[]): string {
  return `${rows.map((row) => JSON.stringify(row)).join("\n")}\n`;
}

/** Vendors alpha (openai) and beta (anthropic), one model each, that answer by the key. */
export function classifySimulator(
  rows: readonly ClassifyRow[],
  options: { readonly latencyMs?: number; readonly callLog?: boolean } = {},
): Omit<SimulatorOptionsInput, "port"> {
  const latency = { baseMs: options.latencyMs ?? 5, jitterMs: options.latencyMs ?? 5 };
  return {
    callLog: options.callLog ?? false,
    answers: { entries: rows.map(({ text, label }) => ({ text, label })), labels: [...LABELS] },
    vendors: {
      alpha: {
        kind: "openai",
        latency,
        models: { one: { price: { input: 0.25, output: 2 }, limits: { rpm: 600_000, tpm: 100_000_000 } } },
      },
      beta: {
        kind: "anthropic",
        latency,
        models: { two: { price: { input: 1, output: 5 }, limits: { rpm: 600_000, itpm: 100_000_000, otpm: 100_000_000 } } },
      },
    },
  };
}

/** The fleet for it: alpha/one first, beta/two as fallback; lock, stall and reconcile times shortened. */
export function classifyConfig(
  options: { readonly task?: object; readonly route?: object; readonly queues?: object; readonly limits?: object } = {},
) {
  return (url: string): object => ({
    providers: {
      alpha: {
        kind: "openai",
        apiKey: "${SIMULATED_KEY}",
        baseUrl: `${url}/alpha/v1`,
        models: { one: { tier: "fast", price: { input: 0.25, output: 2 }, limits: options.limits ?? { rpm: 300_000, tpm: 50_000_000 } } },
      },
      beta: {
        kind: "anthropic",
        apiKey: "${SIMULATED_KEY}",
        baseUrl: `${url}/beta`,
        models: { two: { tier: "fast", price: { input: 1, output: 5 }, limits: { rpm: 300_000, itpm: 50_000_000, otpm: 50_000_000 } } },
      },
    },
    tasks: {
      classify: {
        prompt: { system: "You sort support tickets.", user: "Ticket: {{ input.text }}" },
        input: { type: "object", required: ["text"], properties: { text: { type: "string" } } },
        output: { type: "object", required: ["label"], properties: { label: { enum: [...LABELS] } } },
        route: options.route ?? { strategy: "ordered", models: ["alpha/one"], fallback: ["beta/two"] },
        timeout: "10s",
        ...options.task,
      },
    },
    queues: { lock: "2s", stalledCheck: "1s", reconcile: "2s", ...options.queues },
    web: { port: 0 },
  });
}
