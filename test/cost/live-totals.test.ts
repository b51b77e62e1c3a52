import * as fc from "fast-check";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { combinationField, parseCombination } from "../../src/cost/combination.ts";
import { createLiveTotals, KEPT_DAYS, readDayTotals, readFleetCounters } from "../../src/cost/redis-live-totals.ts";
import { dayOf } from "../../src/job/day.ts";
import { totalsKeys, totalsOfDayKey } from "../../src/runtime/keys.ts";
import { startTestRedis, type TestRedis } from "../support/redis.ts";
import { countCalls, countChanges, ledgerEntry } from "./sample-calls.ts";

const DAY_MS = 86_400_000;
const NOW = Date.now();
const TODAY = dayOf(NOW);

let server: TestRedis;
let redis: Redis;
beforeAll(async () => {
  server = await startTestRedis();
  redis = server.client();
});
afterAll(() => server.stop());
beforeEach(async () => void (await redis.flushdb()));

const today = async () => (await readDayTotals(redis, [TODAY]))[0]!.combinations;

describe("live totals", () => {
  it("sum the calls of a day by task, model, tenant and all tags together", async () => {
    const tags = { team: "x", source: "mail" };
    const reordered = { source: "mail", team: "x" };
    await countCalls(redis, [
      { tags, tenant: "t" },
      { tags: reordered, tenant: "t", outcome: "transient" },
      { tags, tenant: "t", isEstimated: true, costNanoUsd: 500 },
    ]);
    await countCalls(redis, [
      { tags, tenant: "t", outcome: "uncertain", costNanoUsd: 7 },
      { tags, model: "acme/large", isDuplicate: true },
    ]);
    expect(await today()).toEqual([
      {
        task: "classify",
        model: "acme/small",
        tenant: "t",
        tags,
        calls: 4,
        answeredCalls: 2,
        duplicateCalls: 1,
        uncertainCalls: 1,
        uncertainNanoUsd: 7,
        inputTokens: 400,
        cachedInputTokens: 160,
        outputTokens: 80,
        costNanoUsd: 2_507,
        estimatedCalls: 2,
        estimatedNanoUsd: 507,
      },
      expect.objectContaining({ model: "acme/large", tags, calls: 1, duplicateCalls: 1, uncertainCalls: 0, costNanoUsd: 1_000 }),
    ]);
  });

  it("take away what an exact entry replaces, from the day and the combination where it was", async () => {
    const before = ledgerEntry({ at: NOW - DAY_MS, outcome: "uncertain", costNanoUsd: 500, tags: { team: "x" } });
    await countChanges(redis, [{ after: before }]);
    await countChanges(redis, [{ before, after: ledgerEntry({ costNanoUsd: 420 }) }]);
    const [yesterday, now] = await readDayTotals(redis, [dayOf(NOW - DAY_MS), TODAY]);
    expect(yesterday?.combinations).toMatchObject([
      { calls: 0, uncertainCalls: 0, uncertainNanoUsd: 0, estimatedCalls: 0, estimatedNanoUsd: 0, costNanoUsd: 0, inputTokens: 0 },
    ]);
    expect(now?.combinations).toMatchObject([{ calls: 1, answeredCalls: 1, uncertainCalls: 0, costNanoUsd: 420, tags: {} }]);
  });

  it("over the fleet's life never fall, and go on growing where they stopped", async () => {
    const before = ledgerEntry({ outcome: "uncertain", costNanoUsd: 500 });
    const cost = async () => (await readFleetCounters(redis)).map(({ costNanoUsd }) => costNanoUsd);
    await countChanges(redis, [{ after: before }]);
    await countChanges(redis, [{ before, after: ledgerEntry({ costNanoUsd: 420 }) }]);
    expect(await cost()).toEqual([500]);
    await countCalls(redis, [{ costNanoUsd: 50 }]);
    expect(await cost()).toEqual([500]);
    await countCalls(redis, [{ costNanoUsd: 50, tags: { team: "x" } }]);
    expect(await cost()).toEqual([520]);
  });

  it("count what follows a batch's watermark once, and tell the watermark to who knows another", async () => {
    const totals = createLiveTotals(redis);
    expect(await totals.watermark("b")).toBe("");
    const changes = [{ id: "5-0", after: ledgerEntry() }];
    const part = { after: "", lastId: "5-0", changes };
    expect(await totals.count("b", part)).toBeUndefined();
    // Sent again after a lost connection.
    expect(await totals.count("b", part)).toBeUndefined();
    expect(await totals.count("b", { after: "", lastId: "7-0", changes })).toBe("5-0");
    expect(await totals.count("other", { after: "3-0", lastId: "7-0", changes })).toBe("");
    expect(await totals.watermark("b")).toBe("5-0");
    expect(await totals.count("b", { after: "5-0", lastId: "7-0", changes: [] })).toBeUndefined();
    expect(await totals.watermark("b")).toBe("7-0");
    expect(await today()).toMatchObject([{ calls: 1 }]);
  });

  it("are exact in nano-dollars and tokens far above what one batch comes to", async () => {
    const costNanoUsd = 2 ** 52 + 1;
    await countCalls(redis, [{ costNanoUsd }]);
    await countCalls(redis, [{ costNanoUsd: 2 ** 52 - 3 }]);
    expect(await today()).toMatchObject([{ costNanoUsd: 2 ** 53 - 2 }]);
  });
});

describe("the room for combinations of a day", () => {
  it("is for the first ones; calls with other tags are counted together by tenant, later those of other tenants too, and none is lost", async () => {
    const of = (i: number, tenant?: string) => ({ tags: { ticket: String(i) }, ...(tenant === undefined ? {} : { tenant }) });
    await countCalls(redis, [of(1), of(2), of(3), of(4)], 3);
    await countCalls(redis, [of(2), of(5)], 3);
    await countCalls(redis, [of(6, "a"), of(7, "b"), of(8, "c"), of(9, "a"), of(1)], 3);
    const seen = (await today()).map(({ tags, tenant, mixed, calls }) => [mixed ?? tags["ticket"], tenant, calls]);
    expect(seen).toEqual([
      ["1", undefined, 2],
      ["2", undefined, 2],
      ["3", undefined, 1],
      ["tags", undefined, 2],
      ["tags", "a", 2],
      ["tags", "b", 1],
      ["tenants", undefined, 1],
    ]);
    expect((await readFleetCounters(redis)).reduce((sum, { calls }) => sum + calls, 0)).toBe(11);
  });

  it("stays with what was given: what is replaced later is taken away where it was counted", async () => {
    const guess = (i: number) => ledgerEntry({ tags: { ticket: String(i) }, outcome: "uncertain", costNanoUsd: 100 });
    const exact = (i: number) => ledgerEntry({ tags: { ticket: String(i) }, costNanoUsd: 60 });
    const three = [1, 2, 3];
    await countChanges(
      redis,
      three.map((i) => ({ after: guess(i) })),
      2,
    );
    await countChanges(
      redis,
      three.map((i) => ({ before: guess(i), after: exact(i) })),
      2,
    );
    expect(await today()).toMatchObject([1, 2, 3].map(() => ({ calls: 1, uncertainCalls: 0, costNanoUsd: 60 })));
  });

  it("is not given to tags longer than a page", async () => {
    await countCalls(redis, [{ tags: { note: "x".repeat(5_000) } }]);
    expect(await today()).toMatchObject([{ mixed: "tags", tags: {}, calls: 1 }]);
  });

  it("is free again after two months, and what began earlier than that isn't kept at all", async () => {
    await countCalls(redis, [{}, { at: NOW - (KEPT_DAYS + 2) * DAY_MS }]);
    const kept = (await redis.keys("*:day:*")).map((key) => key.slice(key.lastIndexOf(":") + 1));
    expect(kept).toEqual([TODAY]);
    const leftMs = await redis.pttl(totalsOfDayKey(TODAY));
    expect(leftMs).toBeGreaterThan((KEPT_DAYS - 1) * DAY_MS);
    expect(leftMs).toBeLessThanOrEqual((KEPT_DAYS + 1) * DAY_MS);
    expect(await redis.pttl(totalsKeys.fleet)).toBe(-1);
  });
});

describe("a combination", () => {
  const text = fc.string({ unit: "binary", maxLength: 8 });

  it("is read as it was written, whatever its names are and in whichever order its tags come", () => {
    fc.assert(
      fc.property(text, fc.option(text, { nil: undefined }), fc.dictionary(text, text, { maxKeys: 4 }), (task, tenant, tags) => {
        const own = combinationField({ task, model: "acme/small", tags, ...(tenant === undefined ? {} : { tenant }) });
        const read = parseCombination(own);
        const held = (each: string) => each.replaceAll("\0", "\uFFFD");
        expect(read).toEqual({
          task,
          model: "acme/small",
          ...(tenant === undefined ? {} : { tenant: held(tenant) }),
          tags: Object.fromEntries(Object.entries(tags).map(([name, value]) => [held(name), held(value)])),
        });
        const reversed = Object.fromEntries(Object.entries(tags).toReversed());
        expect(combinationField({ task, model: "acme/small", tags: reversed, ...(tenant === undefined ? {} : { tenant }) })).toBe(own);
      }),
    );
  });
});
