import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { registerPlan } from "../../scripts/plan.ts";
import type { Plan } from "../../scripts/plan-make.ts";
import { scanRows } from "../../scripts/plan-rows.ts";
import { openInput } from "../../scripts/job-input.ts";
import { loadFleet } from "../../src/config/load.ts";
import { readEnvironment } from "../../src/runtime/environment.ts";
import { createTokenEstimator } from "../../src/prompt/token-estimate.ts";
import { createLessonScene } from "../support/plan-history.ts";
import { startTestRedis, type TestRedis } from "../support/redis.ts";

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
  },
};

let dir: string;
let redis: TestRedis;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "modelfleet-plan-"));
  redis = await startTestRedis();
  await writeFile(join(dir, "fleet.yaml"), JSON.stringify(CONFIG));
});
afterAll(async () => {
  await redis.stop();
  await rm(dir, { recursive: true, force: true });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  process.exitCode = undefined;
});

/** The command in this process, without keys. `redisUrl` absent: nothing has run here. */
async function plan(
  rows: string,
  args: readonly string[],
  redisUrl?: string,
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const file = join(dir, "rows.jsonl");
  await writeFile(file, rows);
  vi.stubEnv("REDIS_URL", redisUrl);
  vi.stubEnv("STORE_URL", undefined);
  vi.stubEnv("MODELFLEET_DATA", join(dir, "data"));
  let stdout = "";
  let stderr = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => ((stdout += String(text)), true));
  vi.spyOn(process.stderr, "write").mockImplementation((text) => ((stderr += String(text)), true));
  const program = new Command().exitOverride();
  registerPlan(program);
  try {
    await program.parseAsync(["plan", file, "--task", "classify", "--config", join(dir, "fleet.yaml"), ...args], { from: "user" });
  } finally {
    vi.restoreAllMocks();
  }
  return { stdout, stderr };
}

async function planned(rows: string, args: readonly string[] = [], redisUrl?: string): Promise<Plan> {
  return JSON.parse((await plan(rows, ["--json", ...args], redisUrl)).stdout) as Plan;
}

function tickets(count: number, text = "Where is my parcel?"): string {
  return Array.from({ length: count }, (_, i) => JSON.stringify({ text: `${text} ${i}` })).join("\n");
}

describe("modelfleet plan", () => {
  it("compares the task's route with other orders of its models, with each model alone, and with a baseline", async () => {
    const { routes } = await planned(tickets(30), ["--baseline", "alpha/unpriced"]);
    expect(routes.map(({ name, kind }) => `${kind}: ${name}`)).toEqual([
      "route: route (ordered)",
      "strategy: cheapest",
      "strategy: best",
      "strategy: fastest",
      "model: alpha/small",
      "model: beta/medium",
      "model: alpha/large",
      "model: alpha/unpriced",
    ]);
    expect(routes[4]!.calls.expected).toBe(30);
    expect(routes.at(-1)).toMatchObject({ unpriced: ["alpha/unpriced"], costNanoUsd: { expected: 0 } });
  });

  it("without any history gives ranges from the first step alone to all of them, and says what was assumed", async () => {
    const { routes, history, assumptions } = await planned(tickets(30));
    const [own] = routes;
    expect(history).toEqual({ answers: 0, trialRows: 0 });
    expect(own!.calls).toMatchObject({ low: 60, high: 90 });
    expect(own!.costNanoUsd.low).toBeLessThan(own!.costNanoUsd.expected);
    expect(own!.costNanoUsd.expected).toBeLessThan(own!.costNanoUsd.high);
    expect(own!.worstCostNanoUsd).toBeGreaterThanOrEqual(own!.costNanoUsd.high);
    // Every answer of the dearest step is as long as the request lets it be.
    expect(own!.outputTokens.high).toBe(9_000);
    expect(assumptions.join("\n")).toContain("whether alpha/small and beta/medium agree was never seen");
    const { stdout, stderr } = await plan(tickets(30), []);
    expect(stderr).toContain("no fleet has run here");
    expect(stdout).toMatch(/no call of this task was seen yet[^]*route \(ordered\)[^]*worst case/);
  });

  it("goes by what the fleet has learned: lengths, pass rates, agreements", async () => {
    const client = redis.client();
    await client.flushall();
    await createLessonScene(client, {
      task: "classify",
      models: { "alpha/small": { outputTokens: 20 }, "beta/medium": { outputTokens: 30 }, "alpha/large": { outputTokens: 40 } },
      agreement: { models: ["alpha/small", "beta/medium"], rate: 0.75 },
      calls: 400,
    });
    const { routes, assumptions, history } = await planned(tickets(200), [], redis.url);
    expect(assumptions).toEqual([]);
    expect(history.answers).toBeGreaterThan(200);
    const [own] = routes;
    expect(own!.calls.expected).toBe(450);
    expect(own!.outputTokens.expected).toBe(200 * 20 + 200 * 30 + 50 * 40);
    expect(own!.calls.low).toBeLessThan(450);
    expect(own!.calls.high).toBeGreaterThan(450);
    expect(own!.boundBy).toBe("alpha/small: rpm");
  });

  it("counts bad rows apart, and rows that no model of a route can take", async () => {
    const made = await planned(`${tickets(4)}\n{"text": 1\n${JSON.stringify({ text: "word ".repeat(3_000) })}\n`);
    expect(made.rows).toMatchObject({ total: 6, good: 5, bad: 1 });
    expect(made.rows.firstBad).toMatch(/^line 5: /);
    expect(made.routes.find(({ name }) => name === "alpha/large")).toMatchObject({ unableRows: 1, calls: { expected: 4 } });
    const { stdout } = await plan(`${tickets(4)}\n{"text": 1\n`, []);
    expect(stdout).toMatch(/5 rows, 1 of them bad \(line 5: /);
  });

  it("shows a file without rows as costing nothing", async () => {
    const { routes, rows } = await planned("");
    expect(rows.total).toBe(0);
    expect(routes[0]).toMatchObject({ calls: { expected: 0 }, costNanoUsd: { high: 0 }, timeMs: { high: 0 }, worstCostNanoUsd: 0 });
  });

  it.each([
    ["a sample that is no number", ["--sample", "many"], /--sample takes a number of rows, not "many"/],
    ["a baseline that isn't configured", ["--baseline", "alpha/smal"], /no model "alpha\/smal" is configured/],
    ["a data class that isn't", ["--data-class", "pii"], /the data class "pii" is not configured/],
  ])("refuses %s", async (_what, args, message) => {
    await expect(plan(tickets(2), args)).rejects.toThrow(message);
  });
});

describe("a large file", () => {
  it("is estimated by a sample of exactly the size asked for, spread over it, with the error stated", async () => {
    const file = join(dir, "large.jsonl");
    // The second half's rows are three times as long: a sample of the first rows alone would be far off.
    await writeFile(
      file,
      Array.from({ length: 4_000 }, (_, i) => JSON.stringify({ text: "some words ".repeat(i < 2_000 ? 10 : 30) })).join("\n"),
    );
    const fleet = await loadFleet(join(dir, "fleet.yaml"), {
      environment: readEnvironment(),
      allowMissingSecrets: true,
    });
    const task = fleet.tasks.get("classify")!;
    const options = {
      task,
      terms: {},
      models: [...fleet.models.values()],
      instruction: () => undefined,
      estimator: await createTokenEstimator(),
      paths: [{ find: () => ({ key: "", path: task.route.steps }) }],
    };
    const whole = await scanRows(await openInput(file, task, undefined), options);
    const sampled = await scanRows(await openInput(file, task, undefined), { ...options, sampleAbove: 1_000, sampleSize: 500 });
    expect(whole).toMatchObject({ good: 4_000, estimated: 4_000, sampleError: 0 });
    expect(sampled).toMatchObject({ good: 4_000, estimated: 500 });
    const mean = (scan: typeof whole) => scan.groups[0]![0]!.inputTokens[0]! / scan.groups[0]![0]!.rows;
    expect(sampled.sampleError).toBeGreaterThan(0);
    expect(sampled.sampleError).toBeLessThan(0.1);
    expect(Math.abs(mean(sampled) / mean(whole) - 1)).toBeLessThan(1.5 * sampled.sampleError);
  });
});
