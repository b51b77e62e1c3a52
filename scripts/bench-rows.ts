// The work of the benches: rows of one size, the task for them, and the fleet that does it.

import { createWriteStream } from "node:fs";
import { once } from "node:events";
import type { JsonObject } from "../src/job/json.ts";

export const TASK = "classify";
export const PROVIDER = "bench";
export const MODEL = "instant";
/** The variable that holds the vendor's key. */
export const API_KEY = "BENCH_API_KEY";
export const LABELS = ["billing", "delivery", "technical"] as const;

const TEXT =
  "my parcel was meant to come on Tuesday, the tracking page says delivered, and there is nothing here; please look into it or send me my money back";

/** A row of about 200 bytes. */
export function benchRow(row: number): { readonly text: string; readonly customer: number } & JsonObject {
  return { text: `Ticket ${row}: ${TEXT}`, customer: 10_000 + (row % 997) };
}

/** Writes `count` rows as JSONL; `withIds`: each with a label of its own. */
export async function writeRows(path: string, count: number, { withIds = false } = {}): Promise<void> {
  const file = createWriteStream(path);
  for (let from = 0; from < count; from += 1_000) {
    const lines = Array.from({ length: Math.min(1_000, count - from) }, (_, i) =>
      JSON.stringify(withIds ? { id: `ticket-${from + i}`, ...benchRow(from + i) } : benchRow(from + i)),
    );
    if (!file.write(`${lines.join("\n")}\n`)) await once(file, "drain");
  }
  file.end();
  await once(file, "close");
}

/** The configuration, as JSON (which is YAML). Limits are declared, as with every real vendor, and never reached. */
export function benchConfig(options: {
  readonly redisUrl: string;
  readonly dir: string;
  readonly vendorUrl?: string;
  readonly windowRows: number;
}): string {
  return JSON.stringify({
    providers: {
      [PROVIDER]: {
        kind: "openai",
        apiKey: `\${${API_KEY}}`,
        ...(options.vendorUrl === undefined ? {} : { baseUrl: options.vendorUrl }),
        models: { [MODEL]: { price: { input: 0.25, output: 2 }, limits: { rpm: 6_000_000, tpm: 6_000_000_000 } } },
      },
    },
    tasks: {
      [TASK]: {
        prompt: { system: "You sort support tickets.", user: "Ticket: {{ input.text }}" },
        input: { type: "object", required: ["text"], properties: { text: { type: "string" }, customer: { type: "integer" } } },
        output: { type: "object", required: ["label"], properties: { label: { enum: [...LABELS] } } },
        route: { models: [`${PROVIDER}/${MODEL}`] },
      },
    },
    redis: { url: options.redisUrl },
    store: { dir: `${options.dir}/store` },
    queues: { windowRows: options.windowRows, windowBytes: "4GiB" },
  });
}
