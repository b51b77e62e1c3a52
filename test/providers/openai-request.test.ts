import { describe, expect, it } from "vitest";
import type { PromptRequest } from "../../src/job/request.ts";
import { toOpenAiBody } from "../../src/providers/openai-request.ts";
import { MODEL } from "../fixtures/providers/vendor-fixtures.ts";

const PROMPT: PromptRequest = { kind: "prompt", messages: [{ role: "user", content: "Ticket: late" }] };
const OUTPUT = { type: "object", required: ["label"], properties: { label: { enum: ["billing", "delivery"] } } };
const PLAIN_MODEL = { ...MODEL, capabilities: { ...MODEL.capabilities, jsonSchema: false } };

describe("a prompt for an OpenAI kind", () => {
  it("becomes a system and a user message", () => {
    expect(toOpenAiBody(MODEL, "openai", { ...PROMPT, system: "You sort tickets." })).toEqual({
      model: "model-1",
      messages: [
        { role: "system", content: "You sort tickets." },
        { role: "user", content: "Ticket: late" },
      ],
    });
  });

  it("limits its answer by the parameter that its kind knows", () => {
    expect(toOpenAiBody(MODEL, "openai", { ...PROMPT, maxOutputTokens: 50 })).toMatchObject({ max_completion_tokens: 50 });
    expect(toOpenAiBody(MODEL, "openai-compatible", { ...PROMPT, maxOutputTokens: 50 })).toMatchObject({ max_tokens: 50 });
  });

  it("keeps the temperature, zero included", () => {
    expect(toOpenAiBody(MODEL, "openai", { ...PROMPT, temperature: 0 })).toMatchObject({ temperature: 0 });
  });

  it("asks for its schema strictly where strict mode can say it", () => {
    expect(toOpenAiBody(MODEL, "openai", { ...PROMPT, output: OUTPUT }).response_format).toEqual({
      type: "json_schema",
      json_schema: {
        name: "answer",
        strict: true,
        schema: {
          type: "object",
          required: ["label"],
          properties: { label: { enum: ["billing", "delivery"], type: "string" } },
          additionalProperties: false,
        },
      },
    });
  });

  it("sends a schema that strict mode can't say as it is", () => {
    const optional = { ...OUTPUT, required: [] };
    expect(toOpenAiBody(MODEL, "openai", { ...PROMPT, output: optional }).response_format).toEqual({
      type: "json_schema",
      json_schema: { name: "answer", strict: false, schema: optional },
    });
  });

  it("puts the schema into words for a model that can't be held to one", () => {
    const official = toOpenAiBody(PLAIN_MODEL, "openai", { ...PROMPT, output: OUTPUT });
    expect(official).toMatchObject({ response_format: { type: "json_object" }, messages: [{ role: "system" }, { role: "user" }] });
    const compatible = toOpenAiBody(PLAIN_MODEL, "openai-compatible", { ...PROMPT, system: "Sort.", output: OUTPUT });
    expect(compatible.response_format).toBeUndefined();
    expect(compatible.messages).toMatchObject([{ content: expect.stringMatching(/^Sort\.\n\nAnswer with JSON only.*"delivery"/s) }, {}]);
  });

  it("puts a schema that asks for no object into words", () => {
    const body = toOpenAiBody(MODEL, "openai", { ...PROMPT, output: { type: "array", items: { type: "string" } } });
    expect(body.response_format).toBeUndefined();
    expect(JSON.stringify(body.messages)).toContain("JSON Schema");
  });
});

describe("a user's own body for an OpenAI kind", () => {
  it("goes unchanged but for the model, and in one piece", () => {
    const body = { model: "auto", messages: [{ role: "user", content: "x" }], logprobs: true, n: 2, stream: true, stream_options: {} };
    expect(toOpenAiBody(MODEL, "openai", { kind: "openai-chat", body })).toEqual({
      model: "model-1",
      messages: body.messages,
      logprobs: true,
      n: 2,
    });
  });
});
