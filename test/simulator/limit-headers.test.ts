import { describe, expect, test } from "vitest";

import { anthropicLimitHeaders, formatDuration, openaiLimitHeaders } from "../../src/simulator/limit-headers.ts";

describe("rate-limit headers", () => {
  test("of OpenAI tell requests and tokens with durations", () => {
    const headers = openaiLimitHeaders([
      { dimension: "rpm", limit: 10_000, level: 165.7, capacity: 166.7, fullInMs: 6 },
      { dimension: "tpm", limit: 2_000_000, level: -20, capacity: 33_333, fullInMs: 1001 },
    ]);
    expect(headers).toEqual({
      "x-ratelimit-limit-requests": "10000",
      "x-ratelimit-remaining-requests": "165",
      "x-ratelimit-reset-requests": "6ms",
      "x-ratelimit-limit-tokens": "2000000",
      "x-ratelimit-remaining-tokens": "0",
      "x-ratelimit-reset-tokens": "1.001s",
    });
  });

  test("write durations as OpenAI does", () => {
    expect([0, 12, 999, 1000, 1500, 60_000, 360_000, 90_951, 3_723_000].map(formatDuration)).toEqual([
      "0ms",
      "12ms",
      "999ms",
      "1s",
      "1.5s",
      "1m0s",
      "6m0s",
      "1m30.951s",
      "1h2m3s",
    ]);
  });

  test("of Anthropic tell times in RFC 3339 and tokens in thousands, the tighter of input and output twice", () => {
    const now = Date.parse("2026-11-23T10:00:00.200Z");
    const headers = anthropicLimitHeaders(
      [
        { dimension: "rpm", limit: 4000, level: 65.9, capacity: 66.7, fullInMs: 12 },
        { dimension: "itpm", limit: 4_000_000, level: 61_740, capacity: 66_667, fullInMs: 74 },
        { dimension: "otpm", limit: 800_000, level: 3499, capacity: 13_333, fullInMs: 900 },
      ],
      now,
    );
    expect(headers).toMatchObject({
      "anthropic-ratelimit-requests-limit": "4000",
      "anthropic-ratelimit-requests-remaining": "65",
      "anthropic-ratelimit-requests-reset": "2026-11-23T10:00:01Z",
      "anthropic-ratelimit-input-tokens-remaining": "62000",
      "anthropic-ratelimit-output-tokens-remaining": "3000",
      "anthropic-ratelimit-output-tokens-reset": "2026-11-23T10:00:02Z",
      "anthropic-ratelimit-tokens-limit": "800000",
      "anthropic-ratelimit-tokens-remaining": "3000",
    });
  });
});
