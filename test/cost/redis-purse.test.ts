import * as fc from "fast-check";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { periodEnd, periodOf, type BudgetSpec, type Spending } from "../../src/cost/budget.ts";
import { budgetOptions, buildBudgets } from "../../src/cost/budget-options.ts";
import { accountKey, whyShut } from "../../src/cost/budget-gate.ts";
import type { AccountState, Reservation } from "../../src/cost/purse.ts";
import { readBudgetStates, readRefusingStates, setBudgetLimit } from "../../src/cost/redis-budget-states.ts";
import { createRedisPurse } from "../../src/cost/redis-purse.ts";
import { budgetKeys } from "../../src/runtime/keys.ts";
import { serverTimeMs } from "../../src/runtime/redis-script.ts";
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

const FLEET: BudgetSpec = { name: "all", scope: "fleet", per: "day", limitNanoUsd: 1_000, action: "stop" };
const TEAM: BudgetSpec = { name: "teams", scope: "tag", tag: "team", per: "all", limitNanoUsd: 300, action: "stop" };
const spending = (changes: Partial<Spending> = {}): Spending => ({ model: "p/m", provider: "p", task: "t", batch: "b", ...changes });
const MINUTE = 60_000;

async function stateOf(budget: BudgetSpec, value = "") {
  const states = await readBudgetStates(redis, [FLEET, TEAM, budget]);
  return states.find((state) => state.budget.name === budget.name && state.value === value);
}

describe("a purse", () => {
  it("reserves as long as spent and reserved money stay within the limit, and gives back what was not needed", async () => {
    const purse = createRedisPurse({ redis, budgets: [FLEET] });
    const replies = await Promise.all(Array.from({ length: 12 }, () => purse.reserve(spending(), 100, MINUTE)));
    const held = replies.flatMap((reply) => (reply.kind === "reserved" ? [reply.reservation] : []));
    expect(held).toHaveLength(10);
    expect(replies.find(({ kind }) => kind === "refused")).toMatchObject({ budget: "all", reason: expect.stringContaining("used up") });
    await purse.release(held[0]!);
    await purse.settle(spending(), held[1]!, 40);
    expect(await stateOf(FLEET)).toMatchObject({ spentNanoUsd: 40, reservedNanoUsd: 800 });
    expect((await purse.reserve(spending(), 160, MINUTE)).kind).toBe("reserved");
    expect((await purse.reserve(spending(), 1, MINUTE)).kind).toBe("refused");
  });

  it("counts a call in every budget that it falls under, in all of them or in none", async () => {
    const purse = createRedisPurse({ redis, budgets: [FLEET, TEAM] });
    const red = spending({ tags: { team: "red" } });
    expect((await purse.reserve(red, 300, MINUTE)).kind).toBe("reserved");
    expect(await purse.reserve(red, 1, MINUTE)).toMatchObject({ kind: "refused", budget: "teams" });
    expect((await purse.reserve(spending({ tags: { team: "blue" } }), 300, MINUTE)).kind).toBe("reserved");
    expect((await purse.reserve(spending(), 400, MINUTE)).kind).toBe("reserved");
    expect(await purse.reserve(spending({ tags: { team: "green" } }), 1, MINUTE)).toMatchObject({ kind: "refused", budget: "all" });
    expect(await stateOf(TEAM, "green")).toBeUndefined();
    expect(await stateOf(FLEET)).toMatchObject({ reservedNanoUsd: 1_000 });
  });

  it("lets a raised budget go on, and tells the router of it", async () => {
    const purse = createRedisPurse({ redis, budgets: [FLEET] });
    await purse.reserve(spending(), 1_000, MINUTE);
    expect((await purse.reserve(spending(), 500, MINUTE)).kind).toBe("refused");
    const shut = async () => {
      const states = new Map((await readBudgetStates(redis, [FLEET])).map((state) => [accountKey(state), state]));
      return whyShut([FLEET], states, { spending: spending(), expectedNanoUsd: 500 });
    };
    expect(await shut()).toMatch(/budget all is used up until \d{4}-/);
    await setBudgetLimit(redis, { budget: "all" }, 1_499);
    expect(await shut()).toBeDefined();
    await setBudgetLimit(redis, { budget: "all" }, 1_500);
    expect(await shut()).toBeUndefined();
    expect((await purse.reserve(spending(), 500, MINUTE)).kind).toBe("reserved");
    await setBudgetLimit(redis, { budget: "all" }, undefined);
    expect((await stateOf(FLEET))?.limitNanoUsd).toBe(1_000);
  });

  it("is shut by a call that was too dear to calls like it, and not to those that are clearly cheaper, as long as there is room", async () => {
    const purse = createRedisPurse({ redis, budgets: [FLEET] });
    await purse.reserve(spending(), 700, MINUTE);
    expect((await purse.reserve(spending(), 500, MINUTE)).kind).toBe("refused");
    const shut = async (expectedNanoUsd: number) => {
      const states = new Map((await readRefusingStates(redis, [FLEET])).map((state) => [accountKey(state), state]));
      return whyShut([FLEET], states, { spending: spending(), expectedNanoUsd });
    };
    expect(await shut(500)).toContain("budget all is used up");
    expect(await shut(150)).toBeDefined();
    expect(await shut(100)).toBeUndefined();
    expect((await purse.reserve(spending(), 250, MINUTE)).kind).toBe("reserved");
    expect(await shut(100)).toBeDefined();
  });

  it("lets others try again some time after a refusal: they may be cheaper than it seems", () => {
    const state = (refusedMsAgo: number): AccountState => ({
      budget: FLEET,
      value: "",
      limitNanoUsd: 1_000,
      spentNanoUsd: 700,
      reservedNanoUsd: 0,
      refusedNanoUsd: 500,
      refusedMsAgo,
    });
    const shut = (refusedMsAgo: number, expectedNanoUsd: number) =>
      whyShut([FLEET], new Map([["all|", state(refusedMsAgo)]]), { spending: spending(), expectedNanoUsd });
    expect(shut(1_000, 290)).toBeDefined();
    expect(shut(20_000, 290)).toBeUndefined();
    expect(shut(20_000, 310)).toBeDefined();
  });

  it("gives one account a limit of its own", async () => {
    const purse = createRedisPurse({ redis, budgets: [TEAM] });
    const [red, blue] = ["red", "blue"].map((team) => spending({ tags: { team } })) as [Spending, Spending];
    await setBudgetLimit(redis, { budget: "teams", value: "red" }, 900);
    expect((await purse.reserve(red, 800, MINUTE)).kind).toBe("reserved");
    expect(await purse.reserve(blue, 800, MINUTE)).toMatchObject({ reason: "budget teams of blue is used up" });
  });

  it("counts amounts that have more digits than JSON in Redis keeps", async () => {
    const rich: BudgetSpec = { ...FLEET, name: "rich", limitNanoUsd: 1e15 };
    const purse = createRedisPurse({ redis, budgets: [rich] });
    const amount = 123_456_789_012_345;
    const reply = await purse.reserve(spending(), amount, MINUTE);
    await purse.settle(spending(), (reply as { reservation: Reservation }).reservation, amount - 1);
    expect(await stateOf(rich)).toMatchObject({ spentNanoUsd: amount - 1, reservedNanoUsd: 0 });
  });

  it("knows no account for a tag that the job doesn't have, whatever its name", async () => {
    const odd: BudgetSpec = { ...TEAM, name: "odd", tag: "constructor" };
    const purse = createRedisPurse({ redis, budgets: [odd] });
    await purse.reserve(spending({ tags: {} }), 10_000, MINUTE);
    expect(await readBudgetStates(redis, [odd])).toEqual([]);
  });

  it("lets calls that cost nothing pass, however much was spent", async () => {
    const purse = createRedisPurse({ redis, budgets: [FLEET] });
    await purse.settle(spending(), { id: "x", amountNanoUsd: 0 }, 5_000);
    expect((await purse.reserve(spending(), 1, MINUTE)).kind).toBe("refused");
    expect((await purse.reserve(spending(), 0, MINUTE)).kind).toBe("reserved");
  });

  it("settles and releases calls that cost nothing among those that do, all of them sent as one", async () => {
    const purse = createRedisPurse({ redis, budgets: [FLEET] });
    const reserve = async (amount: number) =>
      ((await purse.reserve(spending(), amount, MINUTE)) as { reservation: Reservation }).reservation;
    const [free, dear, alsoFree, alsoDear, idle] = await Promise.all([0, 100, 0, 200, 300].map(reserve));
    await Promise.all([
      purse.settle(spending(), free!, 0),
      purse.settle(spending(), dear!, 90),
      purse.release(alsoFree!),
      purse.settle(spending(), alsoDear!, 0),
      purse.release(idle!),
      purse.settle(spending(), { id: "nobody knows it", amountNanoUsd: 0 }, 0),
    ]);
    expect(await stateOf(FLEET)).toMatchObject({ spentNanoUsd: 90, reservedNanoUsd: 0 });
    // Expected to cost nothing, and it did after all.
    await purse.settle(spending(), await reserve(0), 7);
    expect(await stateOf(FLEET)).toMatchObject({ spentNanoUsd: 97, reservedNanoUsd: 0 });
  });

  it.each([
    ["half a surrogate pair", "a\ud800b"],
    ["a NUL", "a\0b"],
  ])("counts a call whose tag or tenant holds %s, and those that are asked for with it", async (_, text) => {
    const tenants: BudgetSpec = { name: "tenants", scope: "tenant", per: "all", limitNanoUsd: 300, action: "stop" };
    const purse = createRedisPurse({ redis, budgets: [FLEET, TEAM, tenants] });
    const spendings = [spending(), spending({ tags: { team: text } }), spending({ tenant: text })];
    const replies = await Promise.all(spendings.map((each) => purse.reserve(each, 100, MINUTE)));
    const reservations = replies.map((reply) => (reply as { reservation: Reservation }).reservation);
    await Promise.all(reservations.map((reservation, i) => purse.settle(spendings[i]!, reservation, 40)));
    expect(await stateOf(FLEET)).toMatchObject({ spentNanoUsd: 120, reservedNanoUsd: 0 });
    expect(await stateOf(TEAM, "a\ufffdb")).toMatchObject({ spentNanoUsd: 40, reservedNanoUsd: 0 });
    expect(await stateOf(tenants, "a\ufffdb")).toMatchObject({ spentNanoUsd: 40, reservedNanoUsd: 0 });
    await setBudgetLimit(redis, { budget: "tenants", value: text }, 50);
    expect(await purse.reserve(spending({ tenant: text }), 11, MINUTE)).toMatchObject({ kind: "refused", budget: "tenants" });
    await setBudgetLimit(redis, { budget: "tenants", value: text }, undefined);
    expect((await purse.reserve(spending({ tenant: text }), 11, MINUTE)).kind).toBe("reserved");
  });

  it("counts a value that isn't text in the account of its text, and none in no account", async () => {
    const budgets = buildBudgets(
      budgetOptions.parse([
        { name: "ours", scope: "tag", of: "customer=42", per: "all", limit: 1 },
        { name: "odd", scope: "tag", of: "customer=a\ud800b", per: "all", limit: 1 },
      ]),
    );
    const purse = createRedisPurse({ redis, budgets });
    const tagged = (customer: unknown) => spending({ tags: { customer } as unknown as Record<string, string> });
    const bare = spending({ tags: null as never, tenant: null as never });
    const spendings = [...[42, "42", "a\ud800b", null, 43, { a: 1 }].map(tagged), bare];
    for (const [i, each] of spendings.entries()) await purse.settle(each, { id: String(i), amountNanoUsd: 0 }, 10);
    const states = await readBudgetStates(redis, budgets);
    expect(states.map(({ value, spentNanoUsd }) => [value, spentNanoUsd])).toEqual([
      ["42", 20],
      ["a\ufffdb", 10],
    ]);
  });

  it("takes a call that costs nothing for over when its lifetime is, among others", async () => {
    const purse = createRedisPurse({ redis, budgets: [FLEET] });
    await Promise.all([0, 400].map((amount) => purse.reserve(spending(), amount, 30)));
    await expect.poll(async () => redis.zcount(budgetKeys.expiries, "-inf", await serverTimeMs(redis))).toBe(2);
    await purse.release({ id: "unknown", amountNanoUsd: 0 });
    expect(await stateOf(FLEET)).toMatchObject({ spentNanoUsd: 400, reservedNanoUsd: 0 });
  });

  it("comes to the sums of what was settled, whatever went together and whatever cost nothing", async () => {
    const call = fc.record({
      amount: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 500 })),
      cost: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 500 })),
      end: fc.constantFrom("settle", "release", "stay"),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 30 }), async (calls) => {
        await redis.flushall();
        const wide: BudgetSpec = { ...FLEET, limitNanoUsd: 1e9 };
        const purse = createRedisPurse({ redis, budgets: [wide] });
        const held = await Promise.all(
          calls.map(async (each) => {
            const reply = await purse.reserve(spending(), each.amount, MINUTE);
            return { ...each, reservation: (reply as { reservation: Reservation }).reservation };
          }),
        );
        await Promise.all(
          held.map(async ({ end, reservation, cost }) => {
            if (end === "stay") return;
            await (end === "settle" ? purse.settle(spending(), reservation, cost) : purse.release(reservation));
          }),
        );
        const sum = (end: string, of: "amount" | "cost") => held.reduce((all, each) => (each.end === end ? all + each[of] : all), 0);
        expect(await stateOf(wide)).toMatchObject({ spentNanoUsd: sum("settle", "cost"), reservedNanoUsd: sum("stay", "amount") });
      }),
      { numRuns: 60 },
    );
  });

  it("tells the router of accounts that refused, and of no others", async () => {
    const purse = createRedisPurse({ redis, budgets: [FLEET, TEAM] });
    for (const team of ["red", "blue", "green"]) await purse.reserve(spending({ tags: { team } }), 10, MINUTE);
    expect(await readRefusingStates(redis, [FLEET, TEAM])).toEqual([]);
    await purse.reserve(spending({ tags: { team: "blue" } }), 295, MINUTE);
    const [state, ...others] = await readRefusingStates(redis, [FLEET, TEAM]);
    expect(others).toEqual([]);
    const { refusedMsAgo: _ms, ...all } = (await readBudgetStates(redis, [TEAM])).find(({ value }) => value === "blue")!;
    expect(state).toMatchObject(all);
    expect(all).toMatchObject({ reservedNanoUsd: 10, refusedNanoUsd: 295 });
  });

  it("calls only models below a price once a degrading budget is used up, and none less for one that only alerts", async () => {
    const below = { input: 100, output: 500 };
    const degrade: BudgetSpec = { ...FLEET, name: "soft", action: "degrade", below };
    const alert: BudgetSpec = { ...FLEET, name: "bell", action: "alert", limitNanoUsd: 1 };
    const purse = createRedisPurse({ redis, budgets: [degrade, alert] });
    const priced = (input: number, output: number) => spending({ price: { input, output, cachedInput: input, cacheWrite: input } });
    expect((await purse.reserve(priced(900, 900), 1_000, MINUTE)).kind).toBe("reserved");
    expect(await purse.reserve(priced(900, 900), 1, MINUTE)).toMatchObject({
      kind: "refused",
      reason: expect.stringContaining("as dear as p/m"),
    });
    expect((await purse.reserve(priced(100, 500), 1, MINUTE)).kind).toBe("reserved");
    expect((await purse.reserve(spending(), 1, MINUTE)).kind).toBe("reserved");
  });

  it("takes a reservation whose lifetime is over for spent, until its call ends after all", async () => {
    const purse = createRedisPurse({ redis, budgets: [FLEET] });
    const reply = await purse.reserve(spending(), 400, 30);
    await expect
      .poll(async () => (await purse.release({ id: "unknown", amountNanoUsd: 0 }), (await stateOf(FLEET))?.spentNanoUsd))
      .toBe(400);
    expect((await stateOf(FLEET))?.reservedNanoUsd).toBe(0);
    await purse.settle(spending(), (reply as { reservation: Reservation }).reservation, 150);
    expect(await stateOf(FLEET)).toMatchObject({ spentNanoUsd: 150, reservedNanoUsd: 0 });
  });

  it("books the cost of a call whose reservation nobody knows", async () => {
    const purse = createRedisPurse({ redis, budgets: [FLEET] });
    await purse.settle(spending(), { id: "lost", amountNanoUsd: 5 }, 70);
    expect((await stateOf(FLEET))?.spentNanoUsd).toBe(70);
  });

  it("asks nothing of Redis where no budget counts", async () => {
    const broken = { evalsha: () => Promise.reject(new Error("asked")) } as unknown as Redis;
    const purse = createRedisPurse({ redis: broken, budgets: [TEAM] });
    const reply = await purse.reserve(spending(), 10, MINUTE);
    expect(reply.kind).toBe("reserved");
    await purse.settle(spending(), (reply as { reservation: Reservation }).reservation, 10);
    await purse.release((reply as { reservation: Reservation }).reservation);
  });

  it("never has more reserved and spent than the limit, but for what calls cost beyond their reservation; and forgets nothing", async () => {
    const event = fc.oneof(
      fc.record({
        kind: fc.constant("reserve" as const),
        amount: fc.integer({ min: 0, max: 400 }),
        team: fc.constantFrom("red", "blue", undefined),
      }),
      fc.record({ kind: fc.constant("settle" as const), which: fc.nat(), excess: fc.integer({ min: -400, max: 50 }) }),
      fc.record({ kind: fc.constant("release" as const), which: fc.nat() }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 60 }), async (events) => {
        await redis.flushall();
        const purses = [1, 2].map(() => createRedisPurse({ redis, budgets: [FLEET, TEAM] }));
        const held: { reservation: Reservation; of: Spending }[] = [];
        const spent = { all: 0, red: 0, blue: 0 };
        let beyond = 0;
        for (const [i, each] of events.entries()) {
          const purse = purses[i % 2]!;
          if (each.kind === "reserve") {
            const of = spending(each.team ? { tags: { team: each.team } } : {});
            const reply = await purse.reserve(of, each.amount, MINUTE);
            if (reply.kind === "reserved") held.push({ reservation: reply.reservation, of });
          } else {
            const [taken] = held.splice(each.which % Math.max(1, held.length), 1);
            if (!taken) continue;
            if (each.kind === "release") await purse.release(taken.reservation);
            else {
              const cost = Math.max(0, taken.reservation.amountNanoUsd + each.excess);
              await purse.settle(taken.of, taken.reservation, cost);
              beyond += Math.max(0, each.excess);
              spent.all += cost;
              const team = taken.of.tags?.["team"] as "red" | "blue" | undefined;
              if (team) spent[team] += cost;
            }
          }
          const state = (await stateOf(FLEET))!;
          const reserved = held.reduce((sum, { reservation }) => sum + reservation.amountNanoUsd, 0);
          expect(state).toMatchObject({ spentNanoUsd: spent.all, reservedNanoUsd: reserved });
          expect(state.spentNanoUsd + state.reservedNanoUsd).toBeLessThanOrEqual(FLEET.limitNanoUsd + beyond);
        }
        for (const team of ["red", "blue"] as const) expect((await stateOf(TEAM, team))?.spentNanoUsd ?? 0).toBe(spent[team]);
      }),
      { numRuns: 40 },
    );
  });
});

describe("periods", () => {
  it("are the same in Redis and here, whatever the day", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_000_000_000_000 }), (now) => {
        for (const per of ["hour", "day", "month"] as const) {
          const end = periodEnd(per, now)!;
          expect(end).toBeGreaterThan(now);
          expect(periodOf(per, end - 1)).toBe(periodOf(per, now));
          expect(periodOf(per, end)).toBe(periodOf(per, now) + 1);
        }
      }),
    );
  });

  it("are found by the scripts as well: a month's budget is read where it was spent", async () => {
    const month: BudgetSpec = { ...FLEET, name: "month", per: "month" };
    const hour: BudgetSpec = { ...FLEET, name: "hour", per: "hour" };
    const purse = createRedisPurse({ redis, budgets: [month, hour] });
    await purse.settle(spending(), { id: "x", amountNanoUsd: 0 }, 7);
    expect(await stateOf(month)).toMatchObject({ spentNanoUsd: 7 });
    expect(await stateOf(hour)).toMatchObject({ spentNanoUsd: 7 });
  });
});
