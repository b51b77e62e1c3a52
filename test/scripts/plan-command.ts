// The command `plan` in the test's own process: no keys, a folder of its own, and as much of a history as a test puts there.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { vi } from "vitest";
import { registerPlan } from "../../scripts/plan.ts";
import type { Plan } from "../../src/plan/plan.ts";
import type { Result } from "../../src/job/result.ts";
import { createFileStore } from "../../src/results/files/file-store.ts";
import { stored } from "../results/sample-results.ts";

const PRICE = { input: 1, output: 4 };
const CONFIG = {
  providers: {
    alpha: {
      kind: "openai",
      apiKey: "${ALPHA_KEY}",
      models: {
        small: { price: { input: 0.1, output: 0.4 }, limits: { rpm: 600 } },
        large: { tier: "premium", price: PRICE, contextWindow: 2_000, maxOutputTokens: 500 },
        unpriced: {},
      },
    },
    beta: { kind: "anthropic", apiKey: "${BETA_KEY}", models: { medium: { price: PRICE, limits: { itpm: 60_000 } } } },
  },
  tasks: {
    classify: {
      prompt: { user: "Ticket: {{ input.text }}" },
      output: { type: "object", required: ["label"], properties: { label: { type: "string" } } },
      route: [{ agree: ["alpha/small", "beta/medium"] }, "alpha/large"],
      maxOutputTokens: 100,
    },
    other: { prompt: { user: "{{ input.text }}" }, route: ["alpha/unpriced"] },
    narrow: { prompt: { user: "{{ input.text }}" }, route: ["alpha/large"] },
  },
};

export interface PlanCommand {
  readonly dir: string;
  readonly config: string;
  /** Absent addresses: no fleet has run here, and results live in files. */
  run(
    rows: string,
    args?: readonly string[],
    at?: { readonly redisUrl?: string; readonly storeUrl?: string },
  ): Promise<{ readonly stdout: string; readonly stderr: string; readonly code: typeof process.exitCode }>;
  json(rows: string, args?: readonly string[], at?: { readonly redisUrl?: string; readonly storeUrl?: string }): Promise<Plan>;
  /** A batch in the store. */
  keep(batch: string, results: readonly Result[]): Promise<void>;
  remove(): Promise<void>;
}

export async function createPlanCommand(): Promise<PlanCommand> {
  const dir = await mkdtemp(join(tmpdir(), "modelfleet-plan-"));
  const config = join(dir, "fleet.yaml");
  const data = join(dir, "data");
  await writeFile(config, JSON.stringify(CONFIG));

  const run: PlanCommand["run"] = async (rows, args = [], { redisUrl, storeUrl } = {}) => {
    const file = join(dir, "rows.jsonl");
    await writeFile(file, rows);
    vi.stubEnv("REDIS_URL", redisUrl);
    vi.stubEnv("STORE_URL", storeUrl);
    vi.stubEnv("MODELFLEET_DATA", data);
    let stdout = "";
    let stderr = "";
    vi.spyOn(process.stdout, "write").mockImplementation((text) => ((stdout += String(text)), true));
    vi.spyOn(process.stderr, "write").mockImplementation((text) => ((stderr += String(text)), true));
    const program = new Command().exitOverride();
    registerPlan(program);
    try {
      await program.parseAsync(["plan", file, "--task", "classify", "--config", config, ...args], { from: "user" });
      return { stdout, stderr, code: process.exitCode };
    } finally {
      process.exitCode = undefined;
      vi.restoreAllMocks();
      vi.unstubAllEnvs();
    }
  };
  return {
    dir,
    config,
    run,
    json: async (rows, args = [], at = {}) => JSON.parse((await run(rows, ["--json", ...args], at)).stdout) as Plan,
    async keep(batch, results) {
      const store = createFileStore({ dir: join(data, "store") });
      await store.append(batch, stored(results));
      await store.stop();
    },
    remove: () => rm(dir, { recursive: true, force: true }),
  };
}

export function tickets(count: number, text = "Where is my parcel?"): string {
  return Array.from({ length: count }, (_, i) => JSON.stringify({ text: `${text} ${i}` })).join("\n");
}
