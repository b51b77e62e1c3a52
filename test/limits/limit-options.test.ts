import { expect, it } from "vitest";
import { limitOptions } from "../../src/limits/limit-options.ts";

it("takes requests, tokens and calls in flight, each on its own", () => {
  expect(limitOptions.parse({ rpm: 500, tpm: 200_000, concurrency: 8 })).toEqual({ rpm: 500, tpm: 200_000, concurrency: 8 });
  expect(limitOptions.parse({ itpm: 1, otpm: 2 })).toEqual({ itpm: 1, otpm: 2 });
  expect(limitOptions.parse({})).toEqual({});
});

it.each([{ rpm: 0 }, { tpm: -1 }, { rpm: 1.5 }, { rpm: "10" }, { rpmm: 10 }, { tpm: 1, itpm: 1 }, { tpm: 1, otpm: 1 }])(
  "refuses %j",
  (limits) => {
    expect(limitOptions.safeParse(limits).success).toBe(false);
  },
);
