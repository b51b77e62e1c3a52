import { expect, it } from "vitest";
import { limitOptions } from "../../src/limits/limit-options.ts";

it("takes requests, tokens and calls in flight, each on its own", () => {
  expect(limitOptions.parse({ rpm: 500, tpm: 200_000, concurrency: 8 })).toEqual({ rpm: 500, tpm: 200_000, concurrency: 8 });
  expect(limitOptions.parse({ itpm: 1, otpm: 2 })).toEqual({ itpm: 1, otpm: 2 });
  expect(limitOptions.parse({})).toEqual({});
  expect(limitOptions.parse({ rpm: 60, rpd: 1_000, burst: "2s" })).toEqual({ rpm: 60, rpd: 1_000, burstMs: 2_000 });
});

it.each([
  { rpm: 0 },
  { tpm: -1 },
  { rpm: 1.5 },
  { rpm: "10" },
  { rpmm: 10 },
  { tpm: 1, itpm: 1 },
  { tpm: 1, otpm: 1 },
  { burst: 2 },
  { rpd: 0 },
])("refuses %j", (limits) => {
  expect(limitOptions.safeParse(limits).success).toBe(false);
});
