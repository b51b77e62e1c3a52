import { describe, expect, it } from "vitest";
import { parseDurationMs, readOpenAiLimits } from "../../src/providers/openai-headers.ts";

const read = (headers: Record<string, string>) => readOpenAiLimits(new Headers(headers));

describe("OpenAI's durations", () => {
  it.each([
    ["1s", 1_000],
    ["6m0s", 360_000],
    ["12ms", 12],
    ["1h2m3s", 3_723_000],
    ["1.5s", 1_500],
    ["2d", 172_800_000],
    ["7", 7_000],
  ])("%s is %d ms", (text, ms) => expect(parseDurationMs(text)).toBe(ms));

  it.each(["", "soon", "1x", "s", "-1s"])("%j is none", (text) => expect(parseDurationMs(text)).toBeUndefined());
});

describe("OpenAI's limit headers", () => {
  it("tell nothing where a server sends none", () => expect(read({})).toEqual([]));

  it("are read without a limit or a reset", () => {
    expect(read({ "x-ratelimit-remaining-tokens": "12" })).toEqual([{ dimension: "tpm", remaining: 12 }]);
  });

  it("are left alone where they make no sense", () => {
    expect(read({ "x-ratelimit-remaining-tokens": "many", "x-ratelimit-limit-tokens": "1" })).toEqual([]);
  });

  it("count the project's tokens where they are scarcer", () => {
    const headers = { "x-ratelimit-remaining-tokens": "500", "x-ratelimit-remaining-project-tokens": "20" };
    expect(read(headers)).toEqual([{ dimension: "tpm", remaining: 20 }]);
  });

  it("are not taken for a limit per minute when they are one per day", () => {
    expect(read({ "x-ratelimit-remaining-requests": "3", "x-ratelimit-reset-requests": "17m16s" })).toEqual([]);
  });
});
