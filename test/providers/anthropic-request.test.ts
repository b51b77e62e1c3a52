import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JsonObject, JsonValue } from "../../src/job/json.ts";
import type { PromptRequest } from "../../src/job/request.ts";
import { toAnthropicParams } from "../../src/providers/anthropic-request.ts";
import type { Translation } from "../../src/providers/vendor-call.ts";
import { MODEL } from "../fixtures/providers/vendor-fixtures.ts";

const PROMPT: PromptRequest = { kind: "prompt", messages: [{ role: "user", content: "Ticket: late" }] };
const OUTPUT = { type: "object", required: ["label"], properties: { label: { enum: ["billing", "delivery"] } } };
const OLDER_MODEL = { ...MODEL, capabilities: { ...MODEL.capabilities, jsonSchema: false } };
const LARGE_MODEL = { ...MODEL, maxOutputTokens: 128_000 };

function paramsOf(request: Partial<PromptRequest>, model = MODEL): JsonObject {
  const translation = toAnthropicParams(model, { ...PROMPT, ...request });
  return translation.kind === "ready" ? translation.body : {};
}

function translate(body: JsonObject, model = MODEL): Translation {
  return toAnthropicParams(model, { kind: "openai-chat", body });
}

function weatherCall(id: string): JsonObject {
  return { id, type: "function", function: { name: "weather", arguments: '{"city":"Rome"}' } };
}

describe("a prompt for Anthropic", () => {
  it("has its system prompt apart and always a limit", () => {
    expect(toAnthropicParams(MODEL, { ...PROMPT, system: "You sort tickets." })).toEqual({
      kind: "ready",
      body: { model: "model-1", max_tokens: 4_096, system: "You sort tickets.", messages: [{ role: "user", content: "Ticket: late" }] },
    });
  });

  it("limits its answer by the request, at most by what the model can, and not absurdly otherwise", () => {
    const limits = [
      paramsOf({ maxOutputTokens: 50 }),
      paramsOf({ maxOutputTokens: 50_000 }),
      paramsOf({}, LARGE_MODEL),
      paramsOf({ maxOutputTokens: 50_000 }, LARGE_MODEL),
    ].map((params) => params.max_tokens);
    expect(limits).toEqual([50, 4_096, 16_384, 50_000]);
  });

  it("asks for its schema in the native format", () => {
    expect(toAnthropicParams(MODEL, { ...PROMPT, output: OUTPUT })).toMatchObject({
      kind: "ready",
      body: { output_config: { format: { type: "json_schema", schema: { additionalProperties: false, required: ["label"] } } } },
    });
  });

  it("makes an older model call a tool with the answer", () => {
    expect(toAnthropicParams(OLDER_MODEL, { ...PROMPT, output: OUTPUT })).toMatchObject({
      kind: "ready",
      answerTool: "answer",
      body: { tools: [{ name: "answer", input_schema: OUTPUT }], tool_choice: { type: "tool", name: "answer" } },
    });
  });

  it("puts a schema into words that the native format can't say", () => {
    const translation = toAnthropicParams(MODEL, { ...PROMPT, output: { type: "object", additionalProperties: { type: "string" } } });
    expect(translation).toMatchObject({ kind: "ready", body: { system: expect.stringContaining("JSON Schema") } });
    expect(translation).not.toHaveProperty("answerTool");
  });

  it("sends a temperature up to the vendor's highest, which is its default and therefore left out", () => {
    const temperatures = [0, 0.5, 1, 1.8].map((temperature) => paramsOf({ temperature }).temperature);
    expect(temperatures).toEqual([0, 0.5, undefined, undefined]);
  });
});

describe("an OpenAI body for Anthropic", () => {
  const user = { role: "user", content: "Hello?" };

  it("keeps conversation, limits and stop sequences", () => {
    const body = {
      model: "auto",
      messages: [
        { role: "system", content: "Be brief." },
        user,
        { role: "assistant", content: "Hi." },
        { role: "developer", content: [{ type: "text", text: "Be kind." }] },
        { role: "user", content: "And now?" },
      ],
      max_completion_tokens: 100,
      max_tokens: 7,
      temperature: 0.2,
      top_p: 0.9,
      stop: "END",
      user: "customer-1",
      stream: true,
      seed: 1,
      n: 1,
      frequency_penalty: 0,
      logit_bias: {},
      logprobs: null,
    };
    expect(translate(body)).toEqual({
      kind: "ready",
      body: {
        model: "model-1",
        max_tokens: 100,
        system: "Be brief.\n\nBe kind.",
        messages: [user, { role: "assistant", content: "Hi." }, { role: "user", content: "And now?" }],
        temperature: 0.2,
        top_p: 0.9,
        stop_sequences: ["END"],
        metadata: { user_id: "customer-1" },
      },
    });
  });

  it("keeps images, as data and as addresses", () => {
    const content: JsonValue = [
      { type: "text", text: "What is this?" },
      { type: "image_url", image_url: { url: "data:image/png;base64,aGk=" } },
      { type: "image_url", image_url: { url: "https://x.test/cat.jpg", detail: "low" } },
    ];
    expect(translate({ messages: [{ role: "user", content }] })).toMatchObject({
      body: {
        messages: [
          {
            role: "user",
            content: [
              { type: "text", text: "What is this?" },
              { type: "image", source: { type: "base64", media_type: "image/png", data: "aGk=" } },
              { type: "image", source: { type: "url", url: "https://x.test/cat.jpg" } },
            ],
          },
        ],
      },
    });
  });

  it("keeps tools, tool calls and their results, which join one user message", () => {
    const body: JsonObject = {
      messages: [
        user,
        { role: "assistant", content: null, tool_calls: [weatherCall("c1"), weatherCall("c2")] },
        { role: "tool", tool_call_id: "c1", content: "sun" },
        { role: "tool", tool_call_id: "c2", content: [{ type: "text", text: "rain" }] },
      ],
      tools: [{ type: "function", function: { name: "weather", description: "Tells.", parameters: { type: "object" }, strict: true } }],
      tool_choice: "required",
      parallel_tool_calls: false,
    };
    expect(translate(body)).toMatchObject({
      kind: "ready",
      body: {
        messages: [
          user,
          {
            role: "assistant",
            content: [
              { type: "tool_use", id: "c1", name: "weather", input: { city: "Rome" } },
              { type: "tool_use", id: "c2", name: "weather", input: { city: "Rome" } },
            ],
          },
          {
            role: "user",
            content: [
              { type: "tool_result", tool_use_id: "c1", content: "sun" },
              { type: "tool_result", tool_use_id: "c2", content: "rain" },
            ],
          },
        ],
        tools: [{ name: "weather", description: "Tells.", input_schema: { type: "object" }, strict: true }],
        tool_choice: { type: "any", disable_parallel_tool_use: true },
      },
    });
  });

  it.each([
    ["auto", { type: "auto" }],
    ["none", { type: "none" }],
    [
      { type: "function", function: { name: "f" } },
      { type: "tool", name: "f" },
    ],
  ])("keeps the choice of a tool: %j", (choice, expected) => {
    const tools = [{ type: "function", function: { name: "f" } }];
    expect(translate({ messages: [user], tools, tool_choice: choice })).toMatchObject({ body: { tool_choice: expected } });
  });

  it("keeps a schema for the answer, or asks for JSON in words", () => {
    const schema = { type: "json_schema", json_schema: { name: "x", schema: OUTPUT } };
    expect(translate({ messages: [user], response_format: schema })).toMatchObject({
      body: { output_config: { format: { type: "json_schema" } } },
    });
    expect(translate({ messages: [user], response_format: schema }, OLDER_MODEL)).toMatchObject({ answerTool: "answer" });
    expect(translate({ messages: [user], response_format: { type: "json_object" } })).toMatchObject({
      body: { system: expect.stringContaining("JSON object") },
    });
    expect(translate({ messages: [user], response_format: { type: "text" } })).toMatchObject({ kind: "ready" });
  });

  it.each<[string, JsonObject]>([
    ["several answers", { n: 2 }],
    ["log probabilities", { logprobs: true }],
    ["audio", { modalities: ["text", "audio"] }],
    ["a penalty", { presence_penalty: 0.5 }],
    ["a bias", { logit_bias: { "50256": -100 } }],
    ["functions of old", { functions: [] }],
    ["a web search", { web_search_options: {} }],
    ["a parameter nobody knows", { surprise: 1 }],
    ["a stop sequence of white space", { stop: ["\n"] }],
    ["a tool that is no function", { tools: [{ type: "custom", custom: { name: "x" } }] }],
    ["a choice among allowed tools", { tools: [{ type: "function", function: { name: "f" } }], tool_choice: { type: "allowed_tools" } }],
    ["a part in audio", { messages: [{ role: "user", content: [{ type: "input_audio", input_audio: {} }] }] }],
    ["a file", { messages: [{ role: "user", content: [{ type: "file", file: {} }] }] }],
    ["only a system message", { messages: [{ role: "system", content: "x" }] }],
  ])("is unfit for Anthropic's models with %s", (_what, extra) => {
    expect(translate({ messages: [user], ...extra })).toMatchObject({ kind: "unable", outcome: { kind: "unfit", cause: "capability" } });
  });

  it.each<[string, JsonObject]>([
    ["without messages", { messages: null }],
    ["with no message", { messages: [] }],
    ["with an unknown role", { messages: [{ role: "critic", content: "x" }] }],
    ["with content that is a number", { messages: [{ role: "user", content: 5 }] }],
    [
      "with arguments that are no JSON",
      { messages: [user, { role: "assistant", tool_calls: [{ id: "1", function: { name: "f", arguments: "{" } }] }] },
    ],
    ["with a result of no call", { messages: [{ role: "tool", content: "x" }] }],
    ["with a limit that is no number", { max_tokens: "many" }],
    ["with a format without schema", { response_format: { type: "json_schema" } }],
    ["with an image of no address", { messages: [{ role: "user", content: [{ type: "image_url", image_url: {} }] }] }],
  ])("is invalid %s", (_what, extra) => {
    expect(translate({ messages: [user], ...extra })).toMatchObject({ kind: "unable", outcome: { kind: "invalid" } });
  });

  it("never makes the translation throw, whatever it holds", () => {
    const names = ["messages", "tools", "tool_choice", "response_format", "stop", "temperature", "n", "user", "role", "content", "type"];
    const bodies = fc.dictionary(fc.constantFrom(...names), fc.jsonValue({ maxDepth: 4 }));
    const messages = fc.array(
      fc.dictionary(
        fc.constantFrom("role", "content", "tool_calls", "tool_call_id"),
        fc.oneof(fc.constantFrom("user", "tool", "assistant"), fc.jsonValue()),
      ),
    );
    const fits = fc.property(bodies, messages, (body, list) => {
      const translations = [translate(body as JsonObject), translate({ ...(body as JsonObject), messages: list as unknown as JsonValue })];
      return translations.every(({ kind }) => kind === "ready" || kind === "unable");
    });
    expect(fc.check(fits).counterexample).toBeNull();
  });
});
