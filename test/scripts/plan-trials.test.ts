import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { isPilotBatch, pilotBatch } from "../../scripts/pilot-batch.ts";
import { findTrials, readTrialBatches } from "../../scripts/plan-trials.ts";
import { BATCH_PATTERN, type ModelId } from "../../src/job/names.ts";
import type { Answer } from "../../src/job/outcome.ts";
import { createFileStore } from "../../src/results/files/file-store.ts";
import type { Store } from "../../src/results/store.ts";
import { failedCall, rowTrail, said, score, unfit, type MadeCall } from "../plan/row-trail.ts";
import { answered, failed, stored } from "../results/sample-results.ts";
import { taskSpec } from "../routing/specs.ts";
import { times } from "../plan/plan-specs.ts";

type Steps = readonly (readonly MadeCall[])[];

const TASK = taskSpec();

interface Kept {
  readonly sample?: string;
  readonly model?: ModelId;
  readonly rows?: number;
  /** Unix ms of the first answer. */
  readonly at?: number;
  readonly batch?: string;
  readonly steps?: (row: number) => Steps;
  readonly unpassed?: Answer;
}

describe("trials in the store", () => {
  let dir: string;
  let store: Store;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "modelfleet-trials-"));
    store = createFileStore({ dir });
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await store.stop();
    await rm(dir, { recursive: true, force: true });
  });

  const batchOf = (sample: string, model: ModelId) => pilotBatch(TASK, [sample], { allow: [model] });
  /** What one model said to a sample's rows. */
  const keep = async ({ sample = "x", model = "a/1", rows = 5, at = 5_000, steps = () => [[said(model)]], ...rest }: Kept) => {
    const batch = rest.batch ?? batchOf(sample, model);
    const results = times(rows, (row) => {
      const trail = rowTrail(row, ...steps(row));
      const isAnswered = trail.some(({ outcome, purpose }) => outcome === "answered" && purpose === "answer") && !rest.unpassed;
      const base = { batch, line: 1 + row, trail, finishedAt: at + row };
      return isAnswered
        ? answered(row, { ...base, model })
        : failed(row, { ...base, ...(rest.unpassed ? { unpassed: rest.unpassed } : {}) });
    });
    await store.append(batch, stored(results, at));
  };
  const modelsOf = async () => (await findTrials(store, TASK)).rows.map((row) => [...row.keys()].toSorted().join(" "));

  it("are known by the names that a pilot gives its batches", () => {
    expect(isPilotBatch(batchOf("x", "a/1"), TASK)).toBe(true);
    expect(isPilotBatch("pilot-classify-01234567-89abcdef", TASK)).toBe(true);
    expect(isPilotBatch("pilot-translate-01234567-89abcdef", TASK)).toBe(false);
    expect(isPilotBatch("pilot-classify-01234567-89abcdeg", TASK)).toBe(false);
    expect(isPilotBatch("pilot-classify-more-01234567-89abcdef", TASK)).toBe(false);
    expect(isPilotBatch("classify-0123456789abcdef", TASK)).toBe(false);
    const long = taskSpec({ name: "x".repeat(64) });
    expect(pilotBatch(long, ["x"], {})).toMatch(BATCH_PATTERN);
    expect(isPilotBatch(pilotBatch(long, ["x"], {}), long)).toBe(true);
  });

  it("of the same sample belong together, model by model", async () => {
    await keep({ model: "a/1", rows: 20 });
    await keep({ model: "b/2", rows: 20 });
    expect(await modelsOf()).toEqual(times(20, () => "a/1 b/2"));
  });

  it("of another file's rows don't, also where those stand in the same lines", async () => {
    await keep({ sample: "first", model: "b/2", rows: 120, at: 1_000 });
    await keep({ sample: "first", model: "a/1", rows: 120, at: 2_000 });
    await keep({ sample: "second", model: "a/1", rows: 120, at: 3_000 });
    expect(await modelsOf()).toEqual([...times(120, () => "a/1"), ...times(120, () => "a/1 b/2")]);
  });

  it("of the newest sample count, and older ones where it has few rows of one of their models", async () => {
    await keep({ sample: "large and old", rows: 300, at: 1_000 });
    await keep({ sample: "new", rows: 200, at: 10_000 });
    expect(await findTrials(store, TASK)).toMatchObject({ rows: { length: 200 }, at: 10_000 });
    await keep({ sample: "newest", rows: 4, at: 20_000 });
    expect(await findTrials(store, TASK)).toMatchObject({ rows: { length: 204 }, at: 20_000 });
    await keep({ sample: "another model's", model: "b/2", rows: 3, at: 500 });
    expect((await modelsOf()).filter((models) => models === "b/2")).toHaveLength(3);
  });

  it("are read newest first within so many rows, each model's first ones alike", async () => {
    for (const model of ["a/1", "b/2"] as const) {
      await keep({ sample: "old", model, rows: 30, at: 1_000 });
      await keep({ sample: "new", model, rows: 30, at: 2_000 });
    }
    const rowsWithin = async (mostRows: number) => (await findTrials(store, TASK, { mostRows })).rows;
    expect(await rowsWithin(40)).toHaveLength(20);
    expect((await rowsWithin(40)).every((row) => row.size === 2)).toBe(true);
    expect(await rowsWithin(80)).toHaveLength(30 + 10);
    expect(await findTrials(store, TASK)).toMatchObject({ rows: { length: 60 }, at: 2_000 });
  });

  it("are read as long as the patience lasts, and what was read until then counts", async () => {
    await keep({ sample: "old", rows: 8, at: 1_000 });
    await keep({ sample: "new", rows: 8, at: 2_000 });
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
    expect((await findTrials(slow, TASK, { patienceMs: 10_500 })).rows).toHaveLength(8 + 3);
  });

  it("under the names of earlier versions, which don't tell the sample, each count for themselves", async () => {
    await keep({ batch: "pilot-classify-0123456789abcdef", model: "a/1", rows: 3 });
    await keep({ batch: "pilot-classify-123456789abcdef0", model: "b/2", rows: 3 });
    expect((await modelsOf()).toSorted()).toEqual([...times(3, () => "a/1"), ...times(3, () => "b/2")]);
  });

  it("that were just asked are read whole, whatever the store has of others", async () => {
    await keep({ sample: "other", rows: 50, at: 9_000 });
    await keep({ model: "a/1", rows: 7 });
    await keep({ model: "b/2", rows: 7 });
    const { rows } = await readTrialBatches(store, TASK, [batchOf("x", "a/1"), batchOf("x", "b/2")]);
    expect(rows.map(({ size }) => size)).toEqual(times(7, () => 2));
  });

  it("hold answers, what was found wanting, and judgements; not rows whose model gave none", async () => {
    await keep({
      rows: 4,
      steps: (row) => {
        if (row === 0) return [[said("a/1")], [score("c/judge", 8)]];
        if (row === 1) return [[unfit("a/1")]];
        if (row === 2) return [[failedCall("a/1")]];
        return [[failedCall("a/1"), said("a/1")]];
      },
    });
    const { rows } = await findTrials(store, TASK);
    const found = rows.map((row) => row.get("a/1")!);
    expect(found.map(({ call }) => call.outcome)).toEqual(["answered", "unfit", "answered"]);
    expect(found.map(({ answer }) => answer !== undefined)).toEqual([true, false, true]);
    expect(found[0]!.judged).toHaveLength(1);
  });

  it("hold what a judge did not let pass", async () => {
    const unpassed: Answer = { text: "so so", finish: { unified: "stop", raw: null } };
    await keep({ rows: 1, steps: () => [[said("a/1")], [score("c/judge", 3)]], unpassed });
    const { rows } = await findTrials(store, TASK);
    expect(rows[0]!.get("a/1")).toMatchObject({ answer: unpassed, judged: [{ reason: "3 of 10: so it is" }] });
  });

  it("are none of another task, and none in an empty store", async () => {
    expect(await findTrials(store, TASK)).toMatchObject({ rows: [] });
    await keep({});
    expect(await findTrials(store, taskSpec({ name: "translate" }))).toMatchObject({ rows: [] });
  });
});
