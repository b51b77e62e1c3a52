// A row against its task's input schema.

import { UsageError } from "../job/errors.ts";
import type { JsonObject, JsonSchema } from "../job/json.ts";
import { compileSchema } from "../job/json-schema.ts";

/** Says what is wrong with an input, field by field, or `undefined` when it fits. */
export type InputValidator = (input: JsonObject) => string | undefined;

/** Compiles the schema once. @throws UsageError when the schema itself is wrong. */
export function createInputValidator(schema: JsonSchema): InputValidator {
  try {
    return compileSchema(schema, "the row");
  } catch (error) {
    throw new UsageError(`the input schema is not a valid JSON Schema: ${(error as Error).message}`, "Correct the task's `input`.", {
      cause: error,
    });
  }
}
