import { describe, expect, it } from "vitest";
import { busiestLimit, playedModels, type LimitShares, type Load, type SeenLimits } from "../../src/plan/scene.ts";
import type { Limits, ProviderSpec } from "../../src/job/model.ts";
import type { ModelId } from "../../src/job/names.ts";
import { NO_CHARGE } from "../../src/limits/charging.ts";
import { modelSpec } from "../routing/specs.ts";

const NOTHING_SEEN: SeenLimits = { vendorLimits: new Map(), paces: new Map() };
const WHOLE: LimitShares = { used: 1, pace: 1 };
/** What a call spends in its slot beside the vendor's time. */
const OVERHEAD_MS = 10;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

function provider(models: Readonly<Record<ModelId, Limits>>, changes: Partial<ProviderSpec> = {}): ProviderSpec {
  const specs = Object.entries(models).map(([id, limits]) => modelSpec(id as ModelId, { limits }));
  return { name: "a", kind: "openai", apiKey: "none", limits: {}, models: specs, ...changes };
}

function load(model: ModelId, changes: Partial<Load> = {}): Load {
  return { model, calls: 1_000, charge: { ...NO_CHARGE, rpm: 1, rpd: 1, tpm: 100 }, latencyMs: 500, ...changes };
}

function played(providers: readonly ProviderSpec[], loads: readonly Load[], { seen = NOTHING_SEEN, shares = WHOLE } = {}) {
  const models = new Map(providers.flatMap((each) => each.models.map((model) => [model.id, model] as const)));
  return playedModels(loads, { models, providers: new Map(providers.map((each) => [each.name, each])) }, { seen, shares });
}

function only(limits: Limits, more: Parameters<typeof played>[2] = {}, changes: Partial<Load> = {}) {
  return played([provider({ "a/1": limits })], [load("a/1", changes)], more)[0]!;
}

describe("a model's limits as a plan plays them", () => {
  it("are its own, by what is promised of them", () => {
    const { limits, perMs } = only({ rpm: 600, tpm: 30_000, concurrency: 7 }, { shares: { used: 0.98, pace: 1 } });
    expect(limits.map(({ name }) => name).toSorted()).toEqual(["a/1: concurrency", "a/1: rpm", "a/1: tpm"]);
    const rpm = limits.find(({ name }) => name === "a/1: rpm")!;
    expect(rpm.rate!.perMs * MINUTE_MS).toBeCloseTo(0.98 * 600);
    expect(limits.find(({ name }) => name === "a/1: concurrency")).toMatchObject({ concurrency: 7 });
    // 30,000 tokens a minute are 300 calls of 100 tokens.
    expect(perMs * MINUTE_MS).toBeCloseTo(0.98 * 300);
  });

  it("hold those it shares and its account's, each as one limit for all who pass it", () => {
    const shared = { models: ["a/1", "a/2"] as const, limits: { tpm: 50_000 } };
    const spec = provider({ "a/1": { rpm: 600 }, "a/2": {}, "a/3": {} }, { sharedLimits: [shared], limits: { rpm: 900 } });
    const [one, two, three] = played([spec], [load("a/1"), load("a/2"), load("a/3")]);
    const names = (model: typeof one) => model!.limits.map(({ name }) => name).toSorted();
    expect(names(one)).toEqual(["a (account): rpm", "a/1+a/2: tpm", "a/1: rpm"]);
    expect(names(two)).toEqual(["a (account): rpm", "a/1+a/2: tpm"]);
    expect(names(three)).toEqual(["a (account): rpm"]);
    const limit = (model: typeof one, name: string) => model!.limits.find((each) => each.name === name);
    expect(limit(one, "a/1+a/2: tpm")).toBe(limit(two, "a/1+a/2: tpm"));
    expect(limit(one, "a (account): rpm")).toBe(limit(three, "a (account): rpm"));
  });

  it("are two where the same limits stand at two vendors", () => {
    const specs = [provider({ "a/1": {} }, { limits: { rpm: 60 } }), { ...provider({ "b/1": {} }, { limits: { rpm: 60 } }), name: "b" }];
    const [one, other] = played(specs, [load("a/1"), load("b/1")]);
    expect([one!.limits[0]!.name, other!.limits[0]!.name]).toEqual(["a (account): rpm", "b (account): rpm"]);
    expect(one!.limits[0]).not.toBe(other!.limits[0]);
  });

  it("hold the vendor's own where it told of lower ones", () => {
    const vendorLimits = new Map([["a/1", [{ dimension: "rpm", limit: 120 }]]] as const);
    const { limits, perMs } = only({ rpm: 600 }, { seen: { ...NOTHING_SEEN, vendorLimits } });
    expect(limits.map(({ name }) => name)).toEqual(["a/1: rpm", "a/1: rpm (the vendor's)"]);
    expect(perMs * MINUTE_MS).toBeCloseTo(120);
    // What it bears at once nobody told: as little as the fleet supposes.
    expect(limits[1]!.rate!.burstMs).toBe(1_000);
    const half = { used: 0.5, pace: 1 };
    expect(only({ rpm: 600 }, { seen: { ...NOTHING_SEEN, vendorLimits }, shares: half }).perMs * MINUTE_MS).toBeCloseTo(60);
  });

  it("hold the pace at which the vendor refused calls, by how sure that is", () => {
    const seen = { ...NOTHING_SEEN, paces: new Map([["a/1", 0.01]] as const) };
    expect(only({}, { seen }).limits.map(({ name }) => name)).toEqual(["a/1: refusals"]);
    expect(only({}, { seen }).perMs * MINUTE_MS).toBeCloseTo(600);
    expect(only({}, { seen, shares: { used: 0.98, pace: 0.5 } }).perMs * MINUTE_MS).toBeCloseTo(300);
    expect(only({ rpm: 60 }, { seen }).perMs * MINUTE_MS).toBeCloseTo(60);
  });

  it("hold a day's requests as a stock, all of which goes at once: it slows no call before it is used up", () => {
    const { limits, perMs } = only({ rpm: 600, rpd: 1_000 }, { shares: { used: 0.5, pace: 1 } });
    expect(perMs * MINUTE_MS).toBeCloseTo(300);
    const { rate } = limits.find(({ name }) => name === "a/1: rpd")!;
    expect(rate).toMatchObject({ isStock: true });
    expect(rate!.perMs * rate!.burstMs).toBeCloseTo(1_000);
  });

  it("are none of those that its calls take nothing of", () => {
    expect(only({ itpm: 1 }).perMs).toBe(only({}).perMs);
  });
});

describe("the calls that a pool has in hand", () => {
  it("are never more than may be in flight, and as many as that where nothing else limits them", () => {
    const { slots, perMs } = only({ concurrency: 5 });
    expect(Math.max(...slots)).toBe(5);
    expect(perMs * MINUTE_MS).toBeCloseTo((5 * MINUTE_MS) / (500 + OVERHEAD_MS));
  });

  it("begin with what is supposed of the latency, and come to what the calls' own takes", () => {
    const short = only({ rpm: 6_000 }, {}, { latencyMs: 100 }).slots;
    const long = only({ rpm: 6_000 }, {}, { latencyMs: 8_000 }).slots;
    expect(short[0]).toBe(long[0]);
    expect(short.at(-1)).toBeLessThan(short[0]!);
    // A hundred calls a second of eight seconds each, and some for their spread.
    expect(long.at(-1)).toBeGreaterThan(800);
    expect(long.at(-1)).toBeLessThan(1_000);
  });

  it("are raised while the first calls still run, each second to twice as many and some at most", () => {
    const { slots } = only({ rpm: 60_000 }, {}, { latencyMs: 20_000 });
    for (const [second, before] of slots.slice(0, -1).entries()) expect(slots[second + 1]).toBeLessThanOrEqual(2 * before + 4);
    expect(slots[1]).toBe(2 * slots[0]! + 4);
    expect(slots[3]).toBeGreaterThan(500);
    expect(slots.at(-1)).toBe(2_048);
  });

  it("bound the pace where nothing limits the calls", () => {
    const { limits, slots, perMs } = only({});
    expect(limits).toEqual([]);
    expect(perMs * MINUTE_MS).toBeCloseTo((slots.at(-1)! * MINUTE_MS) / (500 + OVERHEAD_MS));
  });
});

describe("what the router is told of a model's pace", () => {
  const NONE = Number.POSITIVE_INFINITY;

  it("is its requests per minute, and after the first second the tightest of its limits and its account's", () => {
    expect(only({ rpm: 600 }).toldPerMs).toEqual([0.01, 0.01]);
    expect(only({ rpm: 600, tpm: 30_000 }).toldPerMs).toEqual([0.01, 0.005]);
    expect(only({ tpm: 30_000 }).toldPerMs).toEqual([NONE, 0.005]);
    const [model] = played([provider({ "a/1": { rpm: 600 } }, { limits: { rpm: 300 } })], [load("a/1")]);
    expect(model!.toldPerMs).toEqual([0.01, 0.005]);
  });

  it("is nothing where no rate is limited", () => {
    expect(only({}).toldPerMs).toEqual([NONE, NONE]);
    expect(only({ concurrency: 5 }).toldPerMs).toEqual([NONE, NONE]);
    expect(only({ rpd: 1_000 }).toldPerMs).toEqual([NONE, NONE]);
  });

  it("is half as much again as what calls are permitted that wait for other limits than those", () => {
    const seen = { vendorLimits: new Map(), paces: new Map([["a/1" as const, 0.004]]) };
    expect(only({ rpm: 600 }, { seen }).toldPerMs).toEqual([0.01, 0.006]);
    expect(only({}, { seen }).toldPerMs).toEqual([NONE, 0.006]);
    expect(only({ rpm: 300 }, { seen }).toldPerMs).toEqual([0.005, 0.005]);
  });
});

describe("what is named as the limit that holds a route", () => {
  const busiest = (providers: readonly ProviderSpec[], loads: readonly Load[], more = {}) =>
    busiestLimit(loads, played(providers, loads, more));

  it("is the one that takes longest to let everything through", () => {
    const spec = provider({ "a/1": { rpm: 600, tpm: 30_000 } });
    const found = busiest([spec], [load("a/1")]);
    expect(found).toMatchObject({ name: "a/1: tpm", isRate: true });
    // A thousand calls of 100 tokens; half a second's worth goes at once.
    expect(found.busyMs).toBeCloseTo(200_000 - 500);
    expect(busiest([provider({ "a/1": { rpm: 60, tpm: 30_000 } })], [load("a/1")]).name).toBe("a/1: rpm");
  });

  it("is of two models the one with more to do for its limits, and an account's where both together pass it", () => {
    const spec = provider({ "a/1": { rpm: 600 }, "a/2": { rpm: 300 } });
    expect(busiest([spec], [load("a/1"), load("a/2", { calls: 600 })]).name).toBe("a/2: rpm");
    expect(busiest([spec], [load("a/1"), load("a/2", { calls: 400 })]).name).toBe("a/1: rpm");
    const tight = provider({ "a/1": { rpm: 600 }, "a/2": { rpm: 300 } }, { limits: { rpm: 650 } });
    expect(busiest([tight], [load("a/1"), load("a/2", { calls: 400 })]).name).toBe("a (account): rpm");
  });

  it("is that of the calls in flight, or the pool's own calls at once, where calls take long", () => {
    const few = busiest([provider({ "a/1": { rpm: 6_000, concurrency: 2 } })], [load("a/1")]);
    expect(few).toMatchObject({ name: "a/1: concurrency", isRate: false });
    expect(few.busyMs).toBeCloseTo((1_000 * 500) / 2);
    const free = busiest([provider({ "a/1": {} })], [load("a/1")]);
    expect(free).toMatchObject({ name: "a/1: calls at once", isRate: false });
    expect(free.busyMs).toBeCloseTo((1_000 * 500) / only({}).slots.at(-1)!);
  });

  it("is a day's requests where there are more calls: what is beyond them comes as they grow back", () => {
    const specs = [provider({ "a/1": { rpm: 600, rpd: 900 } })];
    const found = busiest(specs, [load("a/1")]);
    expect(found).toMatchObject({ name: "a/1: rpd", isRate: true });
    expect(found.stockMs).toBeCloseTo((100 / 900) * DAY_MS);
    expect(found.busyMs).toBe(found.stockMs);
    const enough = busiest(specs, [load("a/1", { calls: 800 })]);
    expect(enough).toMatchObject({ name: "a/1: rpm", stockMs: 0 });
  });

  it("is none without calls", () => {
    expect(busiest([provider({ "a/1": { rpm: 600, rpd: 900 } })], [load("a/1", { calls: 0 })])).toMatchObject({ busyMs: 0, stockMs: 0 });
    expect(busiest([], [])).toEqual({ name: "", busyMs: 0, stockMs: 0, isRate: false });
  });

  it("is a vendor's refusals where nothing is configured", () => {
    const seen = { ...NOTHING_SEEN, paces: new Map([["a/1", 0.01]] as const) };
    expect(busiest([provider({ "a/1": {} })], [load("a/1")], { seen })).toMatchObject({ name: "a/1: refusals", isRate: true });
  });
});
