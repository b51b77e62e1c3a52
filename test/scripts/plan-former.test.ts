import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { readFormerRuns } from "../../scripts/plan-former.ts";
import { likeRuns, togetherOf, type FormerRun } from "../../src/plan/former-run.ts";
import type { Result } from "../../src/job/result.ts";
import { countRow, newFormerRows } from "../../src/plan/former-rows.ts";
import { createFileStore } from "../../src/results/files/file-store.ts";
import { createPostgresStore } from "../../src/results/postgres/postgres-store.ts";
import type { Store } from "../../src/results/store.ts";
import { rowTrail, said, usage } from "../plan/row-trail.ts";
import { answered, failed, stored } from "../results/sample-results.ts";
import { startTestPostgres, whyNoPostgres, type TestPostgres } from "../support/postgres.ts";
import { times } from "../plan/plan-specs.ts";

const TASK = { name: "classify" };
const missingPostgres = await whyNoPostgres();

/** A batch's rows: one call each. `at`: unix ms of the last result. */
function rowsOf(batch: string, count: number, at: number, changes: Partial<Result> = {}): readonly Result[] {
  return times(count, (row) => {
    const trail = rowTrail(row, [said("a/1", { usage: usage(100, 20) })]);
    return { ...answered(row, { batch, model: "a/1", trail, finishedAt: at - count + 1 + row }), ...changes } as Result;
  });
}

/** Stream ids hold the time at which a result was recorded. */
async function append(store: Store, results: readonly Result[]): Promise<void> {
  await store.append(results[0]!.batch, stored(results, results.at(-1)!.finishedAt - results.length + 1));
}

interface Place {
  open(): Promise<Store>;
  remove(): Promise<void>;
}

/** Each store in a place of its own. */
function formerRunsOf(name: string, newPlace: () => Promise<Place>): void {
  describe(`former runs in a store of ${name}`, () => {
    let place: Place;
    let store: Store;
    beforeEach(async () => {
      place = await newPlace();
      store = await place.open();
    });
    afterEach(async () => {
      vi.restoreAllMocks();
      await store.stop();
      await place.remove();
    });
    const read = async (limits?: Parameters<typeof readFormerRuns>[2]) => {
      const runs = await readFormerRuns(store, TASK, limits);
      return runs.map(({ batch, former }) => `${batch}: ${former.rows}`);
    };

    it("are read newest first, with when they ended and the pace of their calls", async () => {
      await append(store, rowsOf("z-old", 3, 1_000_000));
      await append(store, rowsOf("newest", 5, 3_000_000));
      await append(store, rowsOf("a-middle", 4, 2_000_000));
      expect(await read()).toEqual(["newest: 5", "a-middle: 4", "z-old: 3"]);
      const [newest] = await readFormerRuns(store, TASK);
      expect(newest).toMatchObject({ at: 3_000_000 });
      expect(newest!.taken.get("a/1")).toEqual({ taken: times(5, () => 1_000), refused: [] });
      expect(newest!.former.ways.get("a/1")).toMatchObject({ rows: 5, done: 5 });
    });

    it("are not those of other tasks, nor trials, nor batches in which no row was ever answered", async () => {
      await append(store, rowsOf("other", 5, 3_000_000, { task: "translate" }));
      await append(store, rowsOf("pilot-classify-0123456789abcdef", 5, 3_000_000));
      await append(
        store,
        times(3, (row) => failed(row, { batch: "down", finishedAt: 3_000_000 + row })),
      );
      await append(store, rowsOf("pilot-classify-it", 2, 1_000_000));
      expect(await read()).toEqual(["pilot-classify-it: 2"]);
    });

    it("are bounded: so many rows, of the newest first, and of a large batch its first", async () => {
      await append(store, rowsOf("new", 30, 2_000_000));
      await append(store, rowsOf("old", 30, 1_000_000));
      expect(await read({ mostRows: 40 })).toEqual(["new: 30", "old: 10"]);
      expect(await read({ mostRows: 30 })).toEqual(["new: 30"]);
      expect(await read({ mostRows: 20 })).toEqual(["new: 20"]);
    });

    it("are read as long as the patience lasts, and what was read until then counts", async () => {
      await append(store, rowsOf("new", 8, 2_000_000));
      await append(store, rowsOf("old", 8, 1_000_000));
      let now = 0;
      vi.spyOn(performance, "now").mockImplementation(() => now);
      const slow: Store = {
        ...store,
        async *read(batch) {
          for await (const result of store.read(batch)) {
            now += 1_000;
            yield result;
          }
        },
      };
      const runs = await readFormerRuns(slow, TASK, { patienceMs: 10_500 });
      expect(runs.map(({ batch, former }) => `${batch}: ${former.rows}`)).toEqual(["new: 8", "old: 3"]);
    });

    it("are in order however many there are", async () => {
      const batches = times(40, (i) => `b${(i * 7) % 40}`);
      for (const [i, batch] of batches.entries()) await append(store, rowsOf(batch, 1, 1_000_000 + i));
      expect(await read()).toEqual(batches.toReversed().map((batch) => `${batch}: 1`));
    });

    it("are none in an empty store", async () => {
      expect(await read()).toEqual([]);
    });
  });
}

formerRunsOf("files", async () => {
  const dir = await mkdtemp(join(tmpdir(), "modelfleet-former-"));
  return { open: async () => createFileStore({ dir }), remove: () => rm(dir, { recursive: true, force: true }) };
});

describe.skipIf(missingPostgres)(missingPostgres ?? "with a PostgreSQL", () => {
  let postgres: TestPostgres;
  beforeAll(async () => {
    postgres = await startTestPostgres();
  });
  afterAll(() => postgres?.stop());
  formerRunsOf("PostgreSQL", async () => {
    const url = await postgres.createDatabase();
    return { open: async () => createPostgresStore({ url }), remove: async () => {} };
  });
});

/** A run whose rows have so many tokens by our count; undefined: that was not kept. */
function runOf(batch: string, rows: number, ours: number | undefined): FormerRun {
  const former = newFormerRows();
  const counted = ours === undefined ? {} : { estimatedInputTokens: ours };
  for (const row of times(rows, (i) => i)) {
    countRow(former, answered(row, { model: "a/1", trail: rowTrail(row, [said("a/1", { usage: usage(80, 20), ...counted })]) }));
  }
  return { batch, at: 0, former, taken: new Map() };
}

describe("former runs that a plan goes by", () => {
  const names = (runs: readonly FormerRun[], inputTokens: number) => likeRuns(runs, () => inputTokens).map(({ batch }) => batch);
  const short = runOf("short", 60, 100);
  const long = runOf("long", 60, 400);

  it("are those whose rows are about as long as the file's", () => {
    expect(names([short, long], 110)).toEqual(["short"]);
    expect(names([short, long], 380)).toEqual(["long"]);
    expect(names([short, runOf("shorter", 60, 90)], 100)).toEqual(["short", "shorter"]);
  });

  it("are all of them where too few rows are as long", () => {
    expect(names([short, long], 200)).toEqual(["short", "long"]);
    expect(names([runOf("short", 40, 100), long], 100)).toEqual(["short", "long"]);
    expect(names([runOf("short", 40, 100), runOf("also short", 40, 105), long], 100)).toEqual(["short", "also short"]);
  });

  it("hold those of which our count was not kept", () => {
    expect(names([runOf("before", 60, undefined), long], 100)).toEqual(["before"]);
  });

  it("come together as one", () => {
    const all = togetherOf([short, long]);
    expect(all.rows).toBe(120);
    expect(all.ways.get("a/1")).toMatchObject({ rows: 120, answered: 120 });
    expect(all.ways.get("a/1")!.models.get("a/1")!.counts).toMatchObject({ calls: 120, ours: 60 * 500 });
    expect(short.former.rows).toBe(60);
  });
});
