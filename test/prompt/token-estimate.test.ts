import { describe, expect, it } from "vitest";
import type { JsonValue } from "../../src/job/json.ts";
import type { PromptRequest } from "../../src/job/request.ts";
import { estimateTokens } from "../../src/prompt/token-estimate.ts";

const prompt = (content: string, extra: Partial<PromptRequest> = {}): PromptRequest => ({
  kind: "prompt",
  messages: [{ role: "user", content }],
  ...extra,
});

describe("a token estimate", () => {
  it("counts a token per four bytes, and some around each message", () => {
    expect(estimateTokens(prompt("x".repeat(400)))).toEqual({ inputTokens: 3 + 4 + 100, outputTokens: 256 });
    expect(estimateTokens(prompt("x".repeat(400), { system: "y".repeat(40) })).inputTokens).toBe(3 + 4 + 100 + 4 + 10);
  });

  it("counts more for scripts of more bytes", () => {
    expect(estimateTokens(prompt("界".repeat(100))).inputTokens).toBe(3 + 4 + 75);
  });

  it("expects a short answer where a schema asks for one, and none beyond the limit", () => {
    const output = { type: "object", properties: { label: { enum: ["a", "b"] } } };
    const structured = estimateTokens(prompt("x", { output }));
    expect(structured.outputTokens).toBeLessThan(64);
    expect(structured.inputTokens).toBeGreaterThan(estimateTokens(prompt("x")).inputTokens);
    expect(estimateTokens(prompt("x", { maxOutputTokens: 10 }))).toMatchObject({ outputTokens: 10, maxOutputTokens: 10 });
  });

  it("reads an OpenAI body: its messages, tools, limit and number of answers", () => {
    const body = {
      messages: [{ role: "user", content: "x".repeat(400) }],
      max_tokens: 20,
      n: 3,
      tools: [{ type: "function", function: { name: "f" } }],
    };
    const estimate = estimateTokens({ kind: "openai-chat", body });
    expect(estimate).toMatchObject({ outputTokens: 60, maxOutputTokens: 20 });
    expect(estimate.inputTokens).toBeGreaterThan(107);
  });

  it("does not take an image's data for text", () => {
    const content: JsonValue = [
      { type: "text", text: "x" },
      { type: "image_url", image_url: { url: `data:image/png;base64,${"A".repeat(100_000)}` } },
    ];
    expect(estimateTokens({ kind: "openai-chat", body: { messages: [{ role: "user", content }] } }).inputTokens).toBeLessThan(2_000);
  });

  it("stands any body", () => {
    for (const messages of [null, 5, "x", [null, 1, { content: 5 }, { content: [null, 3] }]])
      expect(estimateTokens({ kind: "openai-chat", body: { messages } }).inputTokens).toBeGreaterThan(0);
  });
});
