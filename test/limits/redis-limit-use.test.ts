import { randomBytes } from "node:crypto";
import type { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Limits, ProviderKind, ProviderSpec } from "../../src/job/model.ts";
import type { ModelId } from "../../src/job/names.ts";
import { NO_USAGE } from "../../src/job/usage.ts";
import type { Dimension } from "../../src/limits/charging.ts";
import { FLOW_MEMORY_MS } from "../../src/limits/flow.ts";
import { shareOf, tightestUse, type LimitUse } from "../../src/limits/limit-use.ts";
import type { CallEnd, Limiter, PermitRequest } from "../../src/limits/limiter.ts";
import { readLimitUse } from "../../src/limits/redis-limit-use.ts";
import { createRedisLimiter } from "../../src/limits/redis-limiter.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { providerKeys } from "../../src/runtime/keys.ts";
import { serverTimeMs } from "../../src/runtime/redis-script.ts";
import { modelWith } from "../contracts/limiter-contract.ts";
import { startTestRedis, type TestRedis } from "../support/redis.ts";

let server: TestRedis;
let redis: Redis;
const limiters: Limiter[] = [];
let calls = 0;

beforeAll(async () => {
  server = await startTestRedis();
  redis = server.client();
});
afterAll(() => server.stop());
afterEach(async () => {
  await Promise.all(limiters.splice(0).map((limiter) => limiter.stop()));
});

/** A provider of its own for each test, with the models large and small. */
function start({
  kind = "openai",
  account = {},
  limits = {},
  small = {},
  shared,
}: {
  readonly kind?: ProviderKind;
  readonly account?: Limits;
  readonly limits?: Limits;
  readonly small?: Limits;
  readonly shared?: Limits;
}) {
  const name = `p${randomBytes(6).toString("hex")}`;
  const models = [modelWith(name, "large", limits), modelWith(name, "small", small)];
  const [large, other] = models.map(({ id }) => id) as [ModelId, ModelId];
  const sharedLimits = shared ? [{ models: [large, other], limits: shared }] : [];
  const provider: ProviderSpec = { name, kind, apiKey: "k", limits: account, sharedLimits, models };
  const limiter = createRedisLimiter({ redis, clock: systemClock, providers: new Map([[name, provider]]) });
  limiters.push(limiter);

  const grant = async (model: ModelId = large, tokens: Partial<PermitRequest> = {}) => {
    const call = `b.${calls++}.0.0.1`;
    const request = { call, model, inputTokens: 0, inputCharacters: 0, outputTokens: 0, leaseMs: 60_000, ...tokens };
    expect(await limiter.acquire(request, { patienceMs: 30_000, signal: new AbortController().signal })).toEqual({
      kind: "granted",
      permit: expect.any(String),
    });
    return { call, model };
  };
  const use = async (model: ModelId = large): Promise<LimitUse> => (await readLimitUse(redis, provider)).get(model)!;
  const end = async (changes: Partial<CallEnd>) => {
    const permit = await grant();
    await limiter.settle({ ...permit, ending: "answered", ...changes });
  };
  return {
    provider,
    large,
    other,
    limiter,
    grant,
    use,
    end,
  };
}

const dimensionOf = (use: LimitUse, dimension: Dimension) => use.dimensions.find((each) => each.dimension === dimension);

/**
 * What a reading may say, per minute, of `amount` taken within the last `elapsedMs`: the average forgets, and what was taken at once counts as a second's.
 */
function about(amount: number, elapsedMs: number): (perMinute: number) => boolean {
  const faded = Math.exp(-(elapsedMs + 5) / FLOW_MEMORY_MS) / Math.max(1_000, elapsedMs + 5);
  return (perMinute) => perMinute <= amount * 60 + 1 && perMinute >= amount * faded * 60_000 - 1;
}

describe("the use of limits, as Redis knows it", () => {
  it("is nothing before the first call", async () => {
    const { use, provider } = start({ limits: { rpm: 600, tpm: 60_000 } });
    expect(await use()).toEqual({
      dimensions: [
        { dimension: "rpm", limit: 600, isVendors: false, taken: 0 },
        { dimension: "tpm", limit: 60_000, isVendors: false, taken: 0 },
      ],
      callsPerMinute: 0,
      inFlight: 0,
      heldUntil: 0,
    });
    expect(await redis.exists(providerKeys(provider.name).buckets)).toBe(0);
  });

  it("is about what was granted", async () => {
    const { grant, use, limiter, large } = start({ limits: { rpm: 60_000, tpm: 6_000_000 } });
    const startedAt = systemClock.now();
    for (let i = 0; i < 40; i++) await limiter.settle({ ...(await grant(large, { inputCharacters: 400 })), ending: "answered" });
    const seen = await use();
    const elapsedMs = systemClock.now() - startedAt;
    expect(seen.callsPerMinute).toSatisfy(about(40, elapsedMs));
    expect(dimensionOf(seen, "rpm")?.taken).toSatisfy(about(40, elapsedMs));
    expect(dimensionOf(seen, "tpm")?.taken).toSatisfy(about(40 * 100, elapsedMs));
  });

  it("has the rate of a model without limits too", async () => {
    const { grant, use } = start({});
    const startedAt = systemClock.now();
    for (let i = 0; i < 10; i++) await grant();
    const seen = await use();
    expect(seen.dimensions).toEqual([]);
    expect(tightestUse(seen)).toBeUndefined();
    expect(seen.callsPerMinute).toSatisfy(about(10, systemClock.now() - startedAt));
  });

  it("follows what calls really took, and forgets those that were not made", async () => {
    const { grant, use, limiter, large } = start({ kind: "anthropic", limits: { rpm: 6_000, itpm: 600_000, otpm: 600_000 } });
    const expected = { inputTokens: 100, outputTokens: 500 };
    const startedAt = systemClock.now();
    const made = await grant(large, expected);
    const released = await grant(large, expected);
    expect(dimensionOf(await use(), "otpm")?.taken).toSatisfy(about(1_000, systemClock.now() - startedAt));
    await limiter.settle({ ...made, ending: "answered", usage: { ...NO_USAGE, inputTokens: 100, outputTokens: 50 } });
    await limiter.release(released);
    const seen = await use();
    const elapsedMs = systemClock.now() - startedAt;
    expect(dimensionOf(seen, "rpm")?.taken).toSatisfy(about(1, elapsedMs));
    expect(dimensionOf(seen, "itpm")?.taken).toSatisfy(about(100, elapsedMs));
    expect(dimensionOf(seen, "otpm")?.taken).toBeLessThanOrEqual(50 * 60 + 1);
  });

  it("counts the calls in flight until they end", async () => {
    const { grant, use, limiter, large, other } = start({ limits: { concurrency: 5 } });
    const [first, second] = [await grant(), await grant()];
    await grant(other);
    expect([(await use(large)).inFlight, (await use(other)).inFlight]).toEqual([2, 1]);
    await limiter.settle({ ...first, ending: "answered" });
    await limiter.release(second);
    expect((await use()).inFlight).toBe(0);
  });

  it("is that of the tightest limit: the model's, the shared, or the account's, with what other models took of it", async () => {
    const limits = { limits: { rpm: 60_000, tpm: 1_000_000 }, shared: { tpm: 100_000 }, account: { rpm: 600 } };
    const { grant, use, large, other } = start(limits);
    const startedAt = systemClock.now();
    await grant(large, { inputCharacters: 400 });
    for (let i = 0; i < 3; i++) await grant(other, { inputCharacters: 400 });
    const seen = await use();
    const elapsedMs = systemClock.now() - startedAt;
    expect(seen.dimensions).toMatchObject([
      { dimension: "rpm", limit: 600 },
      { dimension: "tpm", limit: 100_000 },
    ]);
    expect(dimensionOf(seen, "rpm")?.taken).toSatisfy(about(4, elapsedMs));
    expect(dimensionOf(seen, "tpm")?.taken).toSatisfy(about(400, elapsedMs));
    expect(seen.callsPerMinute).toSatisfy(about(1, elapsedMs));
    expect(tightestUse(seen)?.dimension).toBe("rpm");
  });

  it("counts a day's requests since they were made", async () => {
    const { grant, use } = start({ limits: { rpd: 100 } });
    for (let i = 0; i < 20; i++) await grant();
    const seen = await use();
    expect(dimensionOf(seen, "rpd")).toMatchObject({ limit: 100, isVendors: false });
    // A hundred a day: one grows back in a quarter of an hour.
    expect(Math.round(dimensionOf(seen, "rpd")!.taken)).toBe(20);
    expect(shareOf(tightestUse(seen)!)).toBeCloseTo(0.2);
  });

  it("tells until when the vendor holds the model, and no other model", async () => {
    const { end, use, other } = start({});
    expect((await use()).heldUntil).toBe(0);
    const before = await serverTimeMs(redis);
    const reading = { dimension: "otpm", remaining: 1_000_000 } as const;
    await end({ ending: "failed", refusal: { waitMs: 60_000, kind: "limit" }, readings: [reading] });
    const { heldUntil, pacePerMinute } = await use();
    expect(heldUntil).toBeGreaterThanOrEqual(before + 60_000);
    expect(heldUntil).toBeLessThanOrEqual((await serverTimeMs(redis)) + 60_001);
    expect(pacePerMinute).toBeUndefined();
    expect((await use(other)).heldUntil).toBe(0);
  });

  it("forgets a hold that is over", async () => {
    const { end, use } = start({});
    await end({ ending: "failed", refusal: { waitMs: 50, kind: "limit" }, readings: [{ dimension: "otpm", remaining: 1 }] });
    await expect.poll(async () => (await use()).heldUntil).toBe(0);
  });

  it("has the pace that refusals taught, while there is one", async () => {
    const { end, grant, use, other } = start({ limits: { rpm: 6_000 }, small: { rpm: 6_000 } });
    for (let i = 0; i < 20; i++) await grant();
    const before = await use();
    expect(before.pacePerMinute).toBeUndefined();
    await end({ ending: "failed", refusal: { waitMs: 0, kind: "slow-down" } });
    const { pacePerMinute } = await use();
    expect(pacePerMinute).toBeGreaterThan(0);
    expect(pacePerMinute).toBeLessThan(before.callsPerMinute);
    expect((await use(other)).pacePerMinute).toBeUndefined();
  });

  it("is of the vendor's own limit where that is lower, until the vendor says otherwise", async () => {
    const { end, use } = start({ limits: { rpm: 60_000 } });
    await end({ readings: [{ dimension: "rpm", limit: 600, remaining: 600 }] });
    expect((await use()).dimensions).toMatchObject([{ dimension: "rpm", limit: 600, isVendors: true }]);
    await end({ readings: [{ dimension: "rpm", limit: 90_000, remaining: 90_000 }] });
    expect((await use()).dimensions).toMatchObject([{ dimension: "rpm", limit: 60_000, isVendors: false }]);
  });

  it("is read without changing anything", async () => {
    const { end, provider, use } = start({ limits: { rpm: 600 } });
    await end({ ending: "failed", refusal: { waitMs: 60_000, kind: "limit" }, readings: [{ dimension: "rpm", remaining: 5 }] });
    const before = await redis.hgetall(providerKeys(provider.name).buckets);
    await use();
    expect(await redis.hgetall(providerKeys(provider.name).buckets)).toEqual(before);
  });
});
