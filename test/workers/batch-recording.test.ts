// The live totals and a batch's own counts against the store's ledger: whatever comes, in whatever parts, and wherever recorders are cut off or overtaken.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import type { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { addTotals, NO_TOTALS, totalsOfEntry, type CallTotals } from "../../src/cost/call-totals.ts";
import { createLiveTotals, readDayTotals, readFleetCounters, type CombinationTotals } from "../../src/cost/redis-live-totals.ts";
import { dayOf } from "../../src/job/day.ts";
import type { LedgerEntry } from "../../src/job/ledger.ts";
import type { TrailEntry } from "../../src/job/trail.ts";
import { createFileStore } from "../../src/results/files/file-store.ts";
import { createPostgresStore } from "../../src/results/postgres/postgres-store.ts";
import type { Store } from "../../src/results/store.ts";
import { batchKeys, totalsKeys } from "../../src/runtime/keys.ts";
import { createBatchStates } from "../../queues/batch-state.ts";
import { createResultStream } from "../../queues/result-stream.ts";
import { createBatchRecording } from "../../workers/batch-recording.ts";
import { answered, collect, trailEntry } from "../results/sample-results.ts";
import { startTestPostgres, whyNoPostgres, type TestPostgres } from "../support/postgres.ts";
import { startTestRedis, type TestRedis } from "../support/redis.ts";

const BATCH = "b";
const DAYS = [Date.now() - 2 * 86_400_000, Date.now()] as const;

let server: TestRedis;
let redis: Redis;
let dir: string;
let opened: Store[];

beforeAll(async () => {
  server = await startTestRedis();
  redis = server.client();
});
afterAll(() => server.stop());
beforeEach(() => begin());
afterEach(() => end());

async function begin(): Promise<void> {
  await redis.flushdb();
  await createBatchStates(redis).make(BATCH, "classify", "{}");
  dir = await mkdtemp(join(tmpdir(), "modelfleet-recording-"));
  opened = [];
}

async function end(): Promise<void> {
  await Promise.all(opened.map((store) => store.stop()));
  await rm(dir, { recursive: true });
}

/** A result in the stream, as the record script puts it there. */
async function push({
  isExtra = false,
  ...result
}: Parameters<typeof answered>[1] & { readonly row?: number; readonly isExtra?: boolean }) {
  const json = JSON.stringify(answered(result.row ?? 0, { ...result, batch: BATCH }));
  if (isExtra) await redis.xadd(batchKeys(BATCH).results, "*", "x", json);
  else await redis.xadd(batchKeys(BATCH).results, "*", "r", json, "b", "10");
}

function call(row: number, n: number, changes: Partial<TrailEntry> = {}): TrailEntry {
  return trailEntry({ call: `b.${row}.0.0.${n}`, startedAt: DAYS[1], ...changes });
}

class Killed extends Error {}

/** `reach`: called before and after everything a recorder asks of Redis and the store; what it throws ends the recorder there. */
interface Way {
  reach(point: string): Promise<void>;
  /** An append of which only so many entries are on the disk when its process is killed. */
  readonly tornAt?: number;
}

const STRAIGHT: Way = { reach: async () => {} };

function recorder(way: Way = STRAIGHT, { token = "a", readCount = 1_000, openStore = () => createFileStore({ dir }) } = {}) {
  const store = openStore();
  opened.push(store);
  const stream = createResultStream(redis, token);
  const watched = <Part extends object>(part: Part): Part =>
    new Proxy(part, {
      get(target, name) {
        const own = Reflect.get(target, name) as unknown;
        if (typeof own !== "function") return own;
        return async (...args: unknown[]) => {
          await way.reach(`before ${String(name)}`);
          if (name === "append" && way.tornAt !== undefined) {
            const [batch, entries] = args as Parameters<Store["append"]>;
            await store.append(batch, entries.slice(0, way.tornAt));
            throw new Killed();
          }
          const reply = await (own as (...args: unknown[]) => Promise<unknown>).apply(target, args);
          await way.reach(`after ${String(name)}`);
          return reply;
        };
      },
    });
  const parts = { stream: watched(stream), store: watched(store), totals: watched(createLiveTotals(redis)), readCount };
  const recording = createBatchRecording(parts, BATCH);
  return {
    store,
    next: () => recording.next(),
    /** Whoever had the lease has lost it without knowing. */
    async seize() {
      await redis.del(batchKeys(BATCH).recorder);
      expect(await stream.lease(BATCH, 60_000)).toBe(true);
    },
  };
}

/** Records what there is to the end, as a recorder that nothing befalls; answers with its store. */
async function drain(openStore?: () => Store): Promise<Store> {
  const last = recorder(STRAIGHT, { token: "the last", ...(openStore ? { openStore } : {}) });
  await last.seize();
  for (;;) {
    const { entries, state } = await last.next();
    expect(state).not.toBe("lost");
    if (entries === 0) return last.store;
  }
}

/** What no store's text can hold is counted under another character. */
const combinationOf = ({ task, model, tenant, tags }: Pick<CombinationTotals, "task" | "model" | "tenant"> & { readonly tags?: object }) =>
  JSON.stringify([task, model, tenant, Object.entries(tags ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1))]).replaceAll(
    /\\u0000|\\ud800/g,
    "\uFFFD",
  );
const justTotals = ({ task: _t, model: _m, tenant: _n, tags: _g, mixed: _x, ...totals }: CombinationTotals): CallTotals => totals;

function sumBy(entries: readonly LedgerEntry[], placeOf: (entry: LedgerEntry) => string): Map<string, CallTotals> {
  const sums = new Map<string, CallTotals>();
  for (const entry of entries) sums.set(placeOf(entry), addTotals(sums.get(placeOf(entry)) ?? NO_TOTALS, totalsOfEntry(entry)));
  return sums;
}

/** Everything that was counted, beside what the store's ledger says. */
async function expectBooksAgree(store: Store): Promise<void> {
  const ledger = await collect(store.ledger(BATCH));
  const days = await readDayTotals(redis, DAYS.map(dayOf));
  const counted = days.flatMap(({ day, combinations }) =>
    combinations.map((each) => [day + combinationOf(each), justTotals(each)] as const),
  );
  const nothing = JSON.stringify(NO_TOTALS);
  const some = counted.filter(([, totals]) => JSON.stringify(totals) !== nothing);
  expect(new Map(some)).toEqual(sumBy(ledger, (entry) => dayOf(entry.at) + combinationOf(entry)));

  const all = [...sumBy(ledger, () => "").values()][0] ?? NO_TOTALS;
  const { calls, duplicateCalls, inputTokens, outputTokens, costNanoUsd } = all;
  const status = (await createBatchStates(redis).status(BATCH))!;
  expect(status).toMatchObject({ calls, duplicateCalls, inputTokens, outputTokens, costNanoUsd });
  const meta = await redis.hgetall(batchKeys(BATCH).meta);
  for (const [model, totals] of sumBy(ledger, (entry) => entry.model)) {
    expect([Number(meta[`model:${model}:calls`] ?? 0), Number(meta[`model:${model}:costNanoUsd`] ?? 0)]).toEqual([
      totals.calls,
      totals.costNanoUsd,
    ]);
  }
  const fleet = Object.values(await redis.hgetall(totalsKeys.fleet)).map((sums) => sums.split(",").map(Number));
  expect([0, 8].map((i) => fleet.reduce((sum, each) => sum + each[i]!, 0))).toEqual([calls, costNanoUsd]);
  const most = (await readFleetCounters(redis)).reduce((sum, each) => addTotals(sum, justTotals(each)), NO_TOTALS);
  for (const [name, total] of Object.entries(all)) expect([name, most[name as keyof CallTotals] >= total]).toEqual([name, true]);
  // Nothing is left that would be taken for the next time's.
  expect(await redis.xlen(batchKeys(BATCH).results)).toBe(0);
  expect(await redis.exists(batchKeys(BATCH).announced)).toBe(0);
}

describe("what is counted of a batch", () => {
  it("is what its ledger says: calls of refused results once, an exact entry in place of the uncertain one, whichever came first", async () => {
    await push({ row: 0, trail: [call(0, 1, { outcome: "uncertain", costNanoUsd: 99 })] });
    await push({ row: 1, isExtra: true, trail: [call(1, 1, { outcome: "transient" })] });
    await expectBooksAgree(await drain());
    // The calls of the row's own result were counted with the refused one already; that of row 0 was only estimated, and on another day.
    await push({ row: 1, trail: [call(1, 1, { outcome: "transient" }), call(1, 2)] });
    await push({ row: 0, isExtra: true, trail: [call(0, 1, { costNanoUsd: 42, startedAt: DAYS[0] }), call(0, 2)] });
    const store = await drain();
    await expectBooksAgree(store);
    // The call of row 0 that was only estimated was asked again.
    expect(await createBatchStates(redis).status(BATCH)).toMatchObject({ calls: 4, duplicateCalls: 2, costNanoUsd: 42 + 3 * 1_234_567 });
  });

  it("knows calls of rows that were stored long before, more than anybody would remember", async () => {
    const rows = 25_000;
    for (let row = 0; row < rows; row += 5_000) {
      const pipeline = redis.pipeline();
      for (let i = row; i < row + 5_000; i++) {
        const trail = [call(i, 1, i % 1_000 === 0 ? { outcome: "uncertain", costNanoUsd: 5_000_000 } : {})];
        pipeline.xadd(batchKeys(BATCH).results, "*", "r", JSON.stringify(answered(i, { batch: BATCH, trail })), "b", "1");
      }
      await pipeline.exec();
      await drain();
    }
    for (let row = 0; row < rows; row += 1_000) await push({ row, isExtra: true, trail: [call(row, 1), call(row, 2)] });
    await expectBooksAgree(await drain());
    expect(await createBatchStates(redis).status(BATCH)).toMatchObject({ calls: rows + 25, costNanoUsd: (rows + 25) * 1_234_567 });
  });

  it("goes on to be counted when a batch is over, and leaves nothing behind that doesn't expire with it", async () => {
    await push({ row: 0, trail: [call(0, 1)] });
    await redis.hset(batchKeys(BATCH).meta, { state: "finalizing", total: 1 });
    await drain();
    await push({ row: 0, isExtra: true, trail: [call(0, 1), call(0, 2)] });
    await expectBooksAgree(await drain());
    await redis.del(batchKeys(BATCH).recorder);
    const left = await redis.keys("*{batch.*");
    expect(left.length).toBeGreaterThan(1);
    for (const key of left) expect([key, await redis.pttl(key)]).toEqual([key, expect.toSatisfy((ms: number) => ms > 0)]);
  });
});

describe("a recorder that is killed", () => {
  /** A row with an estimate is stored; what comes then replaces it, repeats it, and is new. */
  const prepare = async () => {
    await push({ row: 0, trail: [call(0, 1, { outcome: "uncertain", costNanoUsd: 99 })] });
    await drain();
    await push({ row: 1, trail: [call(1, 1)] });
    await push({ row: 0, isExtra: true, trail: [call(0, 1, { costNanoUsd: 42 }), call(0, 2)] });
    await push({ row: 1, isExtra: true, trail: [call(1, 1), call(1, 2)] });
  };

  it("at any point between reading and counting leaves the books right for the next, also when more has come", async () => {
    const points: string[] = [];
    await prepare();
    const whole = recorder({ reach: async (point) => void points.push(point) });
    await whole.seize();
    await whole.next();
    expect(points.filter((point) => point.startsWith("after"))).toEqual(
      ["read", "ledgerOf", "announce", "append", "watermark", "count", "stored"].map((each) => `after ${each}`),
    );
    for (const fatal of points) {
      await end();
      await begin();
      await prepare();
      const killed = recorder({
        reach: async (point) => {
          if (point === fatal) throw new Killed();
        },
      });
      await killed.seize();
      await expect(killed.next()).rejects.toThrow(Killed);
      await push({ row: 1, isExtra: true, trail: [call(1, 2), call(1, 3)] });
      await push({ row: 2, trail: [call(2, 1)] });
      await expectBooksAgree(await drain());
      expect([fatal, (await createBatchStates(redis).status(BATCH))?.calls]).toEqual([fatal, 6]);
    }
  });

  it("in the middle of an append leaves the books right for the next", async () => {
    for (const tornAt of [0, 1, 2]) {
      await end();
      await begin();
      await prepare();
      const killed = recorder({ ...STRAIGHT, tornAt });
      await killed.seize();
      await expect(killed.next()).rejects.toThrow(Killed);
      await push({ row: 1, isExtra: true, trail: [call(1, 2), call(1, 3)] });
      await expectBooksAgree(await drain());
    }
  });
});

describe("a recorder that has lost its lease without knowing", () => {
  it("counts what it has read, and the one that has read more counts the rest", async () => {
    let wake = () => {};
    const asleep = new Promise<void>((resolve) => (wake = resolve));
    let isAsleep = () => {};
    const fellAsleep = new Promise<void>((resolve) => (isAsleep = resolve));
    await push({ row: 0, trail: [call(0, 1)] });
    const slow = recorder(
      {
        async reach(point) {
          if (point !== "before count") return;
          isAsleep();
          await asleep;
        },
      },
      { token: "slow" },
    );
    await slow.seize();
    const slept = slow.next();
    await fellAsleep;

    await push({ row: 1, trail: [call(1, 1)] });
    const quick = recorder(
      {
        async reach(point) {
          if (point !== "before count") return;
          wake();
          expect((await slept).state).toBe("lost");
        },
      },
      { token: "quick" },
    );
    await quick.seize();
    expect(await quick.next()).toMatchObject({ entries: 2, state: "open" });
    await expectBooksAgree(await drain());
  });
});

/** A recorder whose every step can be held up, as by a process that sleeps; `go` lets it do so many more. */
function heldRecorder(options: { readonly token: string; readonly readCount: number; readonly openStore: () => Store }) {
  let allowed = 0;
  let isKilled = false;
  let wake = () => {};
  const self = recorder(
    {
      async reach() {
        while (allowed <= 0 && !isKilled) await new Promise<void>((resolve) => (wake = resolve));
        if (isKilled) throw new Killed();
        allowed--;
      },
    },
    options,
  );
  let running: Promise<unknown> | undefined;
  let isIdle = true;
  const start = async (isLeased: boolean) => {
    isIdle = false;
    if (isLeased) await self.seize();
    running = self
      .next()
      .catch((error: unknown) => {
        if (!(error instanceof Killed)) throw error;
      })
      .finally(() => (isIdle = true));
  };
  return {
    /** `isLeased`: it takes the lease before it begins; else it believes that it has it. */
    async go(steps: number, isLeased: boolean) {
      if (isIdle) await start(isLeased);
      allowed += steps;
      wake();
      // Until it is held up again, or done.
      while (!isIdle && allowed > 0) await new Promise((resolve) => setImmediate(resolve));
    },
    /** With `allowed` steps more than it can need. */
    async finish() {
      allowed += 1_000;
      wake();
      await running;
      allowed = 0;
    },
    async kill() {
      isKilled = true;
      wake();
      await running;
    },
  };
}

const someCall = fc.record({
  n: fc.nat(3),
  isUncertain: fc.boolean(),
  costNanoUsd: fc.nat(1_000),
  day: fc.constantFrom(...DAYS),
  model: fc.constantFrom("acme/small" as const, "acme/large" as const),
  tokens: fc.nat(50),
});
const someResult = fc.record({
  row: fc.nat(3),
  isExtra: fc.boolean(),
  tenant: fc.constantFrom(undefined, "t"),
  tags: fc.constantFrom<Readonly<Record<string, string>> | undefined>(
    undefined,
    { team: "x" },
    { team: "x", source: "mail" },
    { source: "mail", team: "x" },
    { odd: "nul \0, half \ud800" },
  ),
  trail: fc.array(someCall, { maxLength: 3 }),
});
const someStep = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("push" as const), results: fc.array(someResult, { minLength: 1, maxLength: 6 }) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("go" as const),
      who: fc.nat(2),
      steps: fc.integer({ min: 1, max: 18 }),
      isLeased: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("kill" as const), who: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("finish" as const), who: fc.nat(2) }) },
);

/** Three recorders, each held up, overtaken and killed wherever it may be, over whatever results; then one that is left in peace. */
async function play(steps: readonly (typeof someStep extends fc.Arbitrary<infer Step> ? Step : never)[], openStore: () => Store) {
  const rounds = new Map<number, number>();
  let started = 0;
  const start = (who: number) => heldRecorder({ token: `${who}.${started++}`, readCount: [2, 5, 1_000][who]!, openStore });
  const recorders = [0, 1, 2].map(start);
  for (const step of steps) {
    switch (step.kind) {
      case "push":
        for (const { row, isExtra, trail, tags, tenant } of step.results) {
          // A row has one recorded result a round.
          const round = rounds.get(row) ?? 0;
          if (!isExtra) rounds.set(row, round + 1);
          const calls = trail.map(({ n, isUncertain, costNanoUsd, day, model, tokens }) =>
            call(row, n, {
              outcome: isUncertain ? "uncertain" : "answered",
              costNanoUsd,
              startedAt: day,
              model,
              usage: {
                inputTokens: tokens,
                cachedInputTokens: tokens >> 1,
                cacheWriteTokens: 0,
                outputTokens: 3 * tokens,
                reasoningTokens: 0,
              },
            }),
          );
          await push({ row, round, isExtra, trail: calls, ...(tags ? { tags } : {}), ...(tenant === undefined ? {} : { tenant }) });
        }
        break;
      case "go":
        await recorders[step.who]!.go(step.steps, step.isLeased);
        break;
      case "finish":
        await recorders[step.who]!.finish();
        break;
      case "kill":
        await recorders[step.who]!.kill();
        recorders[step.who] = start(step.who);
    }
  }
  // Those that are still held up wake when another has gone on, and after.
  await recorders[0]!.finish();
  const store = await drain(openStore);
  await recorders[1]!.finish();
  await recorders[2]!.kill();
  await drain(openStore);
  return store;
}

const missing = await whyNoPostgres();

describe("whatever results come, and wherever three recorders are held up, overtaken and killed", () => {
  const agree = (openStore: () => Store | Promise<Store>, numRuns: number) =>
    fc.assert(
      fc.asyncProperty(fc.array(someStep, { minLength: 3, maxLength: 24, size: "max" }), async (steps) => {
        await end();
        await begin();
        const first = await openStore();
        opened.push(first);
        await expectBooksAgree(await play(steps, () => (first.place === dir ? createFileStore({ dir }) : first)));
      }),
      { numRuns },
    );

  it("all that is counted is what the ledger says, with files", async () => {
    await expect(agree(() => createFileStore({ dir }), 250)).resolves.toBeUndefined();
  }, 120_000);

  describe.skipIf(missing)(missing ?? "", () => {
    let postgres: TestPostgres;
    beforeAll(async () => {
      postgres = await startTestPostgres();
    });
    afterAll(() => postgres.stop());

    it("all that is counted is what the ledger says, with PostgreSQL", async () => {
      const open = async () => createPostgresStore({ url: await postgres.createDatabase() });
      await expect(agree(open, 40)).resolves.toBeUndefined();
    }, 120_000);
  });
});

it("the watermark of a batch goes when its results have gone", async () => {
  await push({ row: 0, trail: [call(0, 1)] });
  await drain();
  expect(Object.keys(await redis.hgetall(totalsKeys.watermarks))).toEqual([BATCH]);
  await createLiveTotals(redis).forget(BATCH);
  expect(await redis.exists(totalsKeys.watermarks)).toBe(0);
});
