import Anthropic from "@anthropic-ai/sdk";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

import { createSimulator, type Simulator } from "../../src/simulator/simulator.ts";

let simulator: Simulator;
let url: string;
const clientFor = (apiKey = "sk-ant-right") => new Anthropic({ baseURL: `${url}/anthropic`, apiKey, maxRetries: 0 });
const ask = (
  model: string,
  content = "Hello there",
  more: Partial<Anthropic.MessageCreateParamsNonStreaming> = {},
): Anthropic.MessageCreateParamsNonStreaming => ({
  model,
  max_tokens: 500,
  messages: [{ role: "user", content }],
  ...more,
});

beforeAll(async () => {
  simulator = createSimulator({
    port: 0,
    vendors: {
      anthropic: {
        kind: "anthropic",
        apiKey: "sk-ant-right",
        models: {
          plain: { limits: { rpm: 60_000, itpm: 6_000_000, otpm: 3_000_000 }, contextWindow: 1000 },
          tight: { limits: { rpm: 6000, itpm: 60_000, otpm: 600 } },
          cached: { cachedShare: 0.5, cacheWriteShare: 0.25, price: { input: 1, cachedInput: 0.1, cacheWrite: 1.25, output: 5 } },
        },
      },
    },
  });
  ({ url } = await simulator.start());
});
afterAll(() => simulator.stop());
afterEach(() => simulator.reset());

describe("a simulated Anthropic, through the official client", () => {
  test("answers a message, labelled simulated", async () => {
    const { data, response } = await clientFor()
      .messages.create(ask("plain", "Hello there", { system: "Be kind." }))
      .withResponse();
    expect(data).toMatchObject({
      type: "message",
      role: "assistant",
      model: "plain",
      stop_reason: "end_turn",
      content: [{ type: "text" }],
    });
    expect(data.id).toMatch(/^sim-/);
    expect(data.usage.input_tokens).toBe(5);
    expect(response.headers.get("x-modelfleet-simulated")).toBe("true");
    expect(response.headers.get("request-id")).toMatch(/^sim-req-/);
  });

  test("tells its limits in its own headers", async () => {
    const { response } = await clientFor().messages.create(ask("plain")).withResponse();
    for (const name of ["requests", "input-tokens", "output-tokens", "tokens"]) {
      expect(Number(response.headers.get(`anthropic-ratelimit-${name}-limit`))).toBeGreaterThan(0);
      expect(response.headers.get(`anthropic-ratelimit-${name}-reset`)).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    }
    expect(Number(response.headers.get("anthropic-ratelimit-input-tokens-remaining")) % 1000).toBe(0);
  });

  test("lists its models", async () => {
    const page = await clientFor().models.list();
    expect(page.data.map((model) => model.id)).toEqual(["plain", "tight", "cached"]);
  });

  test("gives JSON of the schema asked for, as output format or as a forced tool", async () => {
    const schema = { type: "object" as const, required: ["label"], properties: { label: { enum: ["a", "b"] } } };
    const formatted = await clientFor().messages.create(
      ask("plain", "Sort", { output_config: { format: { type: "json_schema", schema } } }),
    );
    const text = formatted.content[0]?.type === "text" ? formatted.content[0].text : "";
    expect(["a", "b"]).toContain((JSON.parse(text) as { label: string }).label);

    const tooled = await clientFor().messages.create(
      ask("plain", "Sort", { tools: [{ name: "sort", input_schema: schema }], tool_choice: { type: "tool", name: "sort" } }),
    );
    expect(tooled).toMatchObject({
      stop_reason: "tool_use",
      content: [{ type: "tool_use", name: "sort", input: { label: expect.stringMatching(/^[ab]$/) as string } }],
    });
  });

  test("cuts off at max_tokens", async () => {
    const message = await clientFor().messages.create(ask("plain", "Hello", { max_tokens: 3 }));
    expect(message).toMatchObject({ stop_reason: "max_tokens", usage: { output_tokens: 3 } });
  });

  test("leaves cached parts out of input_tokens and tells them apart, at their own prices", async () => {
    const message = await clientFor().messages.create(ask("cached", "x".repeat(4000)));
    expect(message.usage).toMatchObject({ input_tokens: 250, cache_read_input_tokens: 500, cache_creation_input_tokens: 250 });
    const booked = simulator.ledger().total;
    expect(booked).toMatchObject({ inputTokens: 1000, cachedInputTokens: 500, cacheWriteTokens: 250 });
    expect(booked.costNanoUsd).toBe(250 * 1000 + 500 * 100 + 250 * 1250 + booked.outputTokens * 5000);
  });

  test("refuses wrong keys, unknown models and malformed requests as Anthropic does", async () => {
    const client = clientFor();
    const create = (body: object) => client.messages.create(body as Anthropic.MessageCreateParamsNonStreaming);
    const { max_tokens: _maxTokens, ...unlimited } = ask("plain");
    await expect(clientFor("sk-wrong").messages.create(ask("plain"))).rejects.toMatchObject({ status: 401, type: "authentication_error" });
    await expect(create(ask("claude-9"))).rejects.toMatchObject({
      status: 404,
      type: "not_found_error",
      message: expect.stringContaining("model: claude-9") as string,
    });
    await expect(create(unlimited)).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining("max_tokens: Field required") as string,
    });
    await expect(create(ask("plain", ""))).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining("non-empty content") as string,
    });
    await expect(create({ ...ask("plain"), messages: [{ role: "system", content: "x" }] })).rejects.toMatchObject({ status: 400 });
    await expect(create({ ...ask("plain"), stream: true })).rejects.toMatchObject({ status: 400 });
    const bare = await fetch(`${url}/anthropic/v1/messages`, {
      method: "POST",
      body: JSON.stringify(ask("plain")),
      headers: { "x-api-key": "sk-ant-right" },
    });
    expect(await bare.json()).toMatchObject({
      type: "error",
      error: { message: "anthropic-version: header is required" },
      request_id: expect.stringMatching(/^sim-req/) as string,
    });
  });

  test("refuses what is longer than the context window", async () => {
    await expect(clientFor().messages.create(ask("plain", "x".repeat(4004)))).rejects.toMatchObject({
      status: 400,
      type: "invalid_request_error",
      message: expect.stringContaining("prompt is too long: 1001 tokens > 1000 maximum") as string,
    });
  });

  test("charges output when it is produced, whatever max_tokens says, and refuses while in debt", async () => {
    const client = clientFor();
    await client.messages.create(ask("tight", "Hi", { max_tokens: 8000 }));
    const error = (await client.messages.create(ask("tight")).catch((caught: unknown) => caught)) as { headers: Headers };
    expect(error).toMatchObject({
      status: 429,
      type: "rate_limit_error",
      message: expect.stringContaining("600 output tokens per minute") as string,
    });
    expect(Number(error.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
    expect(error.headers.get("anthropic-ratelimit-output-tokens-remaining")).toBe("0");
  });
});
