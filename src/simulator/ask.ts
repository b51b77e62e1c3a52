// What a caller asks of a simulated model, taken out of either vendor's wire format.

import type { JsonSchema } from "../job/json.ts";

/** The shape the answer must have. */
export type AskedOutput =
  | { readonly kind: "text" }
  | { readonly kind: "json-object" }
  | { readonly kind: "json-schema"; readonly schema: JsonSchema }
  /** A tool the model is forced to call: the answer is its input. */
  | { readonly kind: "tool"; readonly name: string; readonly schema: JsonSchema };

export interface Ask {
  readonly model: string;
  /** Texts of the user's messages, the last one first: there the question is. */
  readonly userMessages: readonly string[];
  /** Characters of all messages and the system prompt. */
  readonly inputCharacters: number;
  readonly maxOutputTokens: number | undefined;
  readonly output: AskedOutput;
}

/** The schema asked for, whichever way. */
export function askedSchema(output: AskedOutput): JsonSchema | undefined {
  return output.kind === "json-schema" || output.kind === "tool" ? output.schema : undefined;
}
