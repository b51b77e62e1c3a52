// How many tokens a request will take, before any vendor has counted them.
//
// The rule: a token per four bytes of UTF-8 (English text has about four letters a token; scripts with three bytes a letter come to about
// three quarters of a token a letter), four tokens around each message and three around the whole; schemas and tools count as their JSON; an image is a
// flat 1,000. Expected output: a structured answer takes half its schema's tokens and 24 more, free text 256; never more than the request's own limit.

import type { JsonObject, JsonSchema, JsonValue } from "../job/json.ts";
import type { ModelRequest } from "../job/request.ts";

export interface TokenEstimate {
  readonly inputTokens: number;
  /** Expected; what a vendor counts beforehand may be `maxOutputTokens`. */
  readonly outputTokens: number;
  /** The request's own limit, where it has one. */
  readonly maxOutputTokens?: number;
}

const BYTES_PER_TOKEN = 4;
const TOKENS_PER_MESSAGE = 4;
const TOKENS_PER_REQUEST = 3;
const TOKENS_PER_IMAGE = 1_000;
const FREE_TEXT_TOKENS = 256;
const STRUCTURE_TOKENS = 24;

/** A microsecond or two for a short prompt; proportional to its length. */
export function estimateTokens(request: ModelRequest): TokenEstimate {
  if (request.kind === "openai-chat") return estimateBody(request.body);
  const schemaTokens = request.output === undefined ? 0 : jsonTokens(request.output);
  let inputTokens = TOKENS_PER_REQUEST + schemaTokens;
  if (request.system !== undefined) inputTokens += TOKENS_PER_MESSAGE + textTokens(request.system);
  for (const { content } of request.messages) inputTokens += TOKENS_PER_MESSAGE + textTokens(content);
  return finish(inputTokens, request.output === undefined ? FREE_TEXT_TOKENS : answerTokens(schemaTokens), request.maxOutputTokens);
}

function estimateBody(body: JsonObject): TokenEstimate {
  let inputTokens = TOKENS_PER_REQUEST;
  for (const message of listOf(body.messages)) inputTokens += TOKENS_PER_MESSAGE + messageTokens(message);
  if (isObject(body.tools)) inputTokens += jsonTokens(body.tools);
  const schemaTokens = isObject(body.response_format) ? jsonTokens(body.response_format) : 0;
  const answers = typeof body.n === "number" && body.n > 1 ? body.n : 1;
  const expected = schemaTokens === 0 ? FREE_TEXT_TOKENS : answerTokens(schemaTokens);
  const limit = body.max_completion_tokens ?? body.max_tokens;
  const { outputTokens, ...estimate } = finish(inputTokens + schemaTokens, expected, typeof limit === "number" ? limit : undefined);
  return { ...estimate, outputTokens: outputTokens * answers };
}

function finish(inputTokens: number, expected: number, maxOutputTokens: number | undefined): TokenEstimate {
  if (maxOutputTokens === undefined) return { inputTokens, outputTokens: expected };
  return { inputTokens, outputTokens: Math.min(expected, maxOutputTokens), maxOutputTokens };
}

function messageTokens(message: JsonValue): number {
  if (!isObject(message)) return 0;
  const { content, tool_calls: calls } = message as JsonObject;
  const callTokens = isObject(calls) ? jsonTokens(calls) : 0;
  if (typeof content === "string") return callTokens + textTokens(content);
  return listOf(content).reduce<number>((sum, part) => sum + partTokens(part), callTokens);
}

function partTokens(part: JsonValue): number {
  if (!isObject(part)) return 0;
  const { type, text } = part as JsonObject;
  if (type === "image_url") return TOKENS_PER_IMAGE;
  return typeof text === "string" ? textTokens(text) : jsonTokens(part);
}

function textTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN);
}

function answerTokens(schemaTokens: number): number {
  return STRUCTURE_TOKENS + Math.ceil(schemaTokens / 2);
}

/** Schemas live as long as their task: each is counted once. */
const counted = new WeakMap<object, number>();

function jsonTokens(value: JsonSchema | object): number {
  if (typeof value !== "object") return 1;
  let tokens = counted.get(value);
  if (tokens === undefined) counted.set(value, (tokens = textTokens(JSON.stringify(value))));
  return tokens;
}

function isObject(value: JsonValue | undefined): value is JsonObject | readonly JsonValue[] {
  return typeof value === "object" && value !== null;
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? (value as readonly JsonValue[]) : [];
}
