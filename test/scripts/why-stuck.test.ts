import type { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { registerProcess, type Registration } from "../../queues/fleet-registry.ts";
import { whyStuck, type StuckRows } from "../../scripts/why-stuck.ts";
import type { Fleet } from "../../src/config/fleet.ts";
import type { Spending } from "../../src/cost/budget.ts";
import { setBudgetLimit } from "../../src/cost/redis-budget-states.ts";
import { createRedisPurse } from "../../src/cost/redis-purse.ts";
import { until } from "../support/fleet.ts";
import { startTestRedis, type TestRedis } from "../support/redis.ts";
import { contextOf, fleetOf, TWO_VENDORS, type TestContext } from "../workers/web/web-fixture.ts";

const BUDGETS = `
budgets:
- { name: purse, scope: fleet, per: day, limit: 1 }
- { name: tenants, scope: tenant, per: day, limit: 0.5 }
- { name: red, scope: tag, of: team=red, per: all, limit: 0.5 }
- { name: soft, scope: model, of: openai/gpt-5-mini, per: day, limit: 0.5, action: degrade, below: { input: 1, output: 5 } }
- { name: bell, scope: batch, per: all, limit: 0.0001, action: alert }
`;
const CENT = 10_000_000;
const DAY_MS = 86_400_000;

let server: TestRedis;
let redis: Redis;
let fleet: Fleet;
let context: TestContext;
let running: Registration | undefined;

beforeAll(async () => {
  server = await startTestRedis();
  redis = server.client();
  fleet = await fleetOf(TWO_VENDORS + BUDGETS);
});
afterAll(() => server.stop());
beforeEach(async () => {
  await redis.flushdb();
  context = contextOf(redis, fleet);
  running = registerProcess(redis, context.clock, { roles: ["router"], configHash: fleet.hash, tasks: ["classify-ticket"] });
  await until("its first beat", async () => (await why()).length === 0);
});
afterEach(async () => {
  await running?.stop();
  await context.stop();
});

const why = (changes: Partial<StuckRows> = {}) => whyStuck(context, { batch: "b", task: "classify-ticket", terms: {}, ...changes });

/** Calls of this many cents each, of which only the first finds its money. */
async function spend(cents: readonly number[], changes: Partial<Spending> = {}): Promise<void> {
  const purse = createRedisPurse({ redis, budgets: fleet.budgets });
  const spending: Spending = { model: "openai/gpt-5-mini", provider: "openai", task: "classify-ticket", batch: "b", ...changes };
  for (const each of cents) {
    const reply = await purse.reserve(spending, each * CENT, DAY_MS);
    if (reply.kind === "reserved") await purse.settle(spending, reply.reservation, each * CENT);
  }
}

describe("why rows don't move", () => {
  it("names the budget that refuses them, how it stands and how to raise it; raised it is none any more", async () => {
    await spend([90, 20]);
    expect(await why()).toEqual([
      {
        reason: "held by budget purse: $0.9000 of $1.00 spent, a call is expected to cost $0.2000",
        remedy: "modelfleet budgets raise purse --to DOLLARS",
      },
    ]);
    await setBudgetLimit(redis, { budget: "purse" }, 200 * CENT);
    expect(await why()).toEqual([]);
  });

  it("names a tenant's or a tag's account only to its own rows, or where nobody knows whose they are", async () => {
    await setBudgetLimit(redis, { budget: "purse" }, 200 * CENT);
    await spend([45, 20], { tenant: "acme" });
    await spend([45, 20], { tags: { team: "red" } });
    expect(await why()).toEqual([]);
    expect(await why({ terms: { tenant: "bolt", tags: { team: "blue" } } })).toEqual([]);
    expect(await why({ terms: { tenant: "acme" } })).toEqual([
      {
        reason: "held by budget tenants (acme): $0.4500 of $0.5000 spent, a call is expected to cost $0.2000",
        remedy: "modelfleet budgets raise tenants --of acme --to DOLLARS",
      },
    ]);
    expect(await why({ terms: { tags: { team: "red" } } })).toMatchObject([{ remedy: "modelfleet budgets raise red --to DOLLARS" }]);
    const reasons = (await whyStuck(context, { batch: "b", task: "classify-ticket" })).map(({ reason }) => reason.split(":")[0]);
    expect(reasons).toEqual(["held by budget tenants (acme)", "held by budget red"]);
  });

  it("names open breakers of their route, and leaves out what stops none of their calls: budgets that alert or are for dearer models, models denied to them", async () => {
    await spend([1]);
    expect(await why()).toEqual([]);
    const dear = { input: 9_000_000, output: 9_000_000, cachedInput: 9_000_000, cacheWrite: 9_000_000 };
    await spend([60], { price: dear });
    // gpt-5-mini costs less than `below`: the budget that refused a dear call lets theirs through.
    expect(await why()).toEqual([]);
    await context.breaker.trip({ model: "openai/gpt-5-mini" }, "insufficient quota", 60_000);
    expect(await why()).toMatchObject([{ reason: expect.stringMatching(/^openai\/gpt-5-mini: breaker open .* insufficient quota$/) }]);
    expect(await why({ terms: { deny: ["openai/gpt-5-mini"] } })).toEqual([]);
  });

  it("says that no fleet is running, and how to start one", async () => {
    await running?.stop();
    running = undefined;
    expect(await why()).toEqual([{ reason: "no fleet is running", remedy: "modelfleet up" }]);
  });
});
