// Anthropic's wire format: messages. Source: the official client (github.com/anthropics/anthropic-sdk-typescript) and docs.claude.com/en/api/messages.

import type { IncomingHttpHeaders } from "node:http";

import type { JsonObject, JsonSchema } from "../job/json.ts";
import { anthropicError } from "./anthropic-errors.ts";
import type { Ask, AskedOutput } from "./ask.ts";
import type { SimulatedAnswer } from "./compose-answer.ts";
import { anthropicLimitHeaders } from "./limit-headers.ts";
import { bearerToken, contentText, isObject, type WireFormat } from "./wire-format.ts";

export function createAnthropicFormat(): WireFormat {
  return {
    callPath: "/v1/messages",
    parse(body, headers) {
      const message = firstProblem(body, headers);
      if (message !== undefined) return { kind: "error", error: { kind: "bad-request", message } };
      const messages = body["messages"] as unknown as readonly Readonly<Record<string, unknown>>[];
      const texts = messages.map((each) => contentText(each["content"]));
      return {
        kind: "ask",
        ask: {
          model: body["model"] as string,
          userMessages: texts.filter((_, i) => messages[i]?.["role"] === "user").toReversed(),
          inputCharacters: texts.reduce((sum, text) => sum + text.length, contentText(body["system"]).length),
          maxOutputTokens: Number(body["max_tokens"]),
          output: askedOutput(body),
        },
      };
    },
    answer: (ask, answer, { id }) => {
      const { usage } = answer;
      return {
        id: `sim-msg_${id}`,
        type: "message",
        role: "assistant",
        model: ask.model,
        ...content(ask, answer, id),
        stop_sequence: null,
        usage: {
          input_tokens: usage.inputTokens - usage.cachedInputTokens - usage.cacheWriteTokens,
          cache_creation_input_tokens: usage.cacheWriteTokens,
          cache_read_input_tokens: usage.cachedInputTokens,
          output_tokens: usage.outputTokens,
          output_tokens_details: { thinking_tokens: usage.reasoningTokens },
          service_tier: "standard",
        },
      };
    },
    error: anthropicError,
    models: (names) => ({ data: names.map(anthropicModel), has_more: false, first_id: names[0] ?? null, last_id: names.at(-1) ?? null }),
    model: anthropicModel,
    apiKey: (headers) => (typeof headers["x-api-key"] === "string" ? headers["x-api-key"] : bearerToken(headers)),
    requestHeaders: (requestId) => ({ "request-id": requestId, "anthropic-organization-id": "simulated" }),
    limitHeaders: anthropicLimitHeaders,
  };
}

function firstProblem(body: JsonObject, headers: IncomingHttpHeaders): string | undefined {
  if (headers["anthropic-version"] === undefined) return "anthropic-version: header is required";
  for (const name of ["model", "max_tokens", "messages"]) if (body[name] === undefined) return `${name}: Field required`;
  if (typeof body["model"] !== "string") return "model: Input should be a valid string";
  if (!Number.isInteger(body["max_tokens"])) return "max_tokens: Input should be a valid integer";
  if (Number(body["max_tokens"]) < 1) return "max_tokens: Input should be greater than or equal to 1";
  const messages: unknown = body["messages"];
  if (!Array.isArray(messages)) return "messages: Input should be a valid array";
  if (messages.length === 0) return "messages: at least one message is required";
  const wrong = messages.findIndex(
    (message: unknown) => !isObject(message) || (message["role"] !== "user" && message["role"] !== "assistant"),
  );
  if (wrong >= 0) return `messages.${wrong}.role: Input should be 'user' or 'assistant'`;
  const empty = messages.findIndex(
    (message: JsonObject, i) => isEmpty(message["content"]) && !(i === messages.length - 1 && message["role"] === "assistant"),
  );
  if (empty >= 0) return `messages.${empty}: all messages must have non-empty content except for the optional final assistant message`;
  if (body["stream"] === true) return "stream: the modelfleet simulator does not stream, leave it out";
  return undefined;
}

function isEmpty(content: unknown): boolean {
  return content === undefined || content === null || content === "" || (Array.isArray(content) && content.length === 0);
}

function askedOutput(body: JsonObject): AskedOutput {
  const choice = body["tool_choice"];
  const tools = (Array.isArray(body["tools"]) ? body["tools"] : []) as readonly { name?: string; input_schema?: JsonSchema }[];
  const tool = isObject(choice)
    ? tools.find((each) => choice["type"] === "any" || (choice["type"] === "tool" && each.name === choice["name"]))
    : undefined;
  if (tool?.name) return { kind: "tool", name: tool.name, schema: tool.input_schema ?? { type: "object" } };
  const config = body["output_config"];
  // `output_format` is what it was called while in beta.
  const format = (isObject(config) ? config["format"] : undefined) ?? body["output_format"];
  if (isObject(format) && format["type"] === "json_schema")
    return { kind: "json-schema", schema: (format["schema"] ?? { type: "object" }) as JsonSchema };
  return { kind: "text" };
}

function content(ask: Ask, answer: SimulatedAnswer, id: string): object {
  if (answer.ending === "filtered" || answer.ending === "refused") {
    const details = { type: "refusal", category: "general_harms", explanation: "Simulated refusal." };
    return {
      content: answer.text === "" ? [] : [{ type: "text", text: answer.text, citations: null }],
      stop_reason: "refusal",
      stop_details: details,
    };
  }
  const stop = answer.ending === "length" ? "max_tokens" : undefined;
  if (ask.output.kind !== "tool") {
    return { content: [{ type: "text", text: answer.text, citations: null }], stop_reason: stop ?? "end_turn", stop_details: null };
  }
  // A cut-off input is no object any more: the vendor delivers what could be read, here nothing.
  const block = { type: "tool_use", id: `sim-toolu_${id}`, name: ask.output.name, input: toolInput(answer.text) };
  return { content: [block], stop_reason: stop ?? "tool_use", stop_details: null };
}

/** Recorded answers may have their JSON in a fence. */
function toolInput(text: string): object {
  try {
    const parsed: unknown = JSON.parse(/```(?:json)?\s*([\s\S]*?)```/.exec(text)?.[1] ?? text);
    return isObject(parsed) ? parsed : { value: parsed };
  } catch {
    return {};
  }
}

function anthropicModel(name: string): object {
  return { id: name, type: "model", display_name: `${name} (simulated)`, created_at: "1970-01-01T00:00:00Z" };
}
