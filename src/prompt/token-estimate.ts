// How many tokens a request will take, before any vendor has counted them.
//
// Input: the texts by the tokenizer (text-tokens.ts), four tokens around each message and three around the whole, as OpenAI's chat format has them;
// schemas and tools count as their JSON; an image is a flat 1,000. Expected output: a structured answer takes half its schema's tokens and 24 more,
// free text 256; never more than the request's own limit.
//
// The text's count is within 2 % of that of OpenAI's older tokenizer in the mean, within 3 % for 95 of 100 prompts and answers (docs/tokens.md). Anthropic's
// tokenizer is not public, nor is what a vendor puts around a request: by what their counts differ is learned per task and model (token-learner.ts).

import type { JsonObject, JsonSchema, JsonValue } from "../job/json.ts";
import type { ModelRequest } from "../job/request.ts";
import { loadTextTokens } from "./text-tokens.ts";

export interface TokenEstimate {
  readonly inputTokens: number;
  /** All text of the messages, system included, in UTF-16 units: OpenAI's limits count a quarter of it beforehand. */
  readonly inputCharacters: number;
  /** Expected; what a vendor counts beforehand may be `maxOutputTokens`. */
  readonly outputTokens: number;
  /** The request's own limit, where it has one; for all answers together where it asks for several. */
  readonly maxOutputTokens?: number;
  /** For how many answers it asks, where that is more than one. */
  readonly answers?: number;
}

export interface TokenEstimator {
  /**
   * `instruction`: the words that the vendor's adapter puts behind the system prompt of a request with an output schema which the model can't be held to.
   * Some 20 microseconds for a prompt of 300 characters, half a millisecond for a long one. Takes whatever a body holds; never throws.
   */
  estimate(request: ModelRequest, instruction?: string): TokenEstimate;
}

const TOKENS_PER_MESSAGE = 4;
const TOKENS_PER_REQUEST = 3;
const TOKENS_PER_IMAGE = 1_000;
const FREE_TEXT_TOKENS = 256;
const STRUCTURE_TOKENS = 24;
/** OpenAI gives no more. */
const MOST_ANSWERS = 128;

const REMEMBERED_TEXTS = 64;
const LONGEST_REMEMBERED = 32_768;

/** Loads the tokenizer (some 200 ms and 70 MB): for processes that make calls. */
export async function createTokenEstimator(): Promise<TokenEstimator> {
  const textTokens = await loadTextTokens();
  const repeatedTokens = remember((text) => textTokens([text]));
  const schemas = new WeakMap<object, number>();

  /** Schemas live as long as their task: each is counted once. */
  const countSchema = (schema: JsonSchema | undefined): number => {
    if (typeof schema !== "object") return schema === undefined ? 0 : 1;
    const tokens = schemas.get(schema) ?? repeatedTokens(JSON.stringify(schema));
    schemas.set(schema, tokens);
    return tokens;
  };

  const estimateBody = (body: JsonObject): TokenEstimate => {
    const messages = listOf(body.messages);
    const texts: string[] = [];
    let inputTokens = TOKENS_PER_REQUEST + TOKENS_PER_MESSAGE * messages.length;
    let inputCharacters = 0;
    for (const [i, message] of messages.entries()) {
      if (!isObject(message)) continue;
      const { role, content, tool_calls: calls } = message;
      inputCharacters += contentCharacters(content);
      if (isStructure(calls)) texts.push(JSON.stringify(calls));
      if (typeof content !== "string") inputTokens += TOKENS_PER_IMAGE * takeParts(listOf(content), texts);
      else if (i === 0 && role !== "user") inputTokens += repeatedTokens(content);
      else texts.push(content);
    }
    if (isStructure(body.tools)) inputTokens += repeatedTokens(JSON.stringify(body.tools));
    const schemaTokens = isStructure(body.response_format) ? repeatedTokens(JSON.stringify(body.response_format)) : 0;
    const answers = Math.min(wholeNumber(body.n) ?? 1, MOST_ANSWERS);
    const limit = wholeNumber(body.max_completion_tokens ?? body.max_tokens);
    return { inputTokens: inputTokens + schemaTokens + textTokens(texts), inputCharacters, ...output(schemaTokens, limit, answers) };
  };

  return {
    estimate(request, instruction) {
      if (request.kind === "openai-chat") return estimateBody(request.body);
      const system = [request.system, instruction].filter(Boolean).join("\n\n");
      const texts = request.messages.map(({ content }) => content);
      const schemaTokens = countSchema(request.output);
      // The instruction holds the schema.
      let inputTokens = TOKENS_PER_REQUEST + TOKENS_PER_MESSAGE * texts.length + textTokens(texts) + (instruction ? 0 : schemaTokens);
      if (system !== "") inputTokens += TOKENS_PER_MESSAGE + repeatedTokens(system);
      const inputCharacters = texts.reduce((sum, text) => sum + text.length, system.length);
      return { inputTokens, inputCharacters, ...output(schemaTokens, request.maxOutputTokens, 1) };
    },
  };
}

/** Adds the parts' texts to `texts`; returns how many images there are among them. */
function takeParts(parts: readonly JsonValue[], texts: string[]): number {
  let images = 0;
  for (const part of parts) {
    if (!isObject(part)) continue;
    if (part.type === "image_url") images++;
    else texts.push(typeof part.text === "string" ? part.text : JSON.stringify(part));
  }
  return images;
}

function output(schemaTokens: number, limit: number | undefined, answers: number): Omit<TokenEstimate, "inputTokens" | "inputCharacters"> {
  const expected = schemaTokens === 0 ? FREE_TEXT_TOKENS : STRUCTURE_TOKENS + Math.ceil(schemaTokens / 2);
  const several = answers > 1 ? { answers } : {};
  if (limit === undefined) return { outputTokens: expected * answers, ...several };
  return { outputTokens: Math.min(expected, limit) * answers, maxOutputTokens: limit * answers, ...several };
}

/** As vendors put a content's text parts together: a line each. */
function contentCharacters(content: JsonValue | undefined): number {
  if (typeof content === "string") return content.length;
  const parts = listOf(content);
  return parts.reduce<number>((sum, part) => sum + partCharacters(part), Math.max(0, parts.length - 1));
}

function partCharacters(part: JsonValue): number {
  if (!isObject(part)) return 0;
  return typeof part.text === "string" ? part.text.length : contentCharacters(part.content);
}

/** For texts that many requests share: system prompts, schemas, tools. */
function remember(count: (text: string) => number): (text: string) => number {
  const known = new Map<string, number>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    const tokens = count(text);
    if (text.length > LONGEST_REMEMBERED) return tokens;
    if (known.size >= REMEMBERED_TEXTS) known.clear();
    known.set(text, tokens);
    return tokens;
  };
}

function wholeNumber(value: JsonValue | undefined): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? value : undefined;
}

function isStructure(value: JsonValue | undefined): value is JsonObject | readonly JsonValue[] {
  return typeof value === "object" && value !== null;
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return isStructure(value) && !Array.isArray(value);
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? (value as readonly JsonValue[]) : [];
}
