import OpenAI from "openai";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

import { createSimulator, type Simulator } from "../../src/simulator/simulator.ts";

let simulator: Simulator;
let url: string;
const clientFor = (vendor: string, apiKey = "sk-right") => new OpenAI({ baseURL: `${url}/${vendor}/v1`, apiKey, maxRetries: 0 });
const ask = (
  model: string,
  content = "Hello there",
  more: Partial<OpenAI.ChatCompletionCreateParamsNonStreaming> = {},
): OpenAI.ChatCompletionCreateParamsNonStreaming => ({
  model,
  messages: [{ role: "user", content }],
  ...more,
});

beforeAll(async () => {
  simulator = createSimulator({
    port: 0,
    vendors: {
      openai: {
        kind: "openai",
        apiKey: "sk-right",
        models: {
          plain: { limits: { rpm: 60_000, tpm: 600_000 }, contextWindow: 1000, maxOutputTokens: 500 },
          tight: { limits: { rpm: 60, tpm: 60_000 } },
          thinking: { reasoningTokens: 40, cachedShare: 0.5 },
          "org/slashed": {},
        },
      },
      local: { kind: "openai-compatible", models: { llama: { limits: { rpm: 1 } } } },
    },
  });
  ({ url } = await simulator.start());
});
afterAll(() => simulator.stop());
afterEach(() => simulator.reset());

describe("a simulated OpenAI, through the official client", () => {
  test("answers a chat completion, labelled simulated", async () => {
    const { data, response } = await clientFor("openai").chat.completions.create(ask("plain")).withResponse();
    expect(data).toMatchObject({ object: "chat.completion", model: "plain", system_fingerprint: "simulated" });
    expect(data.id).toMatch(/^sim-/);
    expect(data.choices[0]).toMatchObject({ finish_reason: "stop", message: { role: "assistant" } });
    expect(data.usage).toMatchObject({ prompt_tokens: 3, total_tokens: 3 + (data.usage?.completion_tokens ?? 0) });
    expect(response.headers.get("x-modelfleet-simulated")).toBe("true");
    expect(response.headers.get("x-request-id")).toMatch(/^sim-req-/);
    expect(response.headers.get("content-length")).toBeTruthy();
  });

  test("tells its limits from its buckets", async () => {
    const { response } = await clientFor("openai")
      .chat.completions.create(ask("plain", "x".repeat(400)))
      .withResponse();
    expect(response.headers.get("x-ratelimit-limit-requests")).toBe("60000");
    expect(response.headers.get("x-ratelimit-limit-tokens")).toBe("600000");
    expect(Number(response.headers.get("x-ratelimit-remaining-tokens"))).toBeLessThanOrEqual(10_000);
    expect(response.headers.get("x-ratelimit-reset-tokens")).toMatch(/^\d+ms$/);
  });

  test("lists its models and shows one", async () => {
    const page = await clientFor("openai").models.list();
    expect(page.data.map((model) => model.id)).toEqual(["plain", "tight", "thinking", "org/slashed"]);
    expect((await clientFor("openai").models.retrieve("org/slashed")).id).toBe("org/slashed");
    await expect(clientFor("openai").models.retrieve("gpt-9")).rejects.toMatchObject({ status: 404, code: "model_not_found" });
  });

  test("gives JSON of the schema asked for", async () => {
    const schema = { type: "object", required: ["score"], properties: { score: { type: "integer", minimum: 1, maximum: 5 } } };
    const done = await clientFor("openai").chat.completions.create(
      ask("plain", "Rate it", { response_format: { type: "json_schema", json_schema: { name: "rating", schema } } }),
    );
    const { score } = JSON.parse(done.choices[0]?.message.content ?? "") as { score: number };
    expect([1, 2, 3, 4, 5]).toContain(score);
  });

  test("calls a tool it is forced to call", async () => {
    const tool: OpenAI.ChatCompletionTool = {
      type: "function",
      function: { name: "rate", parameters: { type: "object", required: ["ok"], properties: { ok: { type: "boolean" } } } },
    };
    const done = await clientFor("openai").chat.completions.create(
      ask("plain", "Rate it", { tools: [tool], tool_choice: { type: "function", function: { name: "rate" } } }),
    );
    const call = done.choices[0]?.message.tool_calls?.[0];
    expect(call?.type === "function" && call.function.name).toBe("rate");
    expect(call?.type === "function" && JSON.parse(call.function.arguments)).toEqual({ ok: expect.any(Boolean) as boolean });
  });

  test("cuts off at max_tokens", async () => {
    const done = await clientFor("openai").chat.completions.create(ask("plain", "Hello", { max_completion_tokens: 5 }));
    expect(done.choices[0]).toMatchObject({ finish_reason: "length" });
    expect(done.choices[0]?.message.content?.length).toBeLessThanOrEqual(20);
    expect(done.usage?.completion_tokens).toBe(5);
  });

  test("tells cached and reasoning tokens", async () => {
    const done = await clientFor("openai").chat.completions.create(ask("thinking", "x".repeat(80)));
    expect(done.usage?.prompt_tokens_details?.cached_tokens).toBe(10);
    expect(done.usage?.completion_tokens_details?.reasoning_tokens).toBe(40);
    expect(done.usage?.completion_tokens).toBeGreaterThan(40);
  });

  test("refuses wrong keys, unknown models and malformed requests as OpenAI does", async () => {
    const client = clientFor("openai");
    const create = (body: object) => client.chat.completions.create(body as OpenAI.ChatCompletionCreateParamsNonStreaming);
    await expect(clientFor("openai", "sk-wrong").chat.completions.create(ask("plain"))).rejects.toMatchObject({
      status: 401,
      code: "invalid_api_key",
    });
    await expect(create(ask("gpt-9"))).rejects.toMatchObject({ status: 404, code: "model_not_found" });
    await expect(create({ messages: [] })).rejects.toMatchObject({ status: 400, type: "invalid_request_error" });
    await expect(create({ model: "plain" })).rejects.toMatchObject({ status: 400, param: "messages", code: "missing_required_parameter" });
    await expect(create({ model: "plain", messages: [{ role: "robot", content: "x" }] })).rejects.toMatchObject({
      status: 400,
      param: "messages[0].role",
    });
    await expect(create({ ...ask("plain"), stream: true })).rejects.toMatchObject({ status: 400, param: "stream" });
    await expect(create({ ...ask("plain"), max_tokens: 501 })).rejects.toMatchObject({ status: 400, param: "max_tokens" });
    expect(simulator.ledger().vendors["openai"]?.total.errors).toEqual({ 400: 5, 401: 1, 404: 1 });
  });

  test("refuses what is longer than the context window", async () => {
    await expect(clientFor("openai").chat.completions.create(ask("plain", "x".repeat(4004)))).rejects.toMatchObject({
      status: 400,
      code: "context_length_exceeded",
      param: "messages",
      message: expect.stringContaining("maximum context length is 1000 tokens. However, your messages resulted in 1001 tokens") as string,
    });
    await expect(clientFor("openai").chat.completions.create(ask("plain", "x".repeat(3200), { max_tokens: 300 }))).rejects.toMatchObject({
      code: "context_length_exceeded",
    });
  });

  test("refuses above its rate with 429, retry-after in seconds and milliseconds, and takes nothing for it", async () => {
    const client = clientFor("openai");
    await client.chat.completions.create(ask("tight"));
    const error = await client.chat.completions
      .create(ask("tight"))
      .catch((caught: unknown) => caught as InstanceType<typeof OpenAI.APIError>);
    expect(error).toMatchObject({ status: 429, type: "requests", code: "rate_limit_exceeded" });
    const headers = (error as { headers: Headers }).headers;
    expect(headers.get("retry-after")).toBe("1");
    expect(Number(headers.get("retry-after-ms"))).toBeLessThanOrEqual(1000);
    expect(headers.get("x-ratelimit-remaining-requests")).toBe("0");
    expect(simulator.ledger().vendors["openai"]?.total).toMatchObject({ calls: 2, answered: 1, refused429: 1, errors: {} });
  });

  test("charges max_tokens against its tokens up front", async () => {
    const client = clientFor("openai");
    await expect(client.chat.completions.create(ask("tight", "Hi", { max_tokens: 60_001 }))).rejects.toMatchObject({
      status: 429,
      type: "tokens",
      message: expect.stringContaining("Request too large") as string,
    });
    simulator.reset();
    const { response } = await client.chat.completions.create(ask("tight", "Hi", { max_tokens: 30_000 })).withResponse();
    expect(response.headers.get("x-ratelimit-remaining-tokens")).toBe("0");
    const reset = /^([\d.]+)s$/.exec(response.headers.get("x-ratelimit-reset-tokens") ?? "");
    expect(Number(reset?.[1])).toBeGreaterThan(25);
  });

  test("as a compatible server tells nothing of its limits", async () => {
    const client = clientFor("local");
    const { response } = await client.chat.completions.create(ask("llama")).withResponse();
    const error = (await client.chat.completions.create(ask("llama")).catch((caught: unknown) => caught)) as {
      status: number;
      headers: Headers;
    };
    expect(error.status).toBe(429);
    for (const headers of [response.headers, error.headers]) {
      expect([...headers.keys()].filter((name) => /ratelimit|retry|openai/.test(name))).toEqual([]);
    }
  });
});
