import { describe, expect, it } from "vitest";
import { readAnthropicLimits } from "../../src/providers/anthropic-headers.ts";

const NOW = Date.parse("2026-11-01T00:00:00Z");
const read = (headers: Record<string, string>) => readAnthropicLimits(new Headers(headers), NOW);

describe("Anthropic's limit headers", () => {
  it("turn their times into durations", () => {
    const headers = {
      "anthropic-ratelimit-requests-limit": "50",
      "anthropic-ratelimit-requests-remaining": "49",
      "anthropic-ratelimit-requests-reset": "2026-11-01T00:00:01.200Z",
    };
    expect(read(headers)).toEqual([{ dimension: "rpm", limit: 50, remaining: 49, resetMs: 1_200 }]);
  });

  it("are read as the tokens of both directions only where those are not told apart", () => {
    const both = { "anthropic-ratelimit-tokens-remaining": "5", "anthropic-ratelimit-output-tokens-remaining": "6" };
    expect(read(both)).toEqual([{ dimension: "otpm", remaining: 6 }]);
    expect(read({ "anthropic-ratelimit-tokens-remaining": "5" })).toEqual([{ dimension: "tpm", remaining: 5 }]);
  });

  it("have no reset where the time can't be read", () => {
    expect(read({ "anthropic-ratelimit-requests-remaining": "1", "anthropic-ratelimit-requests-reset": "later" })).toEqual([
      { dimension: "rpm", remaining: 1 },
    ]);
  });
});
