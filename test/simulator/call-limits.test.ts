import { describe, expect, test } from "vitest";

import { admit, createCallLimits, tightest } from "../../src/simulator/call-limits.ts";

const limitsOf = (limits: { rpm?: number; tpm?: number; otpm?: number; concurrency?: number }) =>
  createCallLimits({ limits, burstSeconds: 1, nowMs: 0 });

describe("the limits of a call", () => {
  test("take every dimension or none", () => {
    const limits = limitsOf({ rpm: 600, tpm: 60_000 });
    expect(admit([limits], { rpm: 1, tpm: 900 }, 0)).toBeUndefined();
    expect(admit([limits], { rpm: 1, tpm: 900 }, 0)).toMatchObject({ dimension: "tpm", limit: 60_000, requested: 900, retryAfterMs: 800 });
    expect(limits.states(0).map((state) => state.level)).toEqual([9, 100]);
  });

  test("of account and model both count, and neither is charged when one refuses", () => {
    const account = limitsOf({ rpm: 120 });
    const model = limitsOf({ rpm: 600 });
    expect(admit([account, model], { rpm: 1 }, 0)).toBeUndefined();
    expect(admit([account, model], { rpm: 1 }, 0)).toBeUndefined();
    expect(admit([account, model], { rpm: 1 }, 0)).toMatchObject({ dimension: "rpm", limit: 120 });
    expect(model.states(0)[0]?.level).toBe(8);
    expect(tightest([account, model], 0)).toMatchObject([{ limit: 120, level: 0 }]);
  });

  test("tell no wait for a call that is alone above the limit", () => {
    expect(admit([limitsOf({ tpm: 1000 })], { rpm: 1, tpm: 1001 }, 0)).not.toHaveProperty("retryAfterMs");
  });

  test("refuse calls above the concurrency until one has left", () => {
    const limits = limitsOf({ concurrency: 1 });
    limits.countInFlight(1);
    expect(admit([limits], { rpm: 1 }, 0)).toMatchObject({ dimension: "concurrency", limit: 1 });
    limits.countInFlight(-1);
    expect(admit([limits], { rpm: 1 }, 0)).toBeUndefined();
  });

  test("refuse a call that needs a dimension which is in debt, though it is charged nothing up front", () => {
    const limits = limitsOf({ otpm: 600 });
    expect(admit([limits], { otpm: 0 }, 0)).toBeUndefined();
    limits.take({ otpm: 30 }, 0);
    expect(admit([limits], { otpm: 0 }, 0)).toMatchObject({ dimension: "otpm", retryAfterMs: 2001 });
    expect(admit([limits], { otpm: 0 }, 2001)).toBeUndefined();
  });
});
