import { expect, it } from "vitest";
import { nearest, suggestion } from "../../src/config/nearest.ts";
import { byteSize, duration } from "../../src/job/quantity.ts";

it.each([
  ["500ms", 500],
  ["60s", 60_000],
  ["1.5s", 1_500],
  ["15m", 900_000],
  ["24h", 86_400_000],
  ["7d", 604_800_000],
  [" 2 s ", 2_000],
])("%s is a duration of %d ms", (text, ms) => {
  expect(duration.parse(text)).toBe(ms);
});

it.each([60, "60", "", "s", "-1s", "0s", "1e3s", "10 sec", "1w", "1S", "25d", null])("%j is no duration", (text) => {
  expect(duration.safeParse(text).success).toBe(false);
});

it.each([
  ["1B", 1],
  ["500KiB", 512_000],
  ["64MiB", 67_108_864],
  ["1GiB", 1_073_741_824],
])("%s are %d bytes", (text, bytes) => {
  expect(byteSize.parse(text)).toBe(bytes);
});

it.each(["64MB", "64", 64, "0MiB"])("%j is no size", (text) => {
  expect(byteSize.safeParse(text).success).toBe(false);
});

it("a slip of the fingers has its name suggested, anything else the names there are", () => {
  expect(nearest("limit", ["limits", "models"])).toBe("limits");
  expect(nearest("teir", ["tier", "time"])).toBe("tier");
  expect(nearest("OPENAI/gpt-5", ["openai/gpt-5", "openai/gpt-5-mini"])).toBe("openai/gpt-5");
  expect(nearest("zebra", ["limits", "models"])).toBeUndefined();
  expect(suggestion("zebra", ["limits", "models"])).toBe("known: limits, models");
  expect(suggestion("zebra", [])).toBe("there are none");
});
