// What a report adds up to: groups against the whole, uses against the cost, and against sums made another way.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ledgerEntries, mergeLedgerEntries, type LedgerEntry } from "../../src/job/ledger.ts";
import type { ModelId } from "../../src/job/names.ts";
import type { Result } from "../../src/job/result.ts";
import type { TrailEntry } from "../../src/job/trail.ts";
import { NO_USAGE } from "../../src/job/usage.ts";
import { DIMENSION_NAMES, parseDimension, type Dimension } from "../../src/report/dimension.ts";
import { wastedNanoUsd, type Figures } from "../../src/report/figures.ts";
import { createSpendingReport, type ReportOptions, type ReportSource } from "../../src/report/spending-report.ts";
import { MONEY_USES } from "../../src/report/money-uses.ts";
import { answered, collect, failed, streamOf, trailEntry } from "../results/sample-results.ts";

/** A store in memory. `former`: results of rounds before the last; `extras`: results that were refused. */
function sourceOf(
  results: readonly Result[],
  { former = [], extras = [] }: { former?: readonly Result[]; extras?: readonly Result[] } = {},
): ReportSource {
  const calls = new Map<string, LedgerEntry>();
  for (const [result, isExtra] of [
    ...former.map((each) => [each, false] as const),
    ...results.map((each) => [each, false] as const),
    ...extras.map((each) => [each, true] as const),
  ]) {
    for (const entry of ledgerEntries(result, isExtra)) {
      const known = calls.get(entry.call);
      calls.set(entry.call, known ? mergeLedgerEntries(known, entry) : entry);
    }
  }
  return {
    read: (batch) => streamOf(results.filter((result) => result.batch === batch)),
    ledger: (batch) => streamOf([...calls.values()].filter((entry) => entry.batch === batch)),
  };
}

function dimensions(...names: string[]): readonly Dimension[] {
  return names.map((name) => {
    const dimension = parseDimension(name);
    if (!dimension) throw new Error(`${name} is no dimension`);
    return dimension;
  });
}

function reportOn(results: readonly Result[], options: Partial<ReportOptions> = {}, others = {}) {
  return createSpendingReport(sourceOf(results, others), ["b"], { by: [], ...options });
}

const MODELS: readonly ModelId[] = ["a/one", "a/two", "b/three"];
const DAY_MS = 86_400_000;

const trailArbitrary = fc.array(
  fc.record({
    model: fc.constantFrom(...MODELS),
    purpose: fc.constantFrom<TrailEntry["purpose"]>("answer", "judge", "agree", "repair", "analyse"),
    outcome: fc.constantFrom<TrailEntry["outcome"]>("answered", "unfit", "transient", "throttled", "refused", "uncertain"),
    startedAt: fc.nat(4 * DAY_MS),
    latencyMs: fc.nat(60_000),
    usage: fc.record({
      inputTokens: fc.nat(1_000),
      cachedInputTokens: fc.nat(100),
      cacheWriteTokens: fc.nat(100),
      outputTokens: fc.nat(1_000),
      reasoningTokens: fc.nat(100),
    }),
    costNanoUsd: fc.nat(1e9),
    isUntold: fc.boolean(),
  }),
  { maxLength: 5 },
);

const resultsArbitrary = fc.array(
  fc.record({
    trail: trailArbitrary,
    isAnswered: fc.boolean(),
    model: fc.constantFrom(...MODELS),
    task: fc.constantFrom("t", "u"),
    tags: fc.option(fc.dictionary(fc.constantFrom("team", "__proto__", "constructor"), fc.constantFrom("x", "y")), { nil: undefined }),
    tenant: fc.option(fc.constantFrom("n", "s"), { nil: undefined }),
    finishedAt: fc.nat(4 * DAY_MS),
    reroutes: fc.nat(3),
    isExtra: fc.boolean(),
  }),
  { maxLength: 25 },
);

/** Rows of the last round, and refused seconds of some. */
const storeArbitrary = resultsArbitrary.map((rows) => {
  const results = rows.map(({ trail, isAnswered, model, tags, tenant, task, finishedAt, reroutes }, row): Result => {
    const terms = { task, finishedAt, reroutes, ...(tags ? { tags } : {}), ...(tenant === undefined ? {} : { tenant }) };
    const calls = trail.map(({ isUntold, ...entry }, i) =>
      trailEntry({ ...entry, call: `b.${row}.0.0.${i}`, ...(isUntold ? { isEstimated: true } : {}) }),
    );
    return isAnswered ? answered(row, { ...terms, model, trail: calls }) : failed(row, { ...terms, trail: calls });
  });
  const extras = results
    .filter((_, row) => rows[row]?.isExtra)
    .map((result) => ({ ...result, trail: result.trail.map((entry) => ({ ...entry, call: `${entry.call}x` })) }));
  return { results, extras };
});

/** The sums of a set of figures, as a plain list. */
function sums({
  jobs,
  answered: done,
  failed: undone,
  reroutes,
  calls,
  usage,
  costNanoUsd,
  unpricedCalls,
  estimated,
  spent,
  checks,
  baseline,
}: Figures): readonly number[] {
  return [
    jobs,
    done,
    undone,
    reroutes,
    calls,
    costNanoUsd,
    unpricedCalls,
    estimated.calls,
    estimated.costNanoUsd,
    checks.answers,
    checks.passed,
    ...Object.values(usage),
    ...MONEY_USES.flatMap((use) => [spent[use].calls, spent[use].costNanoUsd]),
    ...(baseline ? [baseline.costNanoUsd, baseline.savedNanoUsd ?? Number.NaN] : []),
  ];
}

describe("a report", () => {
  it("adds up: the parts of any groups to the whole, the uses to what was spent", async () => {
    const by = fc.uniqueArray(fc.constantFrom("task", "model", "provider", "tenant", "day", "tag:team", "tag:__proto__"), {
      minLength: 1,
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(storeArbitrary, by, fc.nat(4 * DAY_MS), fc.nat(4 * DAY_MS), async ({ results, extras }, names, since, lengthMs) => {
        const period = { since, until: since + lengthMs };
        for (const limits of [{}, period]) {
          const baseline = {
            model: MODELS[0]!,
            costNanoUsd: ({ inputTokens, outputTokens }: typeof NO_USAGE) => 3 * inputTokens + 7 * outputTokens,
          };
          const { total, divisions } = await reportOn(results, { by: [dimensions(...names)], baseline, ...limits }, { extras });
          const groups = divisions[0]!.groups;
          const added = groups.map(sums).reduce(
            (sum, each) => sum.map((value, i) => value + each[i]!),
            sums(total).map(() => 0),
          );
          expect(added).toEqual(sums(total));
          expect(MONEY_USES.reduce((sum, use) => sum + total.spent[use].costNanoUsd, 0)).toBe(total.costNanoUsd);
          expect(new Set(groups.map(({ values }) => JSON.stringify(values))).size).toBe(groups.length);
          for (const figures of [total, ...groups])
            expect(sums({ ...figures, baseline: undefined }).every((value) => Number.isSafeInteger(value) && value >= 0)).toBe(true);
        }
      }),
    );
  });

  it("counts what the trails hold, refused seconds included, when it is added up another way", async () => {
    await fc.assert(
      fc.asyncProperty(storeArbitrary, async ({ results, extras }) => {
        const { total } = await reportOn(results, {}, { extras });
        const trails = [...results, ...extras].flatMap(({ trail }) => trail);
        expect(total.calls).toBe(trails.length);
        expect(total.costNanoUsd).toBe(trails.reduce((sum, { costNanoUsd }) => sum + costNanoUsd, 0));
        expect(total.usage.outputTokens).toBe(trails.reduce((sum, { usage }) => sum + usage.outputTokens, 0));
        expect(total.spent.duplicates.calls).toBe(extras.reduce((sum, { trail }) => sum + trail.length, 0));
        expect(total.answered).toBe(results.filter(({ status }) => status === "answered").length);
      }),
    );
  });

  it("is never negative and still adds up where results or calls are gone, whichever", async () => {
    await fc.assert(
      fc.asyncProperty(storeArbitrary, fc.infiniteStream(fc.boolean()), async ({ results, extras }, isKept) => {
        const whole = sourceOf(results, { extras });
        const entries = await collect(whole.ledger("b"));
        const left: ReportSource = {
          read: () => streamOf(results.filter(() => isKept.next().value)),
          ledger: () => streamOf(entries.filter(() => isKept.next().value)),
        };
        const { total, divisions } = await createSpendingReport(left, ["b"], { by: [dimensions("model", "day")] });
        for (const figures of [total, ...divisions[0]!.groups]) expect(sums(figures).every((value) => value >= 0)).toBe(true);
        const added = divisions[0]!.groups.map(sums).reduce(
          (sum, each) => sum.map((value, i) => value + each[i]!),
          sums(total).map(() => 0),
        );
        expect(added).toEqual(sums(total));
      }),
    );
  });

  it("doesn't call failures what it can't divide, for the results are gone", async () => {
    const results = Array.from({ length: 4 }, (_, row) =>
      answered(row, {
        trail: [
          trailEntry({ call: `${row}.0`, outcome: "unfit", costNanoUsd: 10 }),
          trailEntry({ call: `${row}.1`, costNanoUsd: 100 }),
          trailEntry({ call: `${row}.2`, purpose: "judge", costNanoUsd: 1_000 }),
        ],
      }),
    );
    const whole = sourceOf(results);
    const reported = async (kept: readonly Result[]) =>
      (await createSpendingReport({ ...whole, read: () => streamOf(kept) }, ["b"], { by: [] })).total;
    const gone = await reported([]);
    expect(gone).toMatchObject({ jobs: 0, calls: 12, costNanoUsd: 4_440 });
    expect(gone.spent).toMatchObject({
      answers: { calls: 0 },
      failures: { calls: 4, costNanoUsd: 40 },
      judging: { calls: 4 },
      undivided: { calls: 4, costNanoUsd: 400 },
    });
    expect(wastedNanoUsd(gone)).toBe(40);
    // Rows of a batch may go one by one: an inbox never ends.
    const half = await reported(results.slice(0, 2));
    expect(half.spent).toMatchObject({ answers: { calls: 2, costNanoUsd: 200 }, undivided: { calls: 2, costNanoUsd: 200 } });
  });

  it("says of how many answered jobs the calls are gone", async () => {
    const results = Array.from({ length: 3 }, (_, row) =>
      answered(row, { trail: [trailEntry({ call: `${row}.0` }), trailEntry({ call: `${row}.1`, purpose: "judge" })] }),
    );
    const entries = await collect(sourceOf(results).ledger("b"));
    // The day on which the ledger now begins lies between an answer and its judgement.
    const left = entries.filter(({ call }) => !call.startsWith("0") && call !== "1.0");
    const made = await createSpendingReport({ read: () => streamOf(results), ledger: () => streamOf(left) }, ["b"], { by: [] });
    expect(made.answersWithoutCall).toBe(2);
    expect(made.total).toMatchObject({ jobs: 3, answered: 3, calls: 3 });
    expect((await reportOn(results)).answersWithoutCall).toBe(0);
  });

  it("counts calls without a price only where they were booked at nothing", async () => {
    const results = [
      answered(0, { trail: [trailEntry({ call: "0.0", costNanoUsd: 0 }), trailEntry({ call: "0.1", costNanoUsd: 5 })] }),
      answered(1, { trail: [trailEntry({ call: "1.0", outcome: "throttled", usage: NO_USAGE, costNanoUsd: 0 })] }),
    ];
    expect((await reportOn(results)).total.unpricedCalls).toBe(1);
  });

  it("tells what every call was for", async () => {
    const call = (name: string, costNanoUsd: number, changes: Partial<TrailEntry> = {}) =>
      trailEntry({ call: name, model: "a/one", costNanoUsd, ...changes });
    const results = [
      // Two agreed, a third didn't: all were asked for the same step.
      answered(0, {
        model: "a/one",
        trail: [
          call("0.1", 1, { purpose: "agree" }),
          call("0.2", 2, { purpose: "agree", model: "b/three" }),
          call("0.3", 4, { purpose: "agree", outcome: "transient" }),
        ],
      }),
      // Judged too bad, asked again elsewhere, judged by the one that had failed before.
      answered(1, {
        model: "a/two",
        trail: [
          call("1.1", 8),
          call("1.2", 16, { purpose: "judge", model: "a/two" }),
          call("1.3", 32, { model: "a/two" }),
          call("1.4", 64, { purpose: "judge" }),
        ],
      }),
      // Failed its check, mended.
      answered(2, {
        model: "a/one",
        trail: [
          call("2.0", 128, { outcome: "uncertain" }),
          call("2.1", 256, { outcome: "unfit" }),
          call("2.2", 512, { purpose: "repair", isEstimated: true }),
        ],
      }),
      failed(3, { trail: [call("3.0", 1_024, { purpose: "analyse" }), call("3.1", 2_048, { outcome: "unfit" })] }),
    ];
    const former = [failed(0, { trail: [call("0.0", 4_096, { outcome: "refused" })] })];
    const extras = [answered(1, { trail: [call("1.9", 8_192)] })];
    const { total } = await reportOn(results, {}, { former, extras });
    const costs = Object.fromEntries(MONEY_USES.map((use) => [use, total.spent[use].costNanoUsd]));
    expect(costs).toEqual({
      answers: 1 + 32,
      agreement: 2,
      failures: 4 + 8 + 256 + 2_048 + 4_096,
      judging: 16 + 64,
      repairs: 512,
      analysis: 1_024,
      duplicates: 8_192,
      uncertain: 128,
      undivided: 0,
    });
    // What was cut off, and one that was answered without a word of what it took.
    expect(total.estimated).toEqual({ calls: 2, costNanoUsd: 128 + 512 });
    expect(wastedNanoUsd(total)).toBe(4 + 8 + 256 + 2_048 + 4_096 + 8_192 + 128);
    // Not the judgements, the analysis, what was cut off, and what no answer came of.
    expect(total.checks).toEqual({ answers: 8, passed: 6 });
  });

  it("compares with one model by the tokens of the calls that answered, and with all that was spent", async () => {
    const usage = { ...NO_USAGE, inputTokens: 100, outputTokens: 10 };
    const results = [
      answered(0, {
        trail: [trailEntry({ call: "0", outcome: "unfit", costNanoUsd: 50 }), trailEntry({ call: "1", usage, costNanoUsd: 70 })],
      }),
      failed(1, { trail: [trailEntry({ call: "2", outcome: "refused", costNanoUsd: 30 })] }),
    ];
    const baseline = { model: "b/three" as const, costNanoUsd: (used: typeof usage) => 2 * used.inputTokens + 10 * used.outputTokens };
    const { total } = await reportOn(results, { baseline });
    expect(total.baseline).toEqual({ costNanoUsd: 300, savedNanoUsd: 300 - 150 });
    expect((await reportOn(results)).total.baseline).toBeUndefined();
  });

  it("shows no saving where answers are gone: what the model had cost for them isn't known", async () => {
    const results = [0, 1, 2].map((row) =>
      answered(row, {
        tags: { team: row === 0 ? "x" : "y" },
        trail: [
          trailEntry({ call: `${row}.0`, outcome: "unfit", costNanoUsd: 10 }),
          // Mended answers are spent on repairs, and are answers none the less.
          trailEntry({ call: `${row}.1`, costNanoUsd: 100, purpose: row === 2 ? "repair" : "answer" }),
        ],
      }),
    );
    const whole = sourceOf(results);
    const options = { by: [dimensions("tag:team")], baseline: { model: "b/three" as const, costNanoUsd: () => 500 } };
    const reported = async (kept: readonly Result[]) => {
      const { total, divisions } = await createSpendingReport({ ...whole, read: () => streamOf(kept) }, ["b"], options);
      return [total, ...divisions[0]!.groups.toSorted((a, b) => (a.values[0]! < b.values[0]! ? -1 : 1))].map((each) => each.baseline);
    };
    const saved = (costNanoUsd: number, savedNanoUsd: number | undefined) => ({ costNanoUsd, savedNanoUsd });
    expect(await reported(results)).toEqual([saved(1_500, 1_170), saved(500, 390), saved(1_000, 780)]);
    expect(await reported(results.slice(0, 2))).toEqual([saved(1_000, undefined), saved(500, 390), saved(500, undefined)]);
    expect(await reported([])).toEqual([saved(0, undefined), saved(0, undefined), saved(0, undefined)]);
  });

  it("puts a job to the model that answered it, and a call to its own", async () => {
    const trail = [trailEntry({ call: "0", model: "a/one", outcome: "unfit" }), trailEntry({ call: "1", model: "a/two" })];
    const { divisions } = await reportOn([answered(0, { model: "a/two", trail, reroutes: 1 }), failed(1)], { by: [dimensions("model")] });
    expect(divisions[0]!.groups.map(({ values, jobs, calls, reroutes }) => [values[0], jobs, calls, reroutes])).toEqual([
      ["a/one", 0, 1, 0],
      ["a/two", 1, 1, 1],
      [null, 1, 0, 0],
    ]);
  });

  it("goes by batch", async () => {
    const results = ["b", "c", "b"].map((batch, row) => answered(row, { batch, trail: [trailEntry({ call: `${batch}.${row}` })] }));
    const made = await createSpendingReport(sourceOf(results), ["b", "c"], { by: [dimensions("batch")] });
    expect(made.divisions[0]!.groups.map(({ values, jobs, calls }) => [values[0], jobs, calls])).toEqual([
      ["b", 2, 2],
      ["c", 1, 1],
    ]);
  });

  it("goes by days of UTC, in their order", async () => {
    const at = (text: string) => Date.parse(text);
    const results = ["2026-11-02T00:00:00.000Z", "2026-11-01T23:59:59.999Z", "2026-11-03T10:00:00Z"].map((time, row) =>
      answered(row, { finishedAt: at(time), trail: [trailEntry({ call: String(row), startedAt: at(time), costNanoUsd: 10 ** row })] }),
    );
    const { divisions, firstCallAt, lastCallAt } = await reportOn(results, { by: [dimensions("day")] });
    expect(divisions[0]!.groups.map(({ values, costNanoUsd }) => [values[0], costNanoUsd])).toEqual([
      ["2026-11-01", 10],
      ["2026-11-02", 1],
      ["2026-11-03", 100],
    ]);
    expect([firstCallAt, lastCallAt]).toEqual([at("2026-11-01T23:59:59.999Z"), at("2026-11-03T10:00:00Z")]);
    const limited = await reportOn(results, { since: at("2026-11-02"), until: at("2026-11-03") });
    expect([limited.total.jobs, limited.total.costNanoUsd]).toEqual([1, 1]);
  });

  it("refuses sums that are too large to be counted to the nano-dollar", async () => {
    const trail = [trailEntry({ call: "0", costNanoUsd: Number.MAX_SAFE_INTEGER }), trailEntry({ call: "1", costNanoUsd: 1 })];
    await expect(reportOn([answered(0, { trail })])).rejects.toMatchObject({
      name: "UsageError",
      message: expect.stringContaining("can't be counted exactly") as string,
      hint: expect.stringContaining("narrow --since and --until") as string,
    });
  });

  it("knows the dimensions that it names", () => {
    for (const name of DIMENSION_NAMES.map((each) => each.replace("<name>", "team"))) expect(parseDimension(name)).toBeDefined();
    expect(["", "tag", "tag:", "Model", "models"].map(parseDimension)).toEqual(Array(5).fill(undefined));
  });
});
