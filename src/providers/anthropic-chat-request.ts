// An OpenAI chat-completions body as the parameters of an Anthropic message.
//
// Every parameter is in one of three lists: translated; dropped, because it steers effort, storage or accounting but not what is asked;
// or refused as `unfit`, because without it the answer would be another one. A parameter in none of them is refused too.

import type { JsonObject, JsonValue } from "../job/json.ts";
import type { ModelSpec } from "../job/model.ts";
import { toAnthropicMessages } from "./anthropic-chat-messages.ts";
import { readTools } from "./anthropic-chat-tools.ts";
import { askForSchema, maxTokens, sampling, type SchemaRequest } from "./anthropic-parameters.ts";
import { asArray, asObject } from "./read-json.ts";
import { malformed, noCounterpart, Untranslatable } from "./untranslatable.ts";
import type { Translation } from "./vendor-call.ts";

const TRANSLATED = new Set([
  "model",
  "messages",
  "max_tokens",
  "max_completion_tokens",
  "temperature",
  "top_p",
  "stop",
  "tools",
  "tool_choice",
  "parallel_tool_calls",
  "response_format",
  "user",
]);
/** `seed` too: OpenAI itself calls it a best effort. */
const DROPPED = new Set([
  "stream",
  "stream_options",
  "store",
  "metadata",
  "seed",
  "service_tier",
  "reasoning_effort",
  "verbosity",
  "prediction",
  "prompt_cache_key",
  "prompt_cache_options",
  "prompt_cache_retention",
  "safety_identifier",
]);
/** Refused, but for the value that is the default and asks for nothing. */
const NEUTRAL: Readonly<Record<string, (value: JsonValue) => boolean>> = {
  n: (value) => value === 1,
  logprobs: (value) => value === false,
  top_logprobs: (value) => value === 0,
  frequency_penalty: (value) => value === 0,
  presence_penalty: (value) => value === 0,
  logit_bias: (value) => Object.keys(asObject(value) ?? {}).length === 0,
  modalities: (value) => JSON.stringify(value) === '["text"]',
};
const JSON_INSTRUCTION = "Answer with a single JSON object only: no other text, no code fence.";

export function fromChatBody(model: ModelSpec, body: JsonObject): Translation {
  try {
    return translate(model, body);
  } catch (error) {
    if (error instanceof Untranslatable) return { kind: "unable", outcome: error.outcome };
    throw error;
  }
}

function translate(model: ModelSpec, body: JsonObject): Translation {
  for (const [name, value] of Object.entries(body)) {
    if (value === null || TRANSLATED.has(name) || DROPPED.has(name) || NEUTRAL[name]?.(value)) continue;
    throw noCounterpart(`parameter ${JSON.stringify(name)}`);
  }
  const { system, messages } = toAnthropicMessages(body.messages);
  const tools = readTools(body);
  const asked = readFormat(model, body.response_format, tools !== undefined);
  const instructions = [...system, ...(asked.instruction === undefined ? [] : [asked.instruction])];
  const limit = numberOf(body, "max_completion_tokens") ?? numberOf(body, "max_tokens");
  const stop = readStop(body.stop);
  const params: JsonObject = {
    model: model.name,
    max_tokens: maxTokens(model, limit),
    messages,
    ...(instructions.length === 0 ? {} : { system: instructions.join("\n\n") }),
    ...sampling(numberOf(body, "temperature"), numberOf(body, "top_p")),
    ...(stop.length === 0 ? {} : { stop_sequences: stop }),
    ...(typeof body.user === "string" ? { metadata: { user_id: body.user } } : {}),
    ...tools,
    ...asked.params,
  };
  return { kind: "ready", body: params, ...(asked.answerTool === undefined ? {} : { answerTool: asked.answerTool }) };
}

function readFormat(model: ModelSpec, format: JsonValue | undefined, hasTools: boolean): SchemaRequest {
  if (format === undefined || format === null) return {};
  const type = asObject(format)?.type;
  if (type === "text") return {};
  if (type === "json_object") return { instruction: JSON_INSTRUCTION };
  if (type !== "json_schema") throw noCounterpart(`response_format ${JSON.stringify(type ?? format)}`);
  const schema = asObject(asObject(asObject(format)?.json_schema)?.schema);
  if (!schema) throw malformed("response_format.json_schema has no schema");
  const asked = askForSchema(schema, model);
  if (asked.answerTool !== undefined && hasTools) throw noCounterpart("this response_format together with tools");
  return asked;
}

function readStop(stop: JsonValue | undefined): readonly string[] {
  const sequences = typeof stop === "string" ? [stop] : (asArray(stop) ?? []).filter((sequence) => typeof sequence === "string");
  if (sequences.some((sequence) => sequence.trim() === "")) throw noCounterpart("a stop sequence of white space");
  return sequences;
}

function numberOf(body: JsonObject, name: string): number | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "number") throw malformed(`${name} is not a number`);
  return value;
}
