// How much an output schema asks for: fields in all, and how deep they lie.

import type { JsonSchema, JsonValue } from "../job/json.ts";

export interface SchemaSize {
  /** Properties at every level. */
  readonly fields: number;
  /** 1: properties side by side; each object or list inside adds one. */
  readonly depth: number;
}

/** Schemas may refer to themselves, and be larger than anybody reads. */
const DEEPEST = 8;
const MOST_FIELDS = 200;

export function schemaSize(schema: JsonSchema | undefined): SchemaSize {
  let fields = 0;
  let deepest = 0;
  const visit = (value: JsonValue | undefined, depth: number) => {
    if (typeof value !== "object" || value === null || Array.isArray(value) || depth > DEEPEST || fields >= MOST_FIELDS) return;
    const { properties, items, anyOf, oneOf, allOf, $defs } = value as Readonly<Record<string, JsonValue>>;
    if (isMapping(properties)) {
      deepest = Math.max(deepest, depth);
      for (const property of Object.values(properties)) {
        fields++;
        visit(property, depth + 1);
      }
    }
    if (isMapping(items)) visit(items, depth + 1);
    for (const branches of [anyOf, oneOf, allOf])
      if (Array.isArray(branches)) for (const branch of branches) visit(branch as JsonValue, depth);
    if (isMapping($defs)) for (const definition of Object.values($defs)) visit(definition, depth + 1);
  };
  visit(schema, 1);
  return { fields: Math.min(fields, MOST_FIELDS), depth: deepest };
}

function isMapping(value: JsonValue | undefined): value is Readonly<Record<string, JsonValue>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
