import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ModelId } from "../../src/job/names.ts";
import type { Result } from "../../src/job/result.ts";
import { rowTrail, said, usage } from "../plan/row-trail.ts";
import { answered } from "../results/sample-results.ts";
import { modelSpec } from "../routing/specs.ts";
import { createLessonScene, tellVendorLimit } from "../support/plan-history.ts";
import { startTestRedis, type TestRedis } from "../support/redis.ts";
import { times } from "../plan/plan-specs.ts";
import { createPlanCommand, tickets, type PlanCommand } from "./plan-command.ts";

const [SMALL, MEDIUM, LARGE]: readonly ModelId[] = ["alpha/small", "beta/medium", "alpha/large"];

/** Of four rows three are agreed upon, and the last one is decided by the large model. */
function agreedRows(batch: string, count: number): readonly Result[] {
  const call = (model: ModelId, outputTokens: number) => said(model, { usage: usage(60, outputTokens), estimatedInputTokens: 60 });
  return times(count, (row) => {
    const first = [call(SMALL!, 20), call(MEDIUM!, 30)];
    const trail = rowTrail(row, first, ...(row % 4 === 3 ? [[call(LARGE!, 40)]] : []));
    return answered(row, { batch, trail, finishedAt: 1_000_000 + row });
  });
}

describe("a plan's history", () => {
  let plan: PlanCommand;
  let redis: TestRedis;
  beforeAll(async () => {
    redis = await startTestRedis();
  });
  afterAll(() => redis.stop());
  beforeEach(async () => {
    plan = await createPlanCommand();
    await redis.client().flushall();
  });
  afterEach(() => plan.remove());

  const learn = () =>
    createLessonScene(redis.client(), {
      task: "classify",
      models: { "alpha/small": { outputTokens: 20 }, "beta/medium": { outputTokens: 30 }, "alpha/large": { outputTokens: 40 } },
      agreement: { models: ["alpha/small", "beta/medium"], rate: 0.75 },
      calls: 400,
    });

  it("is what the fleet has learned: lengths, pass rates, agreements", async () => {
    await learn();
    const { routes, assumptions, history } = await plan.json(tickets(200), [], { redisUrl: redis.url });
    expect(assumptions).toEqual([]);
    expect(history.answers).toBeGreaterThan(200);
    const [own] = routes;
    expect(own!.calls.expected).toBe(450);
    expect(own!.outputTokens.expected).toBe(200 * 20 + 200 * 30 + 50 * 40);
    expect(own!.calls.low).toBeLessThan(450);
    expect(own!.calls.high).toBeGreaterThan(450);
    expect(own!.boundBy).toBe("alpha/small: rpm");
  });

  it("is what the store has of former runs, where a Redis has lost all, or no fleet runs here", async () => {
    await plan.keep("before", agreedRows("before", 200));
    for (const at of [{ redisUrl: redis.url }, {}]) {
      const { routes, assumptions, history } = await plan.json(tickets(200), [], at);
      expect(assumptions).toEqual([]);
      expect(history).toMatchObject({ answers: 200, formerRows: 200, formerBatches: 1, formerAt: 1_000_199, trialRows: 0 });
      const [own] = routes;
      expect(own!.calls.expected).toBe(450);
      expect(own!.outputTokens.expected).toBe(200 * 20 + 200 * 30 + 50 * 40);
      expect(own!.boundBy).toBe("alpha/small: rpm");
    }
    const { stdout } = await plan.run(tickets(200));
    expect(stdout).toContain("by 200 rows of 1 former run (the last of 1970-01-01T00:16Z)");
  });

  it("prefers the rows of former runs to what was learned, which other work may have taught", async () => {
    await learn();
    const alwaysAgreed = agreedRows("before", 200).map((result) => ({ ...result, trail: result.trail.slice(0, 2) }));
    await plan.keep("before", alwaysAgreed);
    const { routes } = await plan.json(tickets(200), [], { redisUrl: redis.url });
    expect(routes[0]!.calls.expected).toBe(400);
  });

  it("holds a limit that the vendor itself has told of, where it is lower than the one configured", async () => {
    await plan.keep("before", agreedRows("before", 200));
    const configured = (await plan.json(tickets(200), [], { redisUrl: redis.url })).routes[0]!;
    await tellVendorLimit(redis.client(), modelSpec("alpha/small", { limits: { rpm: 600 } }), 120);
    const told = (await plan.json(tickets(200), [], { redisUrl: redis.url })).routes[0]!;
    expect(told.boundBy).toBe("alpha/small: rpm (the vendor's)");
    expect(told.timeMs.expected).toBeGreaterThan(4 * configured.timeMs.expected);
    expect(told.costNanoUsd).toEqual(configured.costNanoUsd);
  });

  it("holds the pace at which a vendor refused calls of a former run", async () => {
    const refused = agreedRows("before", 100).map((result, row): Result => {
      const at = { startedAt: 1_000 * row, latencyMs: 500 };
      const trail = result.trail.map((entry) => ({ ...entry, ...at }));
      return { ...result, trail: row % 10 === 0 ? [{ ...trail[0]!, call: `${trail[0]!.call}r`, outcome: "throttled" }, ...trail] : trail };
    });
    await plan.keep("before", refused);
    const [own] = (await plan.json(tickets(200))).routes;
    expect(own!.boundBy).toBe("alpha/small: refusals");
    // A call a second.
    expect(own!.timeMs.expected).toBeGreaterThan(180_000);
    expect(own!.timeMs.expected).toBeLessThan(220_000);
  });

  it("is nothing where the store can't be reached, which is told, and a plan is made all the same", async () => {
    const storeUrl = "postgres://nobody:nothing@127.0.0.1:1/none";
    const { stdout, stderr, code } = await plan.run(tickets(20), [], { storeUrl });
    expect(code).toBe(0);
    expect(stderr).toContain("nothing is known of former runs and trials: ");
    expect(stderr).not.toContain("nothing@");
    expect(stdout).toContain("no answer of alpha/small and beta/medium was seen yet");
  });

  it("is nothing of earlier calls where Redis can't be reached, which is told, while the store counts", async () => {
    await plan.keep("before", agreedRows("before", 60));
    const { stdout, stderr } = await plan.run(tickets(20), [], { redisUrl: "redis://127.0.0.1:1" });
    expect(stderr).toContain("nothing is known of earlier calls: ");
    expect(stdout).toContain("by 60 rows of 1 former run");
  });
});
