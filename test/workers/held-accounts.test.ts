import type { Redis } from "ioredis";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { BudgetSpec } from "../../src/cost/budget.ts";
import { readBudgetStates } from "../../src/cost/redis-budget-states.ts";
import { createRedisPurse } from "../../src/cost/redis-purse.ts";
import { budgetKeys } from "../../src/runtime/keys.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { createBudgetWatch, spendingOf } from "../../workers/budget-watch.ts";
import { startTestRedis, type TestRedis } from "../support/redis.ts";
import type { Job } from "../../src/job/job.ts";
import { fleetOf } from "./web/web-fixture.ts";

let server: TestRedis;
let redis: Redis;

beforeAll(async () => {
  server = await startTestRedis();
  redis = server.client();
});
afterAll(() => server.stop());

it("tells whoever looks that a call is held back for what was refused, and brings back no refusal that was taken away", async () => {
  const budgets: readonly BudgetSpec[] = [{ name: "all", scope: "fleet", per: "day", limitNanoUsd: 1_000, action: "stop" }];
  const { models, tasks } = await fleetOf();
  const task = tasks.get("classify-ticket")!;
  const spec = models.get("openai/gpt-5-mini")!;
  const job = { batch: "b", task: task.name } as Job;
  const purse = createRedisPurse({ redis, budgets });
  await purse.reserve(spendingOf(task, job, { spec, inputTokens: 10 }), 5_000, 60_000);
  const watch = createBudgetWatch({ budgets, models, redis, clock: systemClock });
  try {
    const state = async () => (await readBudgetStates(redis, budgets))[0]!;
    const isShut = () => watch.whyShut(task, job, { model: spec.id, inputTokens: 10, costNanoUsd: 5_000 }) !== undefined;
    expect(await state()).not.toHaveProperty("heldMsAgo");
    await expect.poll(isShut).toBe(true);
    await expect.poll(async () => (await state()).heldMsAgo).toBeGreaterThanOrEqual(0);
    expect(await state()).toMatchObject({ refusedNanoUsd: 5_000 });

    await redis.del(budgetKeys.refused);
    isShut();
    await expect.poll(isShut).toBe(false);
    expect(await redis.exists(budgetKeys.refused)).toBe(0);
  } finally {
    await watch.stop();
  }
});
