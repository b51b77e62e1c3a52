// OpenAI's wire format: chat completions. Source: github.com/openai/openai-openapi, and the official client.

import type { JsonObject, JsonSchema } from "../job/json.ts";
import type { Ask, AskedOutput } from "./ask.ts";
import type { SimulatedAnswer } from "./compose-answer.ts";
import { openaiError } from "./openai-errors.ts";
import { openaiLimitHeaders } from "./limit-headers.ts";
import type { VendorError } from "./vendor-error.ts";
import { bearerToken, contentText, isObject, type WireFormat } from "./wire-format.ts";

/** `headers: false` for servers that copy the format but tell nothing of their limits. */
export function createOpenaiFormat(options: { readonly headers: boolean }): WireFormat {
  return {
    callPath: "/v1/chat/completions",
    parse(body) {
      const error = firstProblem(body);
      if (error) return { kind: "error", error };
      const messages = body["messages"] as unknown as readonly Readonly<Record<string, unknown>>[];
      const texts = messages.map((message) => contentText(message["content"]));
      const maxOutputTokens = body["max_completion_tokens"] ?? body["max_tokens"];
      return {
        kind: "ask",
        ask: {
          model: body["model"] as string,
          userMessages: texts.filter((_, i) => messages[i]?.["role"] === "user").toReversed(),
          inputCharacters: texts.reduce((sum, text) => sum + text.length, 0),
          maxOutputTokens: typeof maxOutputTokens === "number" ? maxOutputTokens : undefined,
          output: askedOutput(body),
        },
      };
    },
    answer: (ask, answer, { id, nowMs }) => ({
      id: `sim-chatcmpl-${id}`,
      object: "chat.completion",
      created: Math.floor(nowMs / 1000),
      model: ask.model,
      choices: [choice(ask, answer, id)],
      usage: {
        prompt_tokens: answer.usage.inputTokens,
        completion_tokens: answer.usage.outputTokens,
        total_tokens: answer.usage.inputTokens + answer.usage.outputTokens,
        prompt_tokens_details: { cached_tokens: answer.usage.cachedInputTokens, audio_tokens: 0 },
        completion_tokens_details: {
          reasoning_tokens: answer.usage.reasoningTokens,
          audio_tokens: 0,
          accepted_prediction_tokens: 0,
          rejected_prediction_tokens: 0,
        },
      },
      service_tier: "default",
      system_fingerprint: "simulated",
    }),
    error: (error) => {
      const answer = openaiError(error);
      return options.headers || error.kind !== "rate-limit" ? answer : { ...answer, headers: {} };
    },
    models: (names) => ({ object: "list", data: names.map(openaiModel) }),
    model: openaiModel,
    apiKey: bearerToken,
    requestHeaders: (requestId, tookMs) => ({
      "x-request-id": requestId,
      ...(options.headers
        ? { "openai-organization": "simulated", "openai-processing-ms": String(Math.round(tookMs)), "openai-version": "2020-10-01" }
        : {}),
    }),
    limitHeaders: (states) => (options.headers ? openaiLimitHeaders(states) : {}),
  };
}

const ROLES = new Set<unknown>(["developer", "system", "user", "assistant", "tool", "function"]);

function firstProblem(body: JsonObject): VendorError | undefined {
  if (body["model"] === undefined) return { kind: "bad-request", message: "you must provide a model parameter" };
  if (typeof body["model"] !== "string") return bad("Invalid type for 'model': expected a string.", "model", "invalid_type");
  if (body["messages"] === undefined) return bad("Missing required parameter: 'messages'.", "messages", "missing_required_parameter");
  const messages: unknown = body["messages"];
  if (!Array.isArray(messages)) return bad("Invalid type for 'messages': expected an array of objects.", "messages", "invalid_type");
  if (messages.length === 0)
    return bad("Invalid 'messages': empty array. Expected an array with minimum length 1.", "messages", "empty_array");
  const wrong = messages.findIndex((message: unknown) => !isObject(message) || !ROLES.has(message["role"]));
  if (wrong >= 0) return bad(`Invalid value for 'messages[${wrong}].role'.`, `messages[${wrong}].role`);
  if (body["stream"] === true) return bad("The modelfleet simulator does not stream: leave 'stream' out.", "stream", "unsupported_value");
  if ((body["n"] ?? 1) !== 1) return bad("The modelfleet simulator gives one choice: leave 'n' out.", "n", "unsupported_value");
  for (const name of ["max_tokens", "max_completion_tokens"]) {
    const value = body[name] ?? undefined;
    if (value !== undefined && (!Number.isInteger(value) || Number(value) < 1))
      return bad(`Invalid '${name}': integer below minimum value. Expected a value >= 1.`, name);
  }
  const format = body["response_format"];
  if (isObject(format) && format["type"] === "json_schema") {
    const wanted = format["json_schema"];
    const parameter = "response_format.json_schema";
    if (!isObject(wanted)) return bad(`Missing required parameter: '${parameter}'.`, parameter, "missing_required_parameter");
    if (typeof wanted["name"] !== "string")
      return bad(`Missing required parameter: '${parameter}.name'.`, `${parameter}.name`, "missing_required_parameter");
  }
  return undefined;
}

function bad(message: string, parameter: string, code = "invalid_value"): VendorError {
  return { kind: "bad-request", message, parameter, code };
}

function askedOutput(body: JsonObject): AskedOutput {
  const choice = body["tool_choice"];
  const tools = (Array.isArray(body["tools"]) ? body["tools"] : []) as readonly { function?: { name?: string; parameters?: JsonSchema } }[];
  const forced = isObject(choice) && isObject(choice["function"] ?? null) ? (choice["function"] as JsonObject)["name"] : undefined;
  const tool = choice === "required" ? tools[0] : tools.find((each) => forced !== undefined && each.function?.name === forced);
  if (tool?.function?.name) return { kind: "tool", name: tool.function.name, schema: tool.function.parameters ?? { type: "object" } };
  const format = body["response_format"];
  if (!isObject(format)) return { kind: "text" };
  if (format["type"] === "json_object") return { kind: "json-object" };
  if (format["type"] !== "json_schema") return { kind: "text" };
  return { kind: "json-schema", schema: ((format["json_schema"] as JsonObject)["schema"] ?? { type: "object" }) as JsonSchema };
}

function choice(ask: Ask, answer: SimulatedAnswer, id: string): object {
  const finish = { stop: "stop", length: "length", filtered: "content_filter", refused: "stop" }[answer.ending];
  const base = { role: "assistant", content: answer.text as string | null, refusal: null as string | null, annotations: [] };
  if (answer.ending === "refused")
    return { index: 0, message: { ...base, content: null, refusal: answer.text }, logprobs: null, finish_reason: finish };
  if (ask.output.kind !== "tool") return { index: 0, message: base, logprobs: null, finish_reason: finish };
  const call = { id: `sim-call-${id}`, type: "function", function: { name: ask.output.name, arguments: answer.text } };
  return { index: 0, message: { ...base, content: null, tool_calls: [call] }, logprobs: null, finish_reason: finish };
}

function openaiModel(name: string): object {
  return { id: name, object: "model", created: 0, owned_by: "modelfleet-simulator" };
}
