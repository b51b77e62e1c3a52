// Answers from a key of right answers: right with the probability of the model's accuracy, else another label of the key. The same model and text get the
// same answer in every run with the same seed.

import { z } from "zod";

import { UsageError } from "../job/errors.ts";
import type { JsonObject, JsonSchema, JsonValue } from "../job/json.ts";
import type { AnswerSource } from "./answer-source.ts";
import { askedSchema, type AskedOutput } from "./ask.ts";
import { readJsonl } from "./read-jsonl.ts";
import { schemaInstance } from "./schema-instance.ts";
import { hashToUnit } from "../runtime/seeded-random.ts";
import type { AnswerKeyOptions } from "./simulator-options.ts";
import { createTextIndex } from "./text-index.ts";

type Label = string | number | boolean;

/** Throws a `UsageError` when the key can't be read or an entry lacks its text or answer. */
export function loadAnswerKey(options: AnswerKeyOptions, seed: number): AnswerSource {
  const entries = readEntries(options);
  const index = createTextIndex(entries.map((entry) => entry.text));
  const labels: readonly Label[] = options.labels ?? [...new Set(entries.map((entry) => entry.label))];

  return {
    answer(ask, model) {
      for (const message of ask.userMessages) {
        const entry = entries[index.find(message) ?? -1];
        if (!entry) continue;
        const isRight = hashToUnit(seed, "right", model.name, entry.text) < model.accuracy;
        const label = isRight ? entry.label : wrongLabel(labels, entry.label, hashToUnit(seed, "wrong", model.name, entry.text));
        return { source: "answer-key", text: shape(label, ask.output, options, seed) };
      }
      return undefined;
    },
  };
}

function readEntries(options: AnswerKeyOptions): readonly { text: string; label: Label }[] {
  const line = z.object({ [options.textField]: z.string(), [options.answerField]: z.union([z.string(), z.number(), z.boolean()]) });
  if (options.file !== undefined) return readJsonl(options.file, line).map(toEntry);
  return (options.entries ?? []).map((entry, i) => {
    const parsed = line.safeParse(entry);
    if (parsed.success) return toEntry(parsed.data);
    throw new UsageError(`answers.entries.${i}: needs a text "${options.textField}" and an answer "${options.answerField}"`);
  });

  function toEntry(row: Readonly<Record<string, Label>>) {
    return { text: String(row[options.textField]), label: row[options.answerField] ?? "" };
  }
}

function wrongLabel(labels: readonly Label[], right: Label, chance: number): Label {
  const place = labels.indexOf(right);
  const others = labels.length - (place === -1 ? 0 : 1);
  if (others === 0) return `not ${right}`;
  const drawn = Math.floor(chance * others);
  return labels[place !== -1 && drawn >= place ? drawn + 1 : drawn] ?? right;
}

/** The label in the shape asked for: bare, or as the JSON object's property that is meant for it. */
function shape(label: Label, output: AskedOutput, options: AnswerKeyOptions, seed: number): string {
  if (output.kind === "text") return String(label);
  const schema = askedSchema(output);
  const instance = schema === undefined ? {} : schemaInstance(schema, seed, String(label));
  if (typeof instance !== "object" || instance === null || Array.isArray(instance)) return JSON.stringify(label);
  const property = options.property ?? propertyFor(schema, label) ?? options.answerField;
  return JSON.stringify({ ...(instance as JsonObject), [property]: label });
}

/** The one string or enumeration of the schema; of several, the one whose enumeration has the label. */
function propertyFor(schema: JsonSchema | undefined, label: Label): string | undefined {
  if (typeof schema !== "object") return undefined;
  const properties = Object.entries((schema["properties"] ?? {}) as Readonly<Record<string, JsonObject>>);
  const fitting = properties.filter(([, property]) => property["type"] === "string" || Array.isArray(property["enum"]));
  if (fitting.length === 1) return fitting[0]?.[0];
  return fitting.find(([, property]) => (property["enum"] as readonly JsonValue[] | undefined)?.includes(label))?.[0];
}
