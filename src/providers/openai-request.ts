// A request as the body of an OpenAI chat completion.

import type { JsonObject, JsonSchema } from "../job/json.ts";
import type { ModelSpec, ProviderKind } from "../job/model.ts";
import type { ModelRequest, PromptRequest } from "../job/request.ts";
import { isObjectSchema, schemaInstruction, strictOpenAiSchema } from "./output-schema.ts";

type OpenAiKind = Exclude<ProviderKind, "anthropic">;

/**
 * A user's own body goes unchanged but for `model`, and without streaming: the answer is the same, in one piece. A prompt's schema is
 * enforced as strictly as it and the model allow, else asked for in words.
 */
export function toOpenAiBody(model: ModelSpec, kind: OpenAiKind, request: ModelRequest): JsonObject {
  if (request.kind === "openai-chat") {
    const { stream: _stream, stream_options: _options, ...body } = request.body;
    return { ...body, model: model.name };
  }
  const { format, instruction } = request.output === undefined ? {} : askForSchema(request.output, model, kind);
  const system = [request.system, instruction].filter(Boolean).join("\n\n");
  return {
    model: model.name,
    messages: [
      ...(system === "" ? [] : [{ role: "system", content: system }]),
      ...request.messages.map(({ role, content }) => ({ role, content })),
    ],
    ...(format ? { response_format: format } : {}),
    ...limitOutput(request, kind),
    ...(request.temperature === undefined ? {} : { temperature: request.temperature }),
  };
}

/** OpenAI's reasoning models refuse `max_tokens`; compatible servers may not know its successor. */
function limitOutput(request: PromptRequest, kind: OpenAiKind): JsonObject {
  if (request.maxOutputTokens === undefined) return {};
  return kind === "openai" ? { max_completion_tokens: request.maxOutputTokens } : { max_tokens: request.maxOutputTokens };
}

/** How a model is held to a schema: by a format, or where it has none by an instruction in the prompt. */
export function askForSchema(schema: JsonSchema, model: ModelSpec, kind: OpenAiKind): { format?: JsonObject; instruction?: string } {
  if (!isObjectSchema(schema)) return { instruction: schemaInstruction(schema) };
  if (!model.capabilities.jsonSchema) {
    // Some compatible servers refuse a `response_format` they don't know: the instruction works everywhere.
    const format = kind === "openai" ? { format: { type: "json_object" } } : {};
    return { ...format, instruction: schemaInstruction(schema) };
  }
  const strict = strictOpenAiSchema(schema);
  return { format: { type: "json_schema", json_schema: { name: "answer", strict: strict !== undefined, schema: strict ?? schema } } };
}
