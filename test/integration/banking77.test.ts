// The main job on real data: 10,003 messages of a bank's customers, classified into 77 intents over two vendors. Skips where the data set is missing.

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { resolve, join } from "node:path";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { createFileStore } from "../../src/results/files/file-store.ts";
import { createBatchStates } from "../../queues/batch-state.ts";
import type { SimulatorOptionsInput } from "../../src/simulator/simulator-options.ts";
import { expectEveryRowOnce } from "../support/assert-complete.ts";
import { startTestFleet, until, type TestFleet } from "../support/fleet.ts";

const DATA = resolve(import.meta.dirname, "../../../shared/data");
const FILE = resolve(DATA, "banking77.jsonl");
const ROWS = 10_003;
const isMissing = !existsSync(FILE);

let labels: string[] = [];
let texts: string[] = [];
let fleet: TestFleet | undefined;

beforeAll(async () => {
  if (isMissing) return;
  labels = JSON.parse(await readFile(resolve(DATA, "banking77.labels.json"), "utf8")) as string[];
  texts = (await readFile(FILE, "utf8"))
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { text: string }).text);
});

afterEach(async () => {
  await fleet?.stop();
  fleet = undefined;
});

function simulator(): Omit<SimulatorOptionsInput, "port"> {
  const latency = { baseMs: 5, jitterMs: 10 };
  return {
    answers: { file: FILE, labels },
    vendors: {
      alpha: {
        kind: "openai",
        latency,
        models: {
          one: {
            accuracy: 0.9,
            price: { input: 0.25, output: 2, cachedInput: 0.025 },
            cachedShare: 0.5,
            limits: { rpm: 200_000, tpm: 20_000_000 },
          },
        },
      },
      beta: {
        kind: "anthropic",
        latency,
        models: { two: { accuracy: 0.9, price: { input: 1, output: 5 }, limits: { rpm: 200_000, itpm: 20_000_000, otpm: 20_000_000 } } },
      },
    },
  };
}

function config(url: string): object {
  return {
    providers: {
      alpha: {
        kind: "openai",
        apiKey: "${SIMULATED_KEY}",
        baseUrl: `${url}/alpha/v1`,
        models: { one: { price: { input: 0.25, output: 2, cachedInput: 0.025 }, limits: { rpm: 200_000, tpm: 20_000_000 } } },
      },
      beta: {
        kind: "anthropic",
        apiKey: "${SIMULATED_KEY}",
        baseUrl: `${url}/beta`,
        models: { two: { price: { input: 1, output: 5 }, limits: { rpm: 200_000, itpm: 20_000_000, otpm: 20_000_000 } } },
      },
    },
    tasks: {
      intent: {
        prompt: { system: "Name the customer's intent.", user: "{{ input.text }}" },
        input: { type: "object", required: ["id", "text"], properties: { id: { type: "string" }, text: { type: "string" } } },
        output: { type: "object", required: ["label"], properties: { label: { enum: labels } } },
        route: { strategy: "cheapest", models: ["alpha/one", "beta/two"] },
      },
    },
  };
}

async function run(during: (fleet: TestFleet, done: () => Promise<number>) => Promise<void> = async () => undefined) {
  fleet = await startTestFleet({ simulator: simulator(), config });
  const states = createBatchStates(fleet.redis.client());
  const running = fleet.command("run", FILE, "--task", "intent", "--batch", "b", "-o", `${fleet.dir}/out.jsonl`);
  await during(fleet, async () => (await states.status("b"))?.done ?? 0);
  const { code, stderr } = await running.result;
  expect(code, stderr).toBe(0);
  const lines = await fleet.lines(`${fleet.dir}/out.jsonl`);
  expectEveryRowOnce(lines, ROWS);
  expect(lines.map((line) => line["id"])).toEqual(texts.map((_, i) => `banking77/train/${i}`));
  return { lines, status: (await states.status("b"))!, ledger: fleet.simulator.ledger().total };
}

async function uncertainNanoUsd(): Promise<number> {
  const store = createFileStore({ dir: join(fleet!.dir, "data", "store") });
  let sum = 0;
  for await (const { outcome, costNanoUsd } of store.ledger("b")) if (outcome === "uncertain") sum += costNanoUsd;
  await store.stop();
  return sum;
}

describe.skipIf(isMissing)(
  isMissing ? "banking77 (skipped: ../shared/data/banking77.jsonl is missing)" : "banking77",
  { timeout: 180_000 },
  () => {
    it("10,003 rows in, 10,003 results out in input order; the vendors' books and ours agree to the nano-dollar", async () => {
      const { status, ledger } = await run();
      expect(status).toMatchObject({ answered: ROWS, failed: 0, duplicateCalls: 0 });
      const { calls, inputTokens, outputTokens, costNanoUsd } = status;
      expect({ calls, inputTokens, outputTokens, costNanoUsd }).toEqual({
        calls: ledger.calls,
        inputTokens: ledger.inputTokens,
        outputTokens: ledger.outputTokens,
        costNanoUsd: ledger.costNanoUsd,
      });
      expect(costNanoUsd).toBeGreaterThan(0);
    });

    it("with one vendor dead from the start: all through the other", async () => {
      const { lines, status, ledger } = await run(async ({ simulator }) => simulator.setFault({ vendor: "alpha", fault: "outage" }));
      expect(status.answered).toBe(ROWS);
      expect(lines.filter((line) => line["model"] === "beta/two").length).toBeGreaterThan(ROWS - 100);
      expect(status.costNanoUsd).toBe(ledger.costNanoUsd);
      expect(status.calls).toBe(ledger.calls);
    });

    it("with one vendor dying in the middle: the rest through the other", async () => {
      const { lines, status, ledger } = await run(async ({ simulator }, done) => {
        await until("a third of the rows", async () => (await done()) > ROWS / 3);
        simulator.setFault({ vendor: "alpha", fault: "refuse" });
      });
      expect(status.answered).toBe(ROWS);
      expect(new Set(lines.map((line) => line["model"]))).toEqual(new Set(["alpha/one", "beta/two"]));
      // Connections that were closed before an answer: nobody knows whether their calls are charged.
      expect(status.costNanoUsd - (await uncertainNanoUsd())).toBe(ledger.costNanoUsd);
      expect(status.calls).toBe(ledger.calls);
    });
  },
);
