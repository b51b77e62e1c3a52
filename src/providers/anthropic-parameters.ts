// The parameters that Anthropic has its own rules for, whichever kind of request they come from.

import type { JsonObject, JsonSchema } from "../job/json.ts";
import type { ModelSpec } from "../job/model.ts";
import { isObjectSchema, nativeAnthropicSchema, schemaInstruction } from "./output-schema.ts";

/** Where the request sets no limit. The vendor wants one, and counts only what is produced, so it may be generous. */
const DEFAULT_MAX_TOKENS = 16_384;
/** The vendor's scale ends at 1, its default; OpenAI's at 2. */
const HIGHEST_TEMPERATURE = 1;
const ANSWER_TOOL = "answer";

export function maxTokens(model: ModelSpec, asked: number | undefined): number {
  return Math.min(asked ?? DEFAULT_MAX_TOKENS, model.maxOutputTokens);
}

/** `temperature` and `top_p`, left out at their default: most models take them no more, and none in the API's current version. */
export function sampling(temperature: number | undefined, topP?: number): JsonObject {
  return {
    ...(temperature === undefined || temperature >= HIGHEST_TEMPERATURE ? {} : { temperature }),
    ...(topP === undefined || topP >= 1 ? {} : { top_p: topP }),
  };
}

/** The last version of the API that knows `temperature` and `top_p`; what it refuses then is the model's own choice. */
export const SAMPLING_VERSION = "2023-06-01";

export function hasSampling(params: JsonObject): boolean {
  return params.temperature !== undefined || params.top_p !== undefined;
}

export interface SchemaRequest {
  readonly params?: JsonObject;
  /** The tool that must be called with the answer as its input. */
  readonly answerTool?: string;
  readonly instruction?: string;
}

/**
 * The native format where the model has it and it can say the schema. Older models are made to call a tool with the answer as its input;
 * newer ones refuse a forced tool, so for them a schema that the format can't say is put into words.
 */
export function askForSchema(schema: JsonSchema, model: ModelSpec): SchemaRequest {
  if (!isObjectSchema(schema)) return { instruction: schemaInstruction(schema) };
  if (model.capabilities.jsonSchema) {
    const native = nativeAnthropicSchema(schema);
    return native
      ? { params: { output_config: { format: { type: "json_schema", schema: native } } } }
      : { instruction: schemaInstruction(schema) };
  }
  return {
    params: {
      tools: [{ name: ANSWER_TOOL, description: "Gives the answer.", input_schema: schema }],
      tool_choice: { type: "tool", name: ANSWER_TOOL },
    },
    answerTool: ANSWER_TOOL,
  };
}
