// What servers that speak OpenAI's format say of tokens, in every shape known, and what it comes to. Shapes are as the sources beside them give them.

import { describe, expect, it } from "vitest";
import { callCostNanoUsd } from "../../src/cost/call-cost.ts";
import type { JsonObject } from "../../src/job/json.ts";
import type { Usage } from "../../src/job/usage.ts";
import { readOpenAiUsage } from "../../src/providers/openai-usage.ts";

const PRICE = { input: 2_000_000, output: 10_000_000, cachedInput: 200_000, cacheWrite: 2_500_000 };

/** As vendors send it: text, so that numbers beyond a double are what JSON makes of them. */
function read(json: string): Usage | undefined {
  return readOpenAiUsage(JSON.parse(json) as JsonObject);
}

function told(counts: object): Usage | undefined {
  return read(JSON.stringify(counts));
}

describe("the tokens of an answer", () => {
  it("OpenAI's hold the reasoning in the output", () => {
    // developers.openai.com/api/reference: "counted in the total completion tokens for purposes of billing".
    const usage = {
      prompt_tokens: 2_006,
      completion_tokens: 300,
      total_tokens: 2_306,
      prompt_tokens_details: { cached_tokens: 1_920 },
      completion_tokens_details: { reasoning_tokens: 256 },
    };
    expect(told(usage)).toEqual({
      inputTokens: 2_006,
      cachedInputTokens: 1_920,
      cacheWriteTokens: 0,
      outputTokens: 300,
      reasoningTokens: 256,
    });
  });

  it("xAI's leave it out of the output, and have it in the total", () => {
    // github.com/Wei-Shaw/sub2api/issues/5771, with xAI's own word on the cost: 232,856,000 ticks of 1e-10 dollars.
    const usage = told({
      prompt_tokens: 10_120,
      completion_tokens: 1_499,
      total_tokens: 14_428,
      prompt_tokens_details: { cached_tokens: 128 },
      completion_tokens_details: { reasoning_tokens: 2_809 },
    });
    expect(usage).toMatchObject({ inputTokens: 10_120, outputTokens: 1_499 + 2_809, reasoningTokens: 2_809 });
    expect(callCostNanoUsd(usage!, { input: 1_250_000, cachedInput: 200_000, cacheWrite: 1_250_000, output: 2_500_000 })).toBe(23_285_600);
  });

  it("reasoning that is larger than the output lies beside it, also where no total tells", () => {
    // github.com/vercel/ai/pull/12425 (grok-3-mini); github.com/MapleTechLabs/maple/pull/824 (OpenRouter).
    expect(
      told({ prompt_tokens: 12, completion_tokens: 1, total_tokens: 399, completion_tokens_details: { reasoning_tokens: 386 } }),
    ).toMatchObject({ outputTokens: 387 });
    expect(told({ prompt_tokens: 50, completion_tokens: 293, completion_tokens_details: { reasoning_tokens: 321 } })).toMatchObject({
      outputTokens: 293 + 321,
      reasoningTokens: 321,
    });
    // Perplexity's deep research tells it at the top.
    expect(told({ prompt_tokens: 7, completion_tokens: 3_581, total_tokens: 3_588, reasoning_tokens: 107_236 })).toMatchObject({
      outputTokens: 3_581 + 107_236,
      reasoningTokens: 107_236,
    });
  });

  it("Gemini's thoughts stand in the total alone, behind some gateways", () => {
    // github.com/mozilla-ai/any-llm/issues/1290; github.com/router-for-me/CLIProxyAPI/issues/5733.
    expect(told({ prompt_tokens: 20, completion_tokens: 198, total_tokens: 623 })).toMatchObject({ inputTokens: 20, outputTokens: 603 });
    expect(
      told({ prompt_tokens: 21, completion_tokens: 0, total_tokens: 81, completion_tokens_details: { reasoning_tokens: 60 } }),
    ).toMatchObject({ inputTokens: 21, outputTokens: 60, reasoningTokens: 60 });
  });

  it("what the total has more than prompt and answer is input where it is just what the cache took", () => {
    // Portkey before Anthropic: github.com/Portkey-AI/gateway/pull/1754.
    const portkey = {
      prompt_tokens: 12,
      completion_tokens: 40,
      total_tokens: 12 + 40 + 5_000 + 300,
      cache_read_input_tokens: 5_000,
      cache_creation_input_tokens: 300,
      prompt_tokens_details: { cached_tokens: 5_000 },
    };
    expect(told(portkey)).toEqual({
      inputTokens: 5_312,
      cachedInputTokens: 5_000,
      cacheWriteTokens: 300,
      outputTokens: 40,
      reasoningTokens: 0,
    });
  });

  it("cached input is found where Moonshot and DeepSeek tell it", () => {
    // github.com/promptfoo/promptfoo/pull/10132; api-docs.deepseek.com/guides/kv_cache.
    const moonshot = told({ prompt_tokens: 10_000, completion_tokens: 20, total_tokens: 10_020, cached_tokens: 9_000 });
    expect(moonshot).toMatchObject({ inputTokens: 10_000, cachedInputTokens: 9_000, outputTokens: 20 });
    expect(callCostNanoUsd(moonshot!, PRICE)).toBe(2_000_000 + 1_800_000 + 200_000);
    expect(
      told({ prompt_tokens: 100, completion_tokens: 5, total_tokens: 105, prompt_cache_hit_tokens: 64, prompt_cache_miss_tokens: 36 }),
    ).toMatchObject({ inputTokens: 100, cachedInputTokens: 64 });
    expect(
      told({ prompt_tokens: 100, completion_tokens: 5, cached_tokens: 90, prompt_tokens_details: { cached_tokens: 64 } }),
    ).toMatchObject({ cachedInputTokens: 64 });
  });

  it("a part is never larger than the whole", () => {
    const usage = told({
      prompt_tokens: 100,
      completion_tokens: 9,
      prompt_tokens_details: { cached_tokens: 500, cache_write_tokens: 7 },
      completion_tokens_details: { reasoning_tokens: 9 },
    });
    expect(usage).toEqual({ inputTokens: 100, cachedInputTokens: 100, cacheWriteTokens: 0, outputTokens: 9, reasoningTokens: 9 });
  });

  it("a total that is less than its parts, or no number, says nothing", () => {
    for (const total of ["3", "0", "-1", "1e400", "1e20", '"160"', "null", "[]"])
      expect(read(`{"prompt_tokens":120,"completion_tokens":40,"total_tokens":${total}}`)).toMatchObject({
        inputTokens: 120,
        outputTokens: 40,
      });
  });

  it("one of the two may be left out: the total has it, or it is none", () => {
    expect(told({ prompt_tokens: 9 })).toMatchObject({ inputTokens: 9, outputTokens: 0 });
    expect(told({ prompt_tokens: 9, completion_tokens: null, total_tokens: 30 })).toMatchObject({ inputTokens: 9, outputTokens: 21 });
    expect(told({ completion_tokens: 5, total_tokens: 105 })).toMatchObject({ inputTokens: 100, outputTokens: 5 });
  });

  it.each([
    "{}",
    '{"prompt_tokens":null,"completion_tokens":null,"total_tokens":null}',
    '{"total_tokens":40}',
    // Servers that don't count fill in zeros: no call takes none.
    '{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}',
    '{"prompt_tokens":1e400,"completion_tokens":1}',
    '{"prompt_tokens":1e20,"completion_tokens":1}',
    '{"prompt_tokens":1000000001,"completion_tokens":1}',
    '{"prompt_tokens":10,"completion_tokens":-1}',
    '{"prompt_tokens":10.5,"completion_tokens":1}',
    '{"prompt_tokens":"10","completion_tokens":1}',
    '{"prompt_tokens":10,"completion_tokens":{}}',
  ])("are not told by %s", (json) => {
    expect(read(json)).toBeUndefined();
  });

  it("parts that can't be are left out, and the rest stays", () => {
    expect(
      read('{"prompt_tokens":10,"completion_tokens":2,"cached_tokens":1e400,"completion_tokens_details":{"reasoning_tokens":-3}}'),
    ).toEqual({ inputTokens: 10, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 2, reasoningTokens: 0 });
  });

  it("whatever they are, a cost comes of them", () => {
    const odd = ["1e400", "-1e400", "1e20", "1e9", "-7", "0.5", "null", '"x"', "[]", "{}", "true", "0", "12"];
    const usages = odd.flatMap((prompt) =>
      odd.flatMap((completion) =>
        odd.flatMap((other) => {
          const parts = `"total_tokens":${other},"cached_tokens":${other},"completion_tokens_details":{"reasoning_tokens":${other}}`;
          return read(`{"prompt_tokens":${prompt},"completion_tokens":${completion},${parts}}`) ?? [];
        }),
      ),
    );
    expect(usages.length).toBeGreaterThan(100);
    expect(usages.map((usage) => callCostNanoUsd(usage, PRICE)).filter((cost) => !Number.isSafeInteger(cost))).toEqual([]);
  });
});
