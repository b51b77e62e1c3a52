import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { registerExplain } from "../../scripts/explain.ts";
import type { RouteExplanation } from "../../src/routing/explain-route.ts";
import { createCallStats } from "../../src/routing/call-stats.ts";
import { createRedisStatsBook } from "../../src/routing/redis-stats-book.ts";
import { createRedisBreaker } from "../../src/breaker/redis-breaker.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { FAILED_CHECK, see } from "../contracts/stats-contract.ts";
import { startTestRedis, type TestRedis } from "../support/redis.ts";

const CONFIG = {
  dataClasses: { pii: { regions: ["eu"] } },
  providers: {
    alpha: {
      kind: "openai",
      apiKey: "${ALPHA_KEY}",
      data: { region: "us" },
      models: { small: { tier: "fast", price: { input: 0.1, output: 0.4 } }, large: { tier: "premium", price: { input: 2, output: 8 } } },
    },
    beta: {
      kind: "anthropic",
      apiKey: "${BETA_KEY}",
      data: { region: "eu" },
      models: { medium: { price: { input: 1, output: 5 }, capabilities: { images: false } } },
    },
  },
  tasks: {
    classify: {
      prompt: { user: "Ticket: {{ input.text }}" },
      input: { type: "object", required: ["text"], properties: { text: { type: "string" } } },
      output: { type: "object", properties: { label: { type: "string" } } },
      route: { strategy: "cheapest", models: ["alpha/large", "beta/medium", "alpha/small"] },
    },
    reply: { route: { models: ["alpha/small", "beta/medium"] } },
  },
};
const ROW = '{"text": "Where is my parcel?"}';

let dir: string;
let redis: TestRedis;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "modelfleet-explain-"));
  redis = await startTestRedis();
});
afterAll(async () => {
  await redis.stop();
  await rm(dir, { recursive: true, force: true });
});
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

interface Said {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: typeof process.exitCode;
}

async function explain(args: readonly string[], config: object = CONFIG): Promise<Said> {
  const file = join(dir, "fleet.yaml");
  await writeFile(file, JSON.stringify(config));
  const said = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    vi.spyOn(process[stream], "write").mockImplementation((chunk) => {
      said[stream] += String(chunk);
      return true;
    });
  }
  vi.stubEnv("REDIS_URL", undefined);
  vi.stubEnv("MODELFLEET_DATA", join(dir, "data"));
  const program = new Command().exitOverride();
  registerExplain(program);
  try {
    await program.parseAsync(["explain", ...args, "--config", file], { from: "user" });
  } finally {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
  }
  return { ...said, code: process.exitCode };
}
const data = async (args: readonly string[], config?: object) =>
  JSON.parse((await explain([...args, "--json"], config)).stdout) as RouteExplanation & { readonly isLive: boolean };
const orderOf = ({ order }: RouteExplanation) => order.map(({ step }) => step.models.join("+"));

describe("modelfleet explain", () => {
  it("prints candidates, scores, order and what would be bound, by the configuration alone where no fleet runs, and says so", async () => {
    const { stdout, stderr, code } = await explain(["--task", "classify", ROW]);
    expect(code).toBe(0);
    expect(stderr).toContain("by the configuration alone: no fleet is running here");
    for (const part of [
      "strategy cheapest",
      "complexity",
      "a JSON schema",
      "alpha/large",
      "no model is filtered out",
      "by expected cost",
    ]) {
      expect(stdout).toContain(part);
    }
    expect(stdout).toContain("now it would go to alpha/small");
    for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(120);
  });

  it("says who was filtered and why: by data class, allow and deny", async () => {
    const pii = await explain(["--task", "classify", ROW, "--data-class", "pii"]);
    expect(pii.stdout).toMatch(/alpha\/small: data class "pii": it must stay in eu, and alpha is in us/);
    expect(pii.stdout).toContain("now it would go to beta/medium");
    expect(orderOf(await data(["--task", "classify", ROW, "--deny", "alpha/small"]))).toEqual(["beta/medium", "alpha/large"]);
    expect(orderOf(await data(["--task", "classify", ROW, "--allow", "alpha/large"]))).toEqual(["alpha/large"]);
  });

  it("ends with 1, and the reasons model by model, when no model can take the row", async () => {
    const { stdout, code } = await explain(["--task", "classify", ROW, "--data-class", "pii", "--deny", "beta/medium"]);
    expect(code).toBe(1);
    expect(stdout).toContain("no model can take it, it would end as an error (no-model)");
    expect(stdout).toContain("beta/medium: the job denies it");
  });

  it("takes an OpenAI body, alone or in a batch line, and sees what it brings", async () => {
    const image = { type: "image_url", image_url: { url: "https://example.com/a.png" } };
    const body = { messages: [{ role: "user", content: [{ type: "text", text: "What is this?" }, image] }] };
    for (const row of [body, { custom_id: "1", method: "POST", url: "/v1/chat/completions", body }]) {
      const explained = await data(["--task", "reply", JSON.stringify(row)]);
      expect(explained.needs.images).toBe(true);
      expect(orderOf(explained)).toEqual(["alpha/small"]);
      expect(explained.models.find(({ model }) => model === "beta/medium")?.whyUnable).toBe("it takes no images");
    }
  });

  it("knows what the fleet has seen of late, and whose breaker is open, where Redis is there", async () => {
    const config = { ...CONFIG, redis: { url: redis.url } };
    const client = redis.client();
    const stats = createCallStats({
      books: new Map([["alpha", createRedisStatsBook({ redis: client, provider: "alpha" })]]),
      tasks: ["classify"],
      models: ["alpha/small"],
      clock: systemClock,
    });
    see(stats, "alpha/small", { count: 40, task: "classify", outputTokens: 9_000 });
    see(stats, "alpha/small", { count: 10, task: "classify", outputTokens: 9_000, outcome: FAILED_CHECK });
    await stats.stop();
    const breaker = createRedisBreaker({ redis: client, models: ["beta/medium"], clock: systemClock });
    await breaker.trip({ model: "beta/medium" }, "quota");
    await breaker.stop();

    const explained = await data(["--task", "classify", ROW], config);
    expect(explained.isLive).toBe(true);
    const seen = new Map(explained.models.map((each) => [each.model, each]));
    expect(seen.get("alpha/small")?.stats).toMatchObject({ passRate: expect.closeTo(0.8, 3), outputTokens: expect.closeTo(9_000, 0) });
    expect(seen.get("beta/medium")?.availability).toMatchObject({ kind: "unavailable", reason: expect.stringContaining("quota") });
    expect(explained.order.find(({ step }) => step.models[0] === "alpha/small")?.scores.costNanoUsd).toBeGreaterThan(3_600_000);
    expect((await explain(["--task", "classify", ROW], config)).stdout).toContain("80.0 %");
  });

  it("goes by the configuration alone when the Redis that is configured can't be reached", async () => {
    const { stderr, stdout } = await explain(["--task", "classify", ROW], { ...CONFIG, redis: { url: "redis://127.0.0.1:1" } });
    expect(stderr).toContain("by the configuration alone");
    expect(stdout).toContain("now it would go to alpha/small");
  });

  it.each([
    [["--task", "classify", "{text: 1}"], "this is no row"],
    [["--task", "classify", '{"txt": "x"}'], "doesn't fit the input schema"],
    [["--task", "clasify", ROW], 'no task "clasify"'],
    [[ROW], "which task"],
    [["--task", "classify", ROW, "--deny", "alpha/tiny"], 'no model "alpha/tiny"'],
    [["--task", "classify", ROW, "--data-class", "secret"], '"secret" is not configured'],
    [["--task", "reply", ROW], "takes OpenAI bodies only"],
  ])("refuses %j with what is wrong", async (args, message) => {
    await expect(explain(args)).rejects.toThrow(message);
  });
});
