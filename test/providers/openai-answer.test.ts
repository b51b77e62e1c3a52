import { describe, expect, it } from "vitest";
import type { ModelRequest } from "../../src/job/request.ts";
import type { JsonValue } from "../../src/job/json.ts";
import { readOpenAiAnswer } from "../../src/providers/openai-answer.ts";
import { completion } from "../fixtures/providers/openai-fixtures.ts";

const PROMPT: ModelRequest = { kind: "prompt", messages: [] };
const read = (body: unknown, request: ModelRequest = PROMPT) => readOpenAiAnswer(body as JsonValue, request, (text) => text);

describe("an OpenAI answer", () => {
  it("is refused when the content filter ended it", () => {
    expect(read(completion({ content: "Well" }, "content_filter")).outcome).toEqual({
      kind: "refused",
      reason: "finish_reason content_filter",
    });
  });

  it("is answered by tool calls without text", () => {
    const call = { id: "c1", type: "function", function: { name: "f", arguments: "{}" } };
    const body = completion({ content: null, tool_calls: [call] }, "tool_calls");
    expect(read(body, { kind: "openai-chat", body: {} }).outcome).toEqual({
      kind: "answered",
      answer: { text: "", finish: { unified: "tool-call", raw: "tool_calls" }, body },
    });
  });

  it("may leave out what compatible servers leave out", () => {
    expect(read({ choices: [{ message: { content: "Hi" } }] })).toEqual({
      outcome: { kind: "answered", answer: { text: "Hi", finish: { unified: "other", raw: null } } },
    });
  });

  it("may come as a list of parts", () => {
    const parts = [{ type: "text", text: "Hi " }, { type: "text", text: "you" }, { type: "image" }];
    expect(read(completion({ content: parts }, "stop")).outcome).toMatchObject({ kind: "answered", answer: { text: "Hi you" } });
  });

  it("has an unknown finish reason kept as it came", () => {
    expect(read(completion({ content: "Hi" }, "eos")).outcome).toMatchObject({ answer: { finish: { unified: "other", raw: "eos" } } });
  });

  it("counts cache writes where they are reported", () => {
    const body = { ...completion({ content: "x" }, "stop"), usage: { prompt_tokens: 9, prompt_tokens_details: { cache_write_tokens: 4 } } };
    expect(read(body).usage).toEqual({ inputTokens: 9, cachedInputTokens: 0, cacheWriteTokens: 4, outputTokens: 0, reasoningTokens: 0 });
  });
});
