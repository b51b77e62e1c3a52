import { describe, expect, it } from "vitest";
import type { JsonValue } from "../../src/job/json.ts";
import type { ModelRequest } from "../../src/job/request.ts";
import { readAnthropicAnswer } from "../../src/providers/anthropic-answer.ts";
import { message } from "../fixtures/providers/anthropic-fixtures.ts";

const PROMPT: ModelRequest = { kind: "prompt", messages: [] };
const CHAT: ModelRequest = { kind: "openai-chat", body: {} };
const read = (body: unknown, { request = PROMPT, answerTool }: { request?: ModelRequest; answerTool?: string } = {}) =>
  readAnthropicAnswer(body as JsonValue, { request, model: "model-1", answerTool, now: 1_760_000_000_500, scrub: (text) => text });

const TOOL_USE = { type: "tool_use", id: "toolu_1", name: "weather", input: { city: "Rome" } };

describe("an Anthropic answer", () => {
  it("is the text of all its text blocks, thoughts left out", () => {
    const blocks = [
      { type: "thinking", thinking: "hm" },
      { type: "text", text: "Hello, " },
      { type: "text", text: "world" },
      { type: "new_kind" },
    ];
    expect(read(message(blocks, "end_turn")).outcome).toEqual({
      kind: "answered",
      answer: { text: "Hello, world", finish: { unified: "stop", raw: "end_turn" } },
    });
  });

  it("is the input of the tool that it had to call", () => {
    const block = { type: "tool_use", id: "t", name: "answer", input: { label: "billing" } };
    expect(read(message([block], "tool_use"), { answerTool: "answer" }).outcome).toEqual({
      kind: "answered",
      answer: { text: '{"label":"billing"}', finish: { unified: "stop", raw: "tool_use" } },
    });
  });

  it("is its text when the tool was not called after all", () => {
    expect(read(message([{ type: "text", text: "No." }], "end_turn"), { answerTool: "answer" }).outcome).toMatchObject({
      answer: { text: "No." },
    });
  });

  it("counts the cached parts as input", () => {
    const usage = { input_tokens: 1, cache_creation_input_tokens: null, cache_read_input_tokens: 5, output_tokens: 2 };
    expect(read({ ...message([], "end_turn"), usage }).usage).toEqual({
      inputTokens: 6,
      cachedInputTokens: 5,
      cacheWriteTokens: 0,
      outputTokens: 2,
      reasoningTokens: 0,
    });
  });

  it.each([
    {},
    { input_tokens: null, output_tokens: null },
    { input_tokens: Infinity, output_tokens: 1 },
    { input_tokens: 1e20, output_tokens: 1 },
    { input_tokens: 5, output_tokens: -1 },
    { input_tokens: 5, output_tokens: 1.5 },
    { input_tokens: 5, output_tokens: 1, cache_read_input_tokens: -1 },
    { input_tokens: 0, output_tokens: 0 },
  ])("has no usage where what it says can't be: %j", (usage) => {
    expect(read({ ...message([], "end_turn"), usage })).not.toHaveProperty("usage");
  });

  it("thought for no more than all that it put out", () => {
    const usage = { input_tokens: 5, output_tokens: 10, output_tokens_details: { thinking_tokens: 11 } };
    expect(read({ ...message([], "end_turn"), usage }).usage).toMatchObject({ outputTokens: 10, reasoningTokens: 10 });
  });

  it("that outgrew the context window is unfit, and so is one that paused", () => {
    expect(read(message([], "model_context_window_exceeded")).outcome).toMatchObject({ kind: "unfit", cause: "context" });
    expect(read(message([], "pause_turn")).outcome).toMatchObject({ kind: "unfit", cause: "capability" });
  });

  it("that is refused says why where the vendor does", () => {
    const refusal = { ...message([], "refusal"), stop_details: { type: "refusal", explanation: "Not this." } };
    expect(read(refusal).outcome).toEqual({ kind: "refused", reason: "stop_reason refusal: Not this." });
  });

  it("with an unknown stop reason is an answer all the same", () => {
    expect(read(message([{ type: "text", text: "x" }], "surprise")).outcome).toMatchObject({
      kind: "answered",
      answer: { finish: { unified: "other", raw: "surprise" } },
    });
  });

  it("becomes a chat completion with tool calls for a job given as an OpenAI body", () => {
    expect(read(message([{ type: "text", text: "Let me see." }, TOOL_USE], "tool_use"), { request: CHAT }).outcome).toEqual({
      kind: "answered",
      answer: {
        text: "Let me see.",
        finish: { unified: "tool-call", raw: "tool_use" },
        body: {
          id: "msg_1",
          object: "chat.completion",
          created: 1_760_000_000,
          model: "model-1-20260101",
          choices: [
            {
              index: 0,
              message: {
                role: "assistant",
                content: "Let me see.",
                refusal: null,
                tool_calls: [{ id: "toolu_1", type: "function", function: { name: "weather", arguments: '{"city":"Rome"}' } }],
              },
              logprobs: null,
              finish_reason: "tool_calls",
            },
          ],
          usage: {
            prompt_tokens: 120,
            completion_tokens: 40,
            total_tokens: 160,
            prompt_tokens_details: { cached_tokens: 90 },
            completion_tokens_details: { reasoning_tokens: 30 },
          },
        },
      },
    });
  });

  it("has null for content beside tool calls alone, as OpenAI does", () => {
    const { outcome } = read(message([TOOL_USE], "tool_use"), { request: CHAT });
    expect(outcome).toMatchObject({ answer: { text: "", body: { choices: [{ message: { content: null } }] } } });
  });
});
