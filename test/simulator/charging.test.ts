import { describe, expect, test } from "vitest";

import { chargingPolicy } from "../../src/simulator/charging.ts";
import { createSimulator } from "../../src/simulator/simulator.ts";
import type { SimulatorOptionsInput } from "../../src/simulator/simulator-options.ts";
import { createManualClock } from "../support/manual-clock.ts";

const usage = { inputTokens: 1000, cachedInputTokens: 400, cacheWriteTokens: 100, outputTokens: 50, reasoningTokens: 0 };

const levels = (simulator: ReturnType<typeof createSimulator>, vendor: string) =>
  Object.fromEntries(
    simulator.state().vendors[vendor]?.models["m"]?.limits.map((limit) => [limit.dimension, Math.round(limit.level)]) ?? [],
  );

async function simulate(options: SimulatorOptionsInput) {
  const clock = createManualClock();
  const simulator = createSimulator({ port: 0, ...options }, { clock });
  const { url } = await simulator.start();
  return { clock, simulator, url };
}
const post = (url: string, body: object) =>
  fetch(url, {
    method: "POST",
    headers: { "anthropic-version": "2023-06-01" },
    body: JSON.stringify({ model: "m", messages: [{ role: "user", content: "x".repeat(400) }], ...body }),
  });

describe("charging", () => {
  test("at OpenAI takes the larger of max_tokens and the estimate, at once and for good", () => {
    const policy = chargingPolicy("openai", "produced");
    expect(policy.upFront({ inputCharacters: 401, maxOutputTokens: undefined, usage })).toEqual({ rpm: 1, tpm: 101 });
    expect(policy.upFront({ inputCharacters: 401, maxOutputTokens: 5000, usage })).toEqual({ rpm: 1, tpm: 5000 });
    expect(policy.atEnd({ maxOutputTokens: 5000, usage })).toEqual({});
  });

  test("at Anthropic leaves cache reads out, and max_tokens too", () => {
    const policy = chargingPolicy("anthropic", "produced");
    expect(policy.upFront({ inputCharacters: 0, maxOutputTokens: 64_000, usage })).toEqual({ rpm: 1, itpm: 600, otpm: 0 });
  });

  test("at Anthropic by the old rule reserves max_tokens and corrects at the end", () => {
    const policy = chargingPolicy("anthropic", "reserved");
    expect(policy.upFront({ inputCharacters: 0, maxOutputTokens: 64_000, usage })).toEqual({ rpm: 1, itpm: 600, otpm: 64_000 });
    expect(policy.atEnd({ maxOutputTokens: 64_000, usage })).toEqual({ otpm: 50 - 64_000 });
  });
});

describe("a vendor's buckets, under a clock turned by hand", () => {
  test("failed and refused calls count at OpenAI", async () => {
    const { simulator, url, clock } = await simulate({
      vendors: { v: { kind: "openai", burstSeconds: 60, models: { m: { limits: { rpm: 10, tpm: 1000 } } } } },
    });
    simulator.setFault({ vendor: "v", fault: "outage" });
    expect((await post(`${url}/v/v1/chat/completions`, {})).status).toBeGreaterThanOrEqual(500);
    expect(levels(simulator, "v")).toEqual({ rpm: 9, tpm: 900 });
    simulator.clearFaults();
    expect((await post(`${url}/v/v1/chat/completions`, { max_tokens: 950 })).status).toBe(429);
    expect(levels(simulator, "v")).toEqual({ rpm: 8, tpm: 900 });
    await clock.advance(3000);
    expect((await post(`${url}/v/v1/chat/completions`, { max_tokens: 950 })).status).toBe(200);
    await simulator.stop();
  });

  test("failed calls don't count at Anthropic", async () => {
    const { simulator, url } = await simulate({
      vendors: { v: { kind: "anthropic", burstSeconds: 60, models: { m: { limits: { rpm: 10, itpm: 1000 } } } } },
    });
    simulator.setFault({ vendor: "v", fault: "overloaded" });
    expect((await post(`${url}/v/v1/messages`, { max_tokens: 10 })).status).toBe(529);
    expect(levels(simulator, "v")).toEqual({ rpm: 10, itpm: 1000 });
    await simulator.stop();
  });

  test("Anthropic's output leaves its bucket while it is being produced", async () => {
    const { simulator, url, clock } = await simulate({
      vendors: {
        v: {
          kind: "anthropic",
          burstSeconds: 60,
          latency: { baseMs: 1000 },
          models: { m: { limits: { otpm: 6000 }, reasoningTokens: 2985 } },
        },
      },
    });
    const answer = post(`${url}/v/v1/messages`, { max_tokens: 5000 });
    while (simulator.ledger().total.calls === 0) await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(500);
    // About 3,000 tokens in a second, and 100 refilled: halfway, half of both.
    expect(levels(simulator, "v")["otpm"]).toBeCloseTo(6000 + 50 - 1500, -2);
    await clock.advance(500);
    expect((await answer).status).toBe(200);
    expect(levels(simulator, "v")["otpm"]).toBeCloseTo(6000 + 100 - simulator.ledger().total.outputTokens, -2);
    await simulator.stop();
  });

  test("by the old rule Anthropic reserves max_tokens until the answer is there", async () => {
    const { simulator, url, clock } = await simulate({
      vendors: {
        v: {
          kind: "anthropic",
          outputCharging: "reserved",
          burstSeconds: 60,
          latency: { baseMs: 100 },
          models: { m: { limits: { otpm: 6000 } } },
        },
      },
    });
    const answer = post(`${url}/v/v1/messages`, { max_tokens: 5000 });
    while (simulator.ledger().total.calls === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(levels(simulator, "v")["otpm"]).toBe(1000);
    expect((await post(`${url}/v/v1/messages`, { max_tokens: 2000 })).status).toBe(429);
    await clock.advance(100);
    await answer;
    expect(levels(simulator, "v")["otpm"]).toBe(6000 + 10 - simulator.ledger().total.outputTokens);
    await simulator.stop();
  });

  test("the account's limits bind all its models together", async () => {
    const { simulator, url } = await simulate({
      vendors: { v: { kind: "openai", burstSeconds: 60, limits: { rpm: 2 }, models: { m: {}, n: {} } } },
    });
    const statuses = [];
    for (const model of ["m", "n", "m"]) statuses.push((await post(`${url}/v/v1/chat/completions`, { model })).status);
    expect(statuses).toEqual([200, 200, 429]);
    await simulator.stop();
  });

  test("calls above the concurrency are refused while others are under way", async () => {
    const { simulator, url, clock } = await simulate({
      vendors: { v: { kind: "openai", latency: { baseMs: 50 }, models: { m: { limits: { concurrency: 1 } } } } },
    });
    const first = post(`${url}/v/v1/chat/completions`, {});
    while (simulator.ledger().total.calls === 0) await new Promise((resolve) => setImmediate(resolve));
    expect((await post(`${url}/v/v1/chat/completions`, {})).status).toBe(429);
    await clock.advance(50);
    expect((await first).status).toBe(200);
    expect(simulator.ledger().vendors["v"]?.models["m"]).toMatchObject({ calls: 2, answered: 1, refused429: 1, maxConcurrent: 1 });
    await simulator.stop();
  });
});
