import OpenAI from "openai";
import { afterEach, describe, expect, test } from "vitest";

import { costNanoUsd, toPrice } from "../../src/simulator/call-price.ts";
import { createSimulator, type Simulator } from "../../src/simulator/simulator.ts";
import { promptDigest } from "../../src/simulator/simulator-ledger.ts";
import type { SimulatorOptionsInput } from "../../src/simulator/simulator-options.ts";
import { createManualClock } from "../support/manual-clock.ts";

let simulator: Simulator;
afterEach(() => simulator?.stop());

async function start(options: SimulatorOptionsInput): Promise<OpenAI> {
  simulator = createSimulator({ port: 0, ...options });
  const { url } = await simulator.start();
  return new OpenAI({ baseURL: `${url}/v/v1`, apiKey: "any", maxRetries: 0 });
}
const create = (client: OpenAI, content: string, signal?: AbortSignal) =>
  client.chat.completions.create({ model: "m", messages: [{ role: "user", content }] }, signal ? { signal } : {});

const usageOf = (inputTokens: number, outputTokens: number, cachedInputTokens = 0) => ({
  inputTokens,
  outputTokens,
  cachedInputTokens,
  cacheWriteTokens: 0,
  reasoningTokens: 0,
});

describe("the price of a call", () => {
  const price = toPrice({ input: 0.075, output: 0.3, cachedInput: 0.0375 });
  test("is exact in whole numbers", () => {
    expect(price).toEqual({ input: 75_000, output: 300_000, cachedInput: 37_500, cacheWrite: 75_000 });
    expect(costNanoUsd(usageOf(1000, 500), price)).toBe(75_000 + 150_000);
    expect(costNanoUsd(usageOf(1000, 500, 400), price)).toBe(45_000 + 15_000 + 150_000);
  });

  test("is rounded once, half up", () => {
    const fine = toPrice({ input: 0.0005, output: 0.0004 });
    expect(costNanoUsd(usageOf(1, 0), fine)).toBe(1);
    expect(costNanoUsd(usageOf(0, 1), fine)).toBe(0);
    expect(costNanoUsd(usageOf(1, 1), fine)).toBe(1);
    expect(costNanoUsd(usageOf(3, 0), fine)).toBe(2);
  });
});

describe("the ledger", () => {
  test("adds up what the callers were told, to the token and the nano-dollar", async () => {
    const client = await start({
      vendors: {
        v: {
          kind: "openai",
          models: { m: { price: { input: 0.0375, output: 0.15, cachedInput: 0.01 }, cachedShare: 0.3, reasoningTokens: 7 } },
        },
      },
    });
    const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => create(client, "word ".repeat(i + 1))));
    const price = toPrice({ input: 0.0375, output: 0.15, cachedInput: 0.01 });
    const told = answers.map(({ usage }) => ({
      inputTokens: usage?.prompt_tokens ?? 0,
      cachedInputTokens: usage?.prompt_tokens_details?.cached_tokens ?? 0,
      cacheWriteTokens: 0,
      outputTokens: usage?.completion_tokens ?? 0,
      reasoningTokens: usage?.completion_tokens_details?.reasoning_tokens ?? 0,
    }));
    const sum = (pick: (usage: (typeof told)[number]) => number) => told.reduce((total, usage) => total + pick(usage), 0);
    const { total, vendors } = simulator.ledger();
    expect(total).toMatchObject({
      calls: 50,
      answered: 50,
      refused429: 0,
      errors: {},
      inputTokens: sum((usage) => usage.inputTokens),
      cachedInputTokens: sum((usage) => usage.cachedInputTokens),
      outputTokens: sum((usage) => usage.outputTokens),
      reasoningTokens: 350,
      costNanoUsd: sum((usage) => costNanoUsd(usage, price)),
      undelivered: 0,
      aborted: 0,
    });
    expect(vendors["v"]?.models["m"]).toMatchObject({ calls: 50 });
  });

  test("books every call once, as answered, refused or failed", async () => {
    const client = await start({ vendors: { v: { kind: "openai", models: { m: { limits: { rpm: 600, tpm: 1e9 } } } } } });
    simulator.setFault({ vendor: "v", fault: "outage", share: 0.3 });
    await Promise.allSettled(Array.from({ length: 100 }, () => create(client, "Hello")));
    const { total } = simulator.ledger();
    expect(total.calls).toBe(100);
    expect(total.answered).toBeGreaterThan(0);
    expect(total.refused429).toBeGreaterThan(0);
    expect(total.answered + total.refused429 + Object.values(total.errors).reduce((sum, count) => sum + count, 0)).toBe(100);
  });

  test("bills an answer whose caller went away, and counts it undelivered", async () => {
    const client = await start({
      callLog: true,
      vendors: { v: { kind: "openai", latency: { baseMs: 60 }, models: { m: { price: { input: 1, output: 1 } } } } },
    });
    const abort = new AbortController();
    const call = create(client, "Hello", abort.signal);
    await expect.poll(() => simulator.ledger().total.calls).toBe(1);
    abort.abort();
    await expect(call).rejects.toThrow("aborted");
    await expect.poll(() => simulator.ledger().total).toMatchObject({ answered: 1, undelivered: 1, aborted: 1 });
    const { total, calls } = simulator.ledger();
    expect(total.undeliveredCostNanoUsd).toBe(total.costNanoUsd);
    expect(total.costNanoUsd).toBeGreaterThan(0);
    expect(calls).toMatchObject([{ ending: "answered", delivered: false }]);
  });

  test("measures the most calls under way at once", async () => {
    const client = await start({ vendors: { v: { kind: "openai", latency: { baseMs: 100 }, models: { m: {} } } } });
    await Promise.all(Array.from({ length: 8 }, () => create(client, "Hello")));
    expect(simulator.ledger().vendors["v"]?.models["m"]?.maxConcurrent).toBe(8);
  });

  test("tells what each model's calls were charged, by the vendor's policy, and when it was read", async () => {
    const clock = createManualClock();
    simulator = createSimulator(
      {
        port: 0,
        vendors: {
          o: { kind: "openai", models: { m: { limits: { rpm: 3, tpm: 600 } } }, burstSeconds: 60 },
          a: { kind: "anthropic", models: { m: {} } },
        },
      },
      { clock },
    );
    const { url } = await simulator.start();
    const messages = [{ role: "user" as const, content: "x".repeat(400) }];
    const openai = new OpenAI({ baseURL: `${url}/o/v1`, apiKey: "any", maxRetries: 0 });
    await openai.chat.completions.create({ model: "m", messages, max_tokens: 300 });
    await expect(openai.chat.completions.create({ model: "m", messages, max_tokens: 400 })).rejects.toMatchObject({ status: 429 });
    const headers = { "content-type": "application/json", "anthropic-version": "2023-06-01" };
    await fetch(`${url}/a/v1/messages`, { method: "POST", headers, body: JSON.stringify({ model: "m", max_tokens: 5, messages }) });
    const { atMs, vendors } = simulator.ledger();
    expect(atMs).toBe(clock.now());
    // The refused call takes a request at OpenAI, and no tokens.
    expect(vendors["o"]?.models["m"]).toMatchObject({ answered: 1, refused429: 1, charged: { rpm: 2, tpm: 300 } });
    expect(vendors["a"]?.models["m"]).toMatchObject({ answered: 1, charged: { rpm: 1, itpm: 100, otpm: 5 } });
    expect(simulator.ledger().total.charged).toEqual({ rpm: 3, tpm: 300, itpm: 100, otpm: 5 });
  });

  test("charges a failed call where the vendor counts failures", async () => {
    const client = await start({ vendors: { v: { kind: "openai", models: { m: {} } } } });
    simulator.setFault({ vendor: "v", fault: "outage" });
    await expect(create(client, "Hello")).rejects.toMatchObject({ status: expect.any(Number) as number });
    expect(simulator.ledger().total).toMatchObject({ answered: 0, charged: { rpm: 1, tpm: 2 } });
  });

  test("tells clients on the same account apart by the end of their keys", async () => {
    simulator = createSimulator({ port: 0, vendors: { v: { kind: "openai", models: { m: { limits: { rpm: 60 } } } } } });
    const { url } = await simulator.start();
    const clientOf = (apiKey: string) => new OpenAI({ baseURL: `${url}/v/v1`, apiKey, maxRetries: 0 });
    await create(clientOf("sk-ours-0001"), "Hello");
    await expect(create(clientOf("sk-theirs-0002"), "Hello")).rejects.toMatchObject({ status: 429 });
    expect(simulator.ledger().vendors["v"]?.clients).toMatchObject({
      "0001": { calls: 1, answered: 1, refused429: 0, charged: { rpm: 1 } },
      "0002": { calls: 1, answered: 0, refused429: 1 },
    });
  });

  test("names prompts in its call log by digest, so that repeated calls are seen", async () => {
    const client = await start({ callLog: true, vendors: { v: { kind: "openai", models: { m: {} } } } });
    for (const prompt of ["one", "two", "one"]) await create(client, prompt);
    const digests = simulator.ledger().calls?.map((call) => call.prompt);
    expect(digests).toEqual([promptDigest("one"), promptDigest("two"), promptDigest("one")]);
  });

  test("books calls to unknown models under one name", async () => {
    const client = await start({ vendors: { v: { kind: "openai", models: { m: {} } } } });
    for (const model of ["x", "y"])
      await expect(client.chat.completions.create({ model, messages: [{ role: "user", content: "Hi" }] })).rejects.toMatchObject({
        status: 404,
      });
    expect(simulator.ledger().vendors["v"]?.models).toMatchObject({ "(unknown)": { calls: 2, errors: { 404: 2 } } });
  });
});
