import type { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { BudgetSpec, Spending } from "../../src/cost/budget.ts";
import { readBatchCap, readBatchCaps, readLiveBatchCaps, removeBatchCap, setBatchCap } from "../../src/cost/redis-batch-cap.ts";
import { createRedisPurse } from "../../src/cost/redis-purse.ts";
import { createBatchStates } from "../../queues/batch-state.ts";
import { batchKeys, budgetKeys } from "../../src/runtime/keys.ts";
import { startTestRedis, type TestRedis } from "../support/redis.ts";

let server: TestRedis;
let redis: Redis;

beforeAll(async () => {
  server = await startTestRedis();
  redis = server.client();
});
afterAll(() => server.stop());
beforeEach(async () => {
  await redis.flushall();
});

const MINUTE = 60_000;
const spending = (changes: Partial<Spending> = {}): Spending => ({ model: "p/m", provider: "p", task: "t", batch: "b", ...changes });
const capped = (changes: Partial<Spending> = {}) => spending({ isCapped: true, ...changes });

describe("a batch's own budget", () => {
  it("holds for its own calls alone, and counts what the batch had cost before", async () => {
    const purse = createRedisPurse({ redis, budgets: [] });
    await setBatchCap(redis, "b", { limitNanoUsd: 1_000, spentNanoUsd: 700 });
    expect((await purse.reserve(capped(), 300, MINUTE)).kind).toBe("reserved");
    expect(await purse.reserve(capped(), 1, MINUTE)).toMatchObject({ kind: "refused", budget: "--max-cost" });
    expect((await purse.reserve(spending({ batch: "other" }), 5_000, MINUTE)).kind).toBe("reserved");
    await setBatchCap(redis, "c", { limitNanoUsd: 100, spentNanoUsd: 0 });
    expect((await purse.reserve(capped({ batch: "c" }), 100, MINUTE)).kind).toBe("reserved");
    expect(await readBatchCap(redis, "b")).toMatchObject({
      limitNanoUsd: 1_000,
      spentNanoUsd: 700,
      reservedNanoUsd: 300,
      refusedNanoUsd: 1,
    });
  });

  it("is raised by setting it again, which forgets nothing of what was spent", async () => {
    const purse = createRedisPurse({ redis, budgets: [] });
    await setBatchCap(redis, "b", { limitNanoUsd: 100, spentNanoUsd: 0 });
    const reply = await purse.reserve(capped(), 100, MINUTE);
    if (reply.kind === "reserved") await purse.settle(capped(), reply.reservation, 90);
    expect((await purse.reserve(capped(), 20, MINUTE)).kind).toBe("refused");
    await setBatchCap(redis, "b", { limitNanoUsd: 150, spentNanoUsd: 0 });
    expect((await purse.reserve(capped(), 20, MINUTE)).kind).toBe("reserved");
    expect(await readBatchCap(redis, "b")).toMatchObject({ limitNanoUsd: 150, spentNanoUsd: 90, reservedNanoUsd: 20 });
  });

  it("is told by every claim of the batch's rows, from when it is set until it is taken away", async () => {
    const states = createBatchStates(redis);
    await states.make("b", "t", "{}");
    let row = 0;
    const claimed = () => states.claim({ batch: "b", row: row++, hop: 0, part: 0, token: "task@1" });
    expect(await claimed()).toBe("go");
    await setBatchCap(redis, "b", { limitNanoUsd: 100, spentNanoUsd: 0 });
    expect(await claimed()).toBe("go-capped");
    await removeBatchCap(redis, "b", { isOver: false });
    expect(await claimed()).toBe("go");
  });

  it("counts what was spent while there was none", async () => {
    const purse = createRedisPurse({ redis, budgets: [] });
    await setBatchCap(redis, "b", { limitNanoUsd: 100, spentNanoUsd: 0 });
    const reply = await purse.reserve(capped(), 100, MINUTE);
    if (reply.kind === "reserved") await purse.settle(capped(), reply.reservation, 90);
    await removeBatchCap(redis, "b", { isOver: false });
    expect(await readBatchCaps(redis)).toEqual([]);
    await setBatchCap(redis, "b", { limitNanoUsd: 400, spentNanoUsd: 300 });
    expect(await readBatchCaps(redis)).toMatchObject([{ value: "b", limitNanoUsd: 400, spentNanoUsd: 300 }]);
    expect((await purse.reserve(capped(), 101, MINUTE)).kind).toBe("refused");
  });

  it("limits nothing once it is taken away, and stands beside the fleet's budgets", async () => {
    const fleet: BudgetSpec = { name: "all", scope: "fleet", per: "day", limitNanoUsd: 500, action: "stop" };
    const purse = createRedisPurse({ redis, budgets: [fleet] });
    await setBatchCap(redis, "b", { limitNanoUsd: 100, spentNanoUsd: 0 });
    expect(await purse.reserve(capped(), 200, MINUTE)).toMatchObject({ kind: "refused", budget: "--max-cost" });
    await removeBatchCap(redis, "b", { isOver: false });
    expect((await purse.reserve(capped(), 400, MINUTE)).kind).toBe("reserved");
    expect(await purse.reserve(capped(), 200, MINUTE)).toMatchObject({ kind: "refused", budget: "all" });
  });

  it("is shown, and kept, only while its batch is live", async () => {
    const states = createBatchStates(redis);
    for (const batch of ["live", "over"]) await states.make(batch, "t", "{}");
    for (const batch of ["live", "over", "gone"]) await setBatchCap(redis, batch, { limitNanoUsd: 100, spentNanoUsd: 5 });
    await redis.hset(batchKeys("over").meta, "state", "finished");
    expect(await readLiveBatchCaps(redis)).toMatchObject([{ value: "live", limitNanoUsd: 100, spentNanoUsd: 5 }]);
    expect(await Promise.all([budgetKeys.limits, budgetKeys.spent].map((key) => redis.hlen(key)))).toEqual([1, 1]);
    expect(await redis.exists(batchKeys("gone").meta)).toBe(0);
  });

  it("forgets what it refused when it is set again", async () => {
    const purse = createRedisPurse({ redis, budgets: [] });
    await setBatchCap(redis, "b", { limitNanoUsd: 100, spentNanoUsd: 0 });
    expect((await purse.reserve(capped(), 200, MINUTE)).kind).toBe("refused");
    await setBatchCap(redis, "b", { limitNanoUsd: 150, spentNanoUsd: 0 });
    expect(await readBatchCap(redis, "b")).not.toHaveProperty("refusedNanoUsd");
  });
});
