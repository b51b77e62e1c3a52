import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ModelId } from "../../../src/job/names.ts";
import type { PlayedLimit } from "../../../src/plan/play/limits.ts";
import type { PlayedCall } from "../../../src/plan/play/models.ts";
import { EndlessPlay, playRoute, type Played, type PlayedStep, type Scene } from "../../../src/plan/play/route.ts";
import { atOnce, BURST_MS, callTo, perSecond, playedModel, rowsBy, scene, step } from "./played-scene.ts";

const [A, B, C, J] = ["v/a", "v/b", "w/c", "w/j"] as const satisfies readonly ModelId[];

/** The router's first look, and what a call takes beside its own time. */
const START_MS = 200;

/** As a share of what it is by hand. */
function offBy(found: number, byHand: number): number {
  return Math.abs(found / byHand - 1);
}

describe("the time of a route", () => {
  it("is none without rows, and a call's own for one", () => {
    const models = [playedModel(A, { latencyMs: 500, limits: [perSecond(10)] })];
    const none = playRoute(scene(rowsBy(0, [[step(callTo(A, 500))]]), models));
    expect(none).toMatchObject({ timeMs: 0, taken: [[0]] });
    const one = playRoute(scene(rowsBy(1, [[step(callTo(A, 500))]]), models)).timeMs;
    expect(one).toBeGreaterThanOrEqual(500);
    expect(one).toBeLessThan(500 + START_MS);
  });

  it("is that of the rows at the model's rate, but for what may go at once, and the last call's own", () => {
    for (const rows of [50, 600, 3_000]) {
      const played = playRoute(
        scene(rowsBy(rows, [[step(callTo(A, 800))]]), [playedModel(A, { latencyMs: 800, limits: [perSecond(12)] })]),
      );
      expect(offBy(played.timeMs, (rows / 12) * 1_000 - BURST_MS + 800 + START_MS)).toBeLessThan(0.05);
    }
  });

  it("is that of the tokens at the model's rate", () => {
    const limit: PlayedLimit = { name: "tpm", rate: { amount: "tpm", perMs: 10, burstMs: BURST_MS } };
    const call = callTo(A, 800, { rpm: 1, tpm: 1_500 });
    const model = { ...playedModel(A, { latencyMs: 800, slots: [20] }), limits: [limit], perMs: 10 / 1_500 };
    expect(offBy(playRoute(scene(rowsBy(400, [[step(call)]]), [model])).timeMs, 400 * 150 - BURST_MS + 800 + START_MS)).toBeLessThan(0.02);
  });

  it("is that of the calls in flight where those are limited, whether by the vendor or by the pool", () => {
    const way = [step(callTo(A, [600, 1_400]))];
    for (const limited of [{ limits: [atOnce(10)] }, { slots: [10] }])
      expect(
        offBy(playRoute(scene(rowsBy(1_000, [way]), [playedModel(A, { latencyMs: 1_000, ...limited })])).timeMs, (1_000 / 10) * 1_010),
      ).toBeLessThan(0.02);
  });

  it("follows a pool that begins with few slots and soon has more", () => {
    const model = playedModel(A, { latencyMs: 1_000, slots: [2, 8, 20] });
    // Two seconds with few of them: 2 and 8 instead of 20.
    expect(
      offBy(playRoute(scene(rowsBy(2_000, [[step(callTo(A, 1_000))]]), [model])).timeMs, ((2_000 - 10) / 20) * 1_010 + 2_000),
    ).toBeLessThan(0.03);
  });

  it("of rows with long calls goes by the slots that the pool soon has: they are not waited for until a call has ended", () => {
    const model = playedModel(A, { latencyMs: 60_000, slots: [4, 40] });
    expect(offBy(playRoute(scene(rowsBy(30, [[step(callTo(A, 60_000))]]), [model])).timeMs, 61_000)).toBeLessThan(0.02);
  });

  it("of few rows with long calls is one call's: a pool that has more slots takes at once what waits in its queue", () => {
    const slow = (rows: number, slots: readonly number[]) =>
      playRoute(scene(rowsBy(rows, [[step(callTo(A, 60_000))]]), [playedModel(A, { latencyMs: 60_000, slots })])).timeMs;
    expect(offBy(slow(8, [8]), 60_000)).toBeLessThan(0.02);
    expect(offBy(slow(8, [4, 8]), 61_000)).toBeLessThan(0.05);
  });

  it("of rows that may go to either of two models, whoever is done first, is that of both rates together", () => {
    const models = [
      playedModel(A, { latencyMs: 500, limits: [perSecond(10)] }),
      playedModel(B, { latencyMs: 500, limits: [perSecond(30)] }),
    ];
    const { timeMs, taken } = playRoute(
      scene(rowsBy(1_200, [[step(callTo(A, 500))], [step(callTo(B, 500))]]), models, { kind: "soonest" }),
    );
    expect(offBy(timeMs, 1_200 / 0.04 + 500)).toBeLessThan(0.03);
    expect(offBy(taken[0]![0]!, 300)).toBeLessThan(0.05);
    expect(taken[0]![0]! + taken[0]![1]!).toBe(1_200);
  });

  it("of rows of which a model is asked before they are bound is that of the others: they still go to whoever is done first", () => {
    const models = [
      playedModel(A, { latencyMs: 500, limits: [perSecond(10)] }),
      playedModel(B, { latencyMs: 500, limits: [perSecond(30)] }),
      playedModel(J, { latencyMs: 300, slots: [64] }),
    ];
    const rows = { ...rowsBy(1_200, [[step(callTo(A, 500))], [step(callTo(B, 500))]]), before: callTo(J, 300) };
    const { timeMs, taken } = playRoute(scene(rows, models, { kind: "soonest" }));
    expect(offBy(timeMs, 1_200 / 0.04 + 300 + 500)).toBeLessThan(0.03);
    expect(offBy(taken[0]![0]!, 300)).toBeLessThan(0.05);
    const one = playRoute(scene({ ...rows, rows: 1 }, models)).timeMs;
    expect(one).toBeGreaterThanOrEqual(800);
    expect(one).toBeLessThan(800 + 2 * START_MS);
  });

  it("of rows of which a model is asked before they are bound is that model's, where it is the narrow one", () => {
    const models = [playedModel(A, { latencyMs: 500, slots: [64] }), playedModel(J, { latencyMs: 300, limits: [perSecond(5)] })];
    const rows = { ...rowsBy(300, [[step(callTo(A, 500))]]), before: callTo(J, 300) };
    expect(offBy(playRoute(scene(rows, models)).timeMs, 300 / 0.005 + 300 + 500)).toBeLessThan(0.03);
  });

  it("is never an endless one: a limit that lets nothing through is a fault, and named", () => {
    for (const rows of [10, 500])
      for (const calls of [0, Number.NaN])
        expect(() =>
          playRoute(
            scene(rowsBy(rows, [[step(callTo(A, 500))]]), [playedModel(A, { latencyMs: 500, slots: [4], limits: [perSecond(calls)] })]),
          ),
        ).toThrow(EndlessPlay);
    const nobody = scene(rowsBy(1, [[step([])]]), [playedModel(A, { latencyMs: 500, slots: [4] })]);
    expect(() => playRoute(nobody)).toThrow(/1 rows are left/);
  });

  it("of rows that go to whoever is done first prefers the quicker of two that are free", () => {
    const models = [A, B].map((id) => playedModel(id, { latencyMs: id === A ? 4_000 : 200, slots: [50] }));
    const ways = [[step(callTo(A, 4_000))], [step(callTo(B, 200))]];
    expect(playRoute(scene(rowsBy(20, ways), models, { kind: "soonest" })).taken).toEqual([[0, 20]]);
  });

  it("of a cascade is that of its second step, where that is the narrow one", () => {
    const models = [
      playedModel(A, { latencyMs: 500, limits: [perSecond(60)] }),
      playedModel(B, { latencyMs: 900, limits: [perSecond(4)] }),
    ];
    const way = [step(callTo(A, 500), { over: 0.25 }), step(callTo(B, 900))];
    expect(offBy(playRoute(scene(rowsBy(1_000, [way]), models)).timeMs, 250 / 0.004 + 500 + 900 + START_MS)).toBeLessThan(0.03);
    const wide = [step(callTo(A, 500), { over: 0.02 }), step(callTo(B, 900))];
    expect(offBy(playRoute(scene(rowsBy(1_000, [wide]), models)).timeMs, 1_000 / 0.06 + 500)).toBeLessThan(0.08);
  });

  it("of models that must agree is that of the slower one: the next step waits for both", () => {
    const models = [
      playedModel(A, { latencyMs: 100, limits: [perSecond(100)] }),
      playedModel(B, { latencyMs: 2_000, limits: [perSecond(20)] }),
      playedModel(C, { latencyMs: 3_000, slots: [50] }),
    ];
    const together = step([callTo(A, 100), callTo(B, 2_000)], { over: 1 });
    expect(offBy(playRoute(scene(rowsBy(1_000, [[{ ...together, over: 0 }]]), models)).timeMs, 1_000 / 0.02 + 2_000)).toBeLessThan(0.03);
    const one = playRoute(scene(rowsBy(1, [[together, step(callTo(C, 3_000))]]), models)).timeMs;
    expect(one).toBeGreaterThanOrEqual(5_000);
    expect(one).toBeLessThan(5_000 + 2 * START_MS);
  });

  it("holds repairs and judgements, one after the other, each for its share of the rows", () => {
    const models = [playedModel(A, { latencyMs: 500, slots: [40] }), playedModel(J, { latencyMs: 700, limits: [perSecond(5)] })];
    const judgement = callTo(J, 700);
    const way = (share: number) => [step(callTo(A, 500), { followUps: [{ call: judgement, share }] })];
    expect(offBy(playRoute(scene(rowsBy(800, [way(0.5)]), models)).timeMs, 400 / 0.005 + 500 + 700)).toBeLessThan(0.03);
    const both = [
      { call: callTo(A, 500), share: 1 },
      { call: judgement, share: 1 },
    ];
    const one = playRoute(scene(rowsBy(1, [[step(callTo(A, 500), { followUps: both })]]), models)).timeMs;
    expect(one).toBeGreaterThanOrEqual(1_700);
    expect(one).toBeLessThan(1_700 + 2 * START_MS);
  });

  it("of a single row holds what most rows have", () => {
    const time = (share: number) => {
      const models = [playedModel(A, { latencyMs: 1_000, slots: [4] }), playedModel(B, { latencyMs: 10_000, slots: [4] })];
      return playRoute(scene(rowsBy(1, [[step(callTo(A, 1_000), { over: share }), step(callTo(B, 10_000))]]), models)).timeMs;
    };
    expect(time(0.4)).toBeLessThan(2_000);
    expect(time(0.6)).toBeGreaterThan(11_000);
  });

  it("of a limit that models share is that of all their calls", () => {
    const account = perSecond(10, "account");
    const models = [A, B].map((id) => playedModel(id, { latencyMs: 500, limits: [account] }));
    const groups = [A, B].map((id) => rowsBy(300, [[step(callTo(id, 500))]]));
    expect(offBy(playRoute(scene(groups, models)).timeMs, 600 / 0.01 + 500)).toBeLessThan(0.03);
  });

  it("of a shared limit goes on for those that nothing else holds: a call that waits for its own model's limit takes nothing of it", () => {
    const account = perSecond(25, "account");
    const models = [
      playedModel(A, { latencyMs: 500, limits: [perSecond(2, "own"), account] }),
      playedModel(B, { latencyMs: 500, limits: [account] }),
    ];
    const rows = rowsBy(1_000, [[step(callTo(A, 500))], [step(callTo(B, 500))]]);
    expect(offBy(playRoute(scene(rows, models, { kind: "soonest" })).timeMs, 1_000 / 0.025 + 500)).toBeLessThan(0.15);
  });

  it("of rows that were set aside and come back while others wait is no longer: those go first, and none of them is set aside for the newcomers", () => {
    // What the queue holds (100) and the slots (64) is more than goes in five seconds (70): some are set aside, and come back after ten.
    const model = playedModel(A, { latencyMs: 500, limits: [perSecond(14)], slots: [50, 22] });
    expect(offBy(playRoute(scene(rowsBy(300, [[step(callTo(A, 500))]]), [model])).timeMs, 300 / 0.014 + 500 - BURST_MS)).toBeLessThan(0.03);
  });

  it("of rows whose model tells of no limit is no longer for what its queue holds: calls that end together let more of them in", () => {
    const latenciesMs = Array.from({ length: 200 }, (_, i) => 300 + i);
    const model = playedModel(A, { latencyMs: 400, limits: [atOnce(5)], slots: [5] });
    for (const rows of [150, 200, 250]) {
      const { timeMs } = playRoute(scene(rowsBy(rows, [[step(callTo(A, latenciesMs))]]), [model]));
      expect(offBy(timeMs, (rows * 410) / 5)).toBeLessThan(0.05);
    }
  });

  it("of different rows is that of those that take longest: they are mixed, and none waits for all of the others", () => {
    const models = [
      playedModel(A, { latencyMs: 500, limits: [perSecond(20)] }),
      playedModel(B, { latencyMs: 500, limits: [perSecond(2)] }),
    ];
    const groups = [rowsBy(1_000, [[step(callTo(A, 500))]]), rowsBy(100, [[step(callTo(B, 500))]])];
    expect(offBy(playRoute(scene(groups, models)).timeMs, 50_000 + 500)).toBeLessThan(0.1);
  });

  it("of rows beside others that wait for their model is their own: who waits is set aside, and holds nobody up", () => {
    const models = [playedModel(A, { latencyMs: 500, limits: [perSecond(1)] }), playedModel(B, { latencyMs: 120_000, slots: [300] })];
    // The ones take 200 s; the others, one after the other of which stands behind one of those, are begun long before that.
    const groups = [rowsBy(200, [[step(callTo(A, 500))]]), rowsBy(200, [[step(callTo(B, 120_000))]])];
    expect(offBy(playRoute(scene(groups, models)).timeMs, 200_000)).toBeLessThan(0.1);
  });
});

describe("rows of a route with a first choice", () => {
  const models = [playedModel(A, { latencyMs: 500, limits: [perSecond(10)] }), playedModel(B, { latencyMs: 500, limits: [perSecond(30)] })];
  const rows = rowsBy(1_000, [[step(callTo(A, 500))], [step(callTo(B, 500))]], 1);

  it("wait for it, however long that takes", () => {
    const { timeMs, taken } = playRoute(scene(rows, models));
    expect(taken).toEqual([[1_000, 0]]);
    expect(offBy(timeMs, 1_000 / 0.01 + 500)).toBeLessThan(0.03);
  });

  it("pass it by where it would keep them longer than they may be kept", () => {
    const { timeMs, taken } = playRoute(scene(rows, models, { kind: "in-order", spillMs: 1_000 }));
    expect(offBy(timeMs, 1_000 / 0.04 + 500)).toBeLessThan(0.05);
    expect(offBy(taken[0]![0]!, 250)).toBeLessThan(0.1);
    // A model's queue holds no more than five seconds' work.
    expect(playRoute(scene(rows, models, { kind: "in-order", spillMs: 20_000 })).taken).toEqual([[1_000, 0]]);
  });

  it("go to it first, whoever would be done first, where the order is given", () => {
    const quick = [playedModel(A, { latencyMs: 5_000, slots: [40] }), playedModel(B, { latencyMs: 100, slots: [40] })];
    const few = rowsBy(30, [[step(callTo(A, 5_000))], [step(callTo(B, 100))]]);
    expect(playRoute(scene(few, quick, { kind: "in-order", spillMs: 1_000 })).taken).toEqual([[30, 0]]);
  });

  it("come to a fallback only when the first choices are busy, whoever would be done first", () => {
    const quick = [playedModel(A, { latencyMs: 5_000, slots: [40] }), playedModel(B, { latencyMs: 100, slots: [40] })];
    const few = rowsBy(30, [[step(callTo(A, 5_000))], [step(callTo(B, 100))]], 1);
    expect(playRoute(scene(few, quick, { kind: "soonest", spillMs: 1_000 })).taken).toEqual([[30, 0]]);
    expect(playRoute(scene({ ...few, firsts: 2 }, quick, { kind: "soonest", spillMs: 1_000 })).taken).toEqual([[0, 30]]);
  });
});

const IDS = [A, B, C] as const;
const share = fc.integer({ min: 0, max: 100 }).map((hundredths) => hundredths / 100);
const aCall = fc
  .record({
    model: fc.constantFrom(...IDS),
    latencies: fc.array(fc.integer({ min: 0, max: 3_000 }), { minLength: 1, maxLength: 5 }),
    tpm: fc.integer({ min: 0, max: 900 }),
  })
  .map(({ model, latencies, tpm }) =>
    callTo(
      model,
      latencies.toSorted((a, b) => a - b),
      { rpm: 1, tpm },
    ),
  );
const aStep = fc
  .record({
    calls: fc.uniqueArray(aCall, { minLength: 1, maxLength: 2, selector: ({ model }) => model }),
    followUps: fc.array(fc.record({ call: aCall, share }), { maxLength: 2 }),
    over: share,
  })
  .map(({ calls, ...rest }) => step(calls, rest));
const someRows = fc.record({
  rows: fc.integer({ min: 0, max: 120 }),
  before: fc.option(aCall, { nil: undefined }),
  ways: fc.array(fc.array(aStep, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 }),
});
const ownLimits = fc.record({
  rate: fc.option(fc.integer({ min: 2, max: 60 }), { nil: undefined }),
  concurrency: fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined }),
  slots: fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 3 }),
});
const aScene: fc.Arbitrary<Scene> = fc
  .record({
    groups: fc.array(someRows, { minLength: 1, maxLength: 3 }),
    models: fc.tuple(ownLimits, ownLimits, ownLimits),
    accountTpm: fc.option(fc.integer({ min: 2, max: 20 }), { nil: undefined }),
    kind: fc.constantFrom("in-order" as const, "soonest" as const),
    spillMs: fc.option(fc.integer({ min: 0, max: 6_000 }), { nil: undefined }),
    firsts: fc.integer({ min: 1, max: 3 }),
  })
  .map(({ groups, models, accountTpm, kind, spillMs, firsts }) => {
    const account: readonly PlayedLimit[] =
      accountTpm === undefined ? [] : [{ name: "tpm", rate: { amount: "tpm", perMs: accountTpm, burstMs: BURST_MS } }];
    return scene(
      groups.map(({ rows, before, ways }) => ({
        ...rowsBy(rows, ways, Math.min(firsts, ways.length)),
        ...(before === undefined ? {} : { before }),
      })),
      models.map(({ rate, concurrency, slots }, i) => {
        const own = [...(rate === undefined ? [] : [perSecond(rate)]), ...(concurrency === undefined ? [] : [atOnce(concurrency)])];
        const made = playedModel(IDS[i]!, { latencyMs: 1_000, limits: own, slots });
        return { ...made, limits: [...made.limits, ...account] };
      }),
      { kind, ...(spillMs === undefined ? {} : { spillMs }) },
    );
  });

/** So many of `of`, as evenly as whole ones can be, at least. */
const atLeast = (of: number, part: number) => Math.max(0, Math.floor(of * part + 0.5 - 1e-6));
const shortest = ({ latenciesMs }: PlayedCall) => latenciesMs[0] ?? 0;
const longestOf = (calls: readonly PlayedCall[]) => Math.max(...calls.map(shortest));

/** The calls that must have been made, and how long the longest of the ways that were gone takes at least. */
function leastOf(
  { groups }: Scene,
  { taken }: Played,
): { readonly calls: readonly (readonly [PlayedCall, number])[]; readonly wayMs: number } {
  const calls: (readonly [PlayedCall, number])[] = [];
  let wayMs = 0;
  const walk = ([at, ...rest]: readonly PlayedStep[], rows: number, beforeMs: number): void => {
    if (!at || rows === 0) return;
    const sofarMs = beforeMs + longestOf(at.calls);
    wayMs = Math.max(wayMs, sofarMs);
    for (const call of at.calls) calls.push([call, rows]);
    for (const followUp of at.followUps) calls.push([followUp.call, atLeast(rows, followUp.share)]);
    walk(rest, atLeast(rows, at.over), sofarMs);
  };
  for (const [i, { before, ways }] of groups.entries()) {
    const rows = taken[i]!.reduce((sum, each) => sum + each, 0);
    if (before) calls.push([before, rows]);
    for (const [way, steps] of ways.entries()) walk(steps, taken[i]![way]!, before ? shortest(before) : 0);
  }
  return { calls, wayMs };
}

/** How long a limit takes to let them through, at least. */
function boundMs(limit: PlayedLimit, calls: readonly (readonly [PlayedCall, number])[]): number {
  const { rate, concurrency } = limit;
  if (!rate) return calls.reduce((sum, [call, times]) => sum + times * shortest(call), 0) / concurrency!;
  const amounts = calls.map(([call, times]) => [(call.charge[rate.amount] ?? 0) / rate.perMs, times] as const);
  // What is more than the bucket holds goes when that is full, and is owed.
  const largestMs = Math.max(0, ...amounts.filter(([, times]) => times > 0).map(([amountMs]) => amountMs));
  return amounts.reduce((sum, [amountMs, times]) => sum + amountMs * times, 0) - Math.max(rate.burstMs, largestMs);
}

describe("any scene", () => {
  it("takes every row exactly once", () => {
    fc.assert(
      fc.property(aScene, (played) => {
        const { taken } = playRoute(played);
        for (const [i, { rows, ways }] of played.groups.entries()) {
          expect(taken[i]).toHaveLength(ways.length);
          expect(taken[i]!.every((each) => Number.isInteger(each) && each >= 0)).toBe(true);
          expect(taken[i]!.reduce((sum, each) => sum + each, 0)).toBe(rows);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("takes no less time than any of its limits, its pools, and the longest way that a row went", () => {
    fc.assert(
      fc.property(aScene, (played) => {
        const found = playRoute(played);
        const { calls, wayMs } = leastOf(played, found);
        expect(found.timeMs).toBeGreaterThanOrEqual(wayMs);
        const limits = new Map<PlayedLimit, Set<ModelId>>();
        for (const { model, limits: passed } of played.models)
          for (const limit of passed) limits.set(limit, (limits.get(limit) ?? new Set()).add(model));
        for (const [limit, models] of limits) {
          const least = boundMs(
            limit,
            calls.filter(([{ model }]) => models.has(model)),
          );
          expect(found.timeMs, limit.name).toBeGreaterThanOrEqual(least - 1e-6);
        }
        for (const { model, slots } of played.models) {
          const own = calls.filter(([call]) => call.model === model);
          expect(found.timeMs, model).toBeGreaterThanOrEqual(boundMs(atOnce(Math.max(...slots)), own) - 1e-6);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("is played the same each time: chance has no part in it", () => {
    fc.assert(
      fc.property(aScene, (played) => {
        expect(playRoute(played)).toEqual(playRoute(structuredClone(played)));
      }),
      { numRuns: 20 },
    );
  });
});
