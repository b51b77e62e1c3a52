// Answers made up from the request alone: an instance of the JSON schema asked for, or a text that says what it is.

import type { AnswerSource } from "./answer-source.ts";
import { askedSchema } from "./ask.ts";
import { schemaInstance } from "./schema-instance.ts";

/** Knows an answer to every request that asks for JSON: the same one for the same message. */
export function createSchemaSource(seed: number): AnswerSource {
  return {
    answer(ask, model) {
      if (ask.output.kind === "text") return undefined;
      const schema = askedSchema(ask.output) ?? { type: "object", properties: { answer: { type: "string" } } };
      return { source: "schema", text: JSON.stringify(schemaInstance(schema, seed, `${model.name}\n${ask.userMessages[0] ?? ""}`)) };
    },
  };
}

/** Knows an answer to everything. */
export function createTextSource(): AnswerSource {
  return { answer: (_ask, model) => ({ source: "text", text: `Simulated answer of ${model.name}: no model was asked.` }) };
}
