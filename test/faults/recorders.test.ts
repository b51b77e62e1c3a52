// Recorders of one store, killed and halted in the middle: every result is stored once, every call booked once, nothing is lost.

import { join } from "node:path";
import type { Redis } from "ioredis";
import { afterEach, describe, expect, it } from "vitest";
import { createBatchStates } from "../../queues/batch-state.ts";
import { openStore, type StorePlace } from "../../src/results/open-store.ts";
import { TOTAL_NAMES } from "../../src/cost/call-totals.ts";
import { batchKeys, fleetKeys, totalsKeys } from "../../src/runtime/keys.ts";
import { startTestFleet, until, type TestFleet } from "../support/fleet.ts";
import { query, startTestPostgres, whyNoPostgres, type TestPostgres } from "../support/postgres.ts";
import { expectedLedger, resultsOf } from "../support/recorded-results.ts";

/** 100,000 by hand: `MODELFLEET_RECORDER_ROWS=100000 npx vitest run test/faults/recorders.test.ts`. */
const ROWS = Number(process.env["MODELFLEET_RECORDER_ROWS"] ?? 6_000);
const BATCHES = 8;
const ROWS_EACH = Math.ceil(ROWS / BATCHES);
const HALF = Math.ceil(ROWS_EACH / 2);
const AT_ONCE = 500;

const missing = await whyNoPostgres();
let fleet: TestFleet | undefined;
let postgres: TestPostgres | undefined;
afterEach(async () => {
  await fleet?.stop();
  await postgres?.stop();
  fleet = postgres = undefined;
});

/** A fleet of which only recorders run: results are put into the streams as pools record them. */
async function startFleet(storeUrl: string | undefined) {
  const model = { price: { input: 1, output: 1 } };
  const started = await startTestFleet({
    simulator: { vendors: { openai: { kind: "openai", models: { "gpt-5-mini": model } } } },
    config: (url) => ({
      providers: {
        openai: { kind: "openai", apiKey: "${SIMULATED_KEY}", baseUrl: `${url}/openai/v1`, models: { "gpt-5-mini": model } },
      },
      tasks: { ask: { prompt: { user: "{{ input.text }}" }, route: { models: ["openai/gpt-5-mini"] } } },
    }),
    ...(storeUrl === undefined ? {} : { environment: { STORE_URL: storeUrl } }),
  });
  fleet = started;
  const redis = started.redis.client();
  const states = createBatchStates(redis);
  const batches = Array.from({ length: BATCHES }, (_, i) => `b${i}`);

  const record = async (from: number, to: number) => {
    for (let row = from; row < to; row += AT_ONCE) {
      const rows = Array.from({ length: Math.min(AT_ONCE, to - row) }, (_, i) => row + i);
      const recorded = batches.flatMap((batch) => rows.flatMap((each) => resultsOf(batch, each)));
      await Promise.all(recorded.map((result) => states.record(result)));
    }
  };
  const stored = async () =>
    (await Promise.all(batches.map((batch) => redis.hget(batchKeys(batch).meta, "stored")))).reduce((sum, each) => sum + Number(each), 0);

  // Half of the results wait before any recorder knows of their batches: then all begin with the same.
  for (const batch of batches) await states.make(batch, "ask", "{}");
  await redis.del(fleetKeys.batches);
  await record(0, HALF);
  return {
    started,
    redis,
    states,
    batches,
    stored,
    /** Resolves when a recorder has taken each. */
    async show(some: readonly string[]) {
      await redis.zadd(fleetKeys.batches, ...some.flatMap((batch) => [Date.now(), batch]));
      await until(
        "the batches to be taken",
        async () => (await redis.exists(...some.map((batch) => batchKeys(batch).recorder))) === some.length,
      );
    },
    /** Of batches that are held: by whom. */
    holders: async () => (await redis.mget(batches.map((batch) => batchKeys(batch).recorder))).filter((holder) => holder !== null),
    async recordTheRest() {
      await record(HALF, ROWS_EACH);
      for (const batch of batches) expect(await states.seal(batch, ROWS_EACH)).not.toBe("mismatch");
    },
    allFinished: async () => {
      const found = await Promise.all(batches.map((batch) => states.status(batch)));
      return found.every((status) => status?.state === "finished");
    },
    place: { storeDir: join(started.dir, "data", "store"), ...(storeUrl === undefined ? {} : { storeUrl }) } satisfies StorePlace,
  };
}

/** What the store holds of a batch, as a reader finds it. */
async function inspect(place: StorePlace, batch: string) {
  const store = openStore(place);
  let rows = 0;
  let isInOrder = true;
  for await (const { row } of store.read(batch)) isInOrder &&= row === rows++;
  const calls = new Set<string>();
  const ledger = { calls: 0, duplicates: 0, costNanoUsd: 0 };
  for await (const entry of store.ledger(batch)) {
    calls.add(entry.call);
    ledger.calls++;
    ledger.duplicates += Number(entry.isDuplicate);
    ledger.costNanoUsd += entry.costNanoUsd;
  }
  await store.stop();
  return { rows, isInOrder, distinctCalls: calls.size, ...ledger };
}

/** Answers with what is found of each batch in store and Redis, and what should be. */
async function play({ recorders, storeUrl }: { readonly recorders: 1 | 2 | 3; readonly storeUrl: string | undefined }) {
  const running = await startFleet(storeUrl);
  const { started, redis, states, batches, stored, place } = running;
  const all = await Promise.all(Array.from({ length: recorders }, () => started.start("recorder")));
  // Whoever sees a batch first has it: each is shown its part while the others are held.
  for (const [i, own] of all.entries()) {
    for (const each of all) each.child.kill(each === own ? "SIGCONT" : "SIGSTOP");
    await running.show(batches.filter((_, b) => b % recorders === i));
  }
  const storedBefore = await stored();
  const beganAt = performance.now();
  for (const { child } of all) child.kill("SIGCONT");
  const storedThen = await until("a third of the results to be stored", async () => {
    const count = await stored();
    return count >= (ROWS_EACH * BATCHES) / 3 && count;
  });
  const untilKillMs = performance.now() - beganAt;
  const killed = all[0]!;
  const halted = recorders === 3 ? all[1] : undefined;
  halted?.child.kill("SIGSTOP");
  await killed.kill();
  const resting = running.recordTheRest();
  if (recorders === 1) await started.start("recorder");
  if (halted) {
    // It goes on in the middle of what it was doing, when the other has its batches.
    await until("the others' batches to be taken over", async () => new Set(await running.holders()).size === 1);
    halted.child.kill("SIGCONT");
  }
  await resting;
  await until("the batches to be finished", running.allFinished, 120_000);
  const tookMs = performance.now() - beganAt;

  const total = ROWS_EACH * BATCHES;
  const rate = (rows: number, ms: number) => Math.round((1_000 * rows) / ms).toLocaleString("en");
  console.log(
    `${storeUrl === undefined ? "files" : "PostgreSQL"}, ${recorders} recorder${recorders > 1 ? "s" : ""}: ${rate(storedThen - storedBefore, untilKillMs)} rows/s until ${["it was killed", "one was killed", "one was killed and one halted"][recorders - 1]} at ${storedThen.toLocaleString("en")}; all ${total.toLocaleString("en")} in ${(tookMs / 1_000).toFixed(1)} s, 10 of them until the leases ran out`,
  );
  const { calls, ...sums } = expectedLedger(ROWS_EACH);
  const stillInRedis = async (batch: string) => redis.xlen(batchKeys(batch).results);
  const found = [];
  for (const batch of batches) {
    const status = await states.status(batch);
    found.push({
      ...(await inspect(place, batch)),
      counted: [status?.done, status?.stored, status?.calls],
      left: await stillInRedis(batch),
    });
  }
  const expected = {
    rows: ROWS_EACH,
    isInOrder: true,
    distinctCalls: calls,
    calls,
    ...sums,
    counted: [ROWS_EACH, ROWS_EACH, calls],
    left: 0,
  };
  return {
    found: [...found, await liveTotals(redis)],
    expected: [
      ...batches.map(() => expected),
      {
        calls: batches.length * calls,
        duplicateCalls: batches.length * sums.duplicates,
        uncertainCalls: 0,
        costNanoUsd: batches.length * sums.costNanoUsd,
      },
    ],
  };
}

/** What Redis has counted over the fleet's life. */
async function liveTotals(redis: Redis) {
  const lines = Object.values(await redis.hgetall(totalsKeys.fleet)).map((text) => text.split(",").map(Number));
  const sum = (name: (typeof TOTAL_NAMES)[number]) => lines.reduce((all, numbers) => all + (numbers[TOTAL_NAMES.indexOf(name)] ?? 0), 0);
  return {
    calls: sum("calls"),
    duplicateCalls: sum("duplicateCalls"),
    uncertainCalls: sum("uncertainCalls"),
    costNanoUsd: sum("costNanoUsd"),
  };
}

/** The same, and the tables as others read them. */
async function playOnPostgres(recorders: 2 | 3) {
  postgres = await startTestPostgres();
  const url = await postgres.createDatabase();
  const { found, expected } = await play({ recorders, storeUrl: url });
  const tables = await query(
    url,
    `select (select count(*) from modelfleet.results)::integer as rows, (select count(distinct (batch, row)) from modelfleet.results)::integer as "distinctRows",
       count(*)::integer as calls, count(distinct call)::integer as "distinctCalls", sum(cost_nano_usd)::text as cost from modelfleet.ledger`,
  );
  const { calls, costNanoUsd } = expectedLedger(ROWS_EACH);
  const rows = BATCHES * ROWS_EACH;
  const wanted = { rows, distinctRows: rows, calls: BATCHES * calls, distinctCalls: BATCHES * calls, cost: String(BATCHES * costNanoUsd) };
  return { found: [...found, ...tables], expected: [...expected, wanted] };
}

describe("every result is stored once, and every call booked once, whatever becomes of a recorder", { timeout: 600_000 }, () => {
  it("on PostgreSQL: of two processes one is killed", async (test) => {
    if (missing !== undefined) return test.skip(missing);
    const { found, expected } = await playOnPostgres(2);
    expect(found).toEqual(expected);
  });

  it("on PostgreSQL: of three processes one is killed, and one halted for longer than its leases", async (test) => {
    if (missing !== undefined) return test.skip(missing);
    const { found, expected } = await playOnPostgres(3);
    expect(found).toEqual(expected);
  });

  it("on files: the only process is killed, and another started", async () => {
    const { found, expected } = await play({ recorders: 1, storeUrl: undefined });
    expect(found).toEqual(expected);
  });

  it("on files: of three processes of one machine one is killed, and one halted for longer than its leases", async () => {
    const { found, expected } = await play({ recorders: 3, storeUrl: undefined });
    expect(found).toEqual(expected);
  });
});
