// A task's output schema in the dialects that vendors enforce.
//
// Both enforce a subset of JSON Schema in which every object names its properties and admits no others. A schema is tightened to that
// where nothing the user allows gets lost but keys never named (`additionalProperties` left out); where something would be lost, it doesn't fit.
// Sources: https://developers.openai.com/api/docs/guides/structured-outputs, https://docs.claude.com/en/build-with-claude/structured-outputs.

import type { JsonObject, JsonSchema, JsonValue } from "../job/json.ts";
import { asArray, asObject, asText } from "./read-json.ts";

interface Dialect {
  /** Keywords that constrain a value and are enforced. */
  readonly constraints: ReadonlySet<string>;
  /** Whether a property may be left out of `required`. */
  readonly optional: boolean;
  /** Whether references are taken; in which case they may be recursive. */
  readonly references: boolean;
  /** Other constraints become words in the description (our own checks still apply them) instead of making the schema unfit. */
  readonly describes: boolean;
}

const NUMBERS = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"];
const OPENAI: Dialect = {
  constraints: new Set([...NUMBERS, "pattern", "format", "minItems", "maxItems"]),
  optional: false,
  references: true,
  describes: false,
};
const ANTHROPIC: Dialect = { constraints: new Set(["format"]), optional: true, references: false, describes: true };

const FORMATS: ReadonlySet<JsonValue> = new Set(["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"]);
const DESCRIBABLE = new Set([...NUMBERS, "pattern", "format", "minItems", "maxItems", "uniqueItems", "minLength", "maxLength"]);
/** Say nothing about the value. */
const ANNOTATIONS = new Set(["$schema", "$id", "$comment", "examples", "default", "deprecated", "readOnly", "writeOnly"]);

/** The schema for OpenAI's strict mode; undefined where it doesn't fit and must be sent with `strict: false`. */
export const strictOpenAiSchema = remember((schema) => (isObjectSchema(schema) && !schema.anyOf ? tighten(schema, OPENAI) : undefined));
/** The schema for Anthropic's `output_config.format`; undefined where it doesn't fit. */
export const nativeAnthropicSchema = remember((schema) => (isObjectSchema(schema) ? tighten(schema, ANTHROPIC) : undefined));

/** Whether the schema asks for an object: neither vendor takes another kind of answer as structured. */
export function isObjectSchema(schema: JsonSchema): schema is JsonObject {
  return typeof schema === "object" && schema.type === "object";
}

/** The schema in words, for models that can't be held to one. */
export const schemaInstruction = remember(
  (schema) => `Answer with JSON only: no other text, no code fence. The JSON must satisfy this JSON Schema:\n${JSON.stringify(schema)}`,
);

function tighten(schema: JsonValue | undefined, dialect: Dialect): JsonObject | undefined {
  const node = asObject(schema);
  if (!node) return undefined;
  const out: Record<string, JsonValue> = {};
  const described: string[] = [];
  for (const [keyword, value] of Object.entries(node)) {
    if (ANNOTATIONS.has(keyword) || keyword === "required" || keyword === "additionalProperties") continue;
    const kept = keepKeyword(keyword, value, dialect);
    if (kept !== undefined) out[keyword] = kept;
    else if (dialect.describes && DESCRIBABLE.has(keyword)) described.push(`${keyword}: ${JSON.stringify(value)}`);
    else return undefined;
  }
  if (described.length > 0) out.description = `${asText(node.description) ?? ""} (${described.join(", ")})`.trim();
  if (out.type === undefined && !out.anyOf && !out.$ref) {
    const type = typeOfValues(asArray(node.enum) ?? (node.const === undefined ? [] : [node.const]));
    if (!type) return undefined;
    out.type = type;
  }
  const types = asArray(out.type) ?? [out.type];
  if (types.includes("array") && out.items === undefined) return undefined;
  return types.includes("object") ? closeObject(node, out, dialect) : out;
}

/** The keyword's value in the dialect, or undefined when the dialect can't say it. */
function keepKeyword(keyword: string, value: JsonValue, dialect: Dialect): JsonValue | undefined {
  switch (keyword) {
    case "type":
    case "enum":
    case "const":
    case "title":
    case "description":
      return value;
    case "items":
      return tighten(value, dialect);
    case "anyOf":
      return tightenAll(
        asArray(value)?.map((each, i) => [String(i), each]),
        dialect,
        (entries) => entries.map(([, each]) => each),
      );
    case "properties":
    case "$defs":
      if (keyword === "$defs" && !dialect.references) return undefined;
      return tightenAll(Object.entries(asObject(value) ?? {}), dialect, (entries) => Object.fromEntries(entries));
    case "$ref":
      return dialect.references && typeof value === "string" && value.startsWith("#") ? value : undefined;
    case "format":
      return FORMATS.has(value) ? value : undefined;
    default:
      return dialect.constraints.has(keyword) ? value : undefined;
  }
}

function tightenAll(
  entries: readonly (readonly [string, JsonValue])[] | undefined,
  dialect: Dialect,
  build: (entries: readonly (readonly [string, JsonValue])[]) => JsonValue,
): JsonValue | undefined {
  const out: (readonly [string, JsonValue])[] = [];
  for (const [key, value] of entries ?? []) {
    const tight = tighten(value, dialect);
    if (!tight) return undefined;
    out.push([key, tight]);
  }
  return build(out);
}

function closeObject(node: JsonObject, out: Record<string, JsonValue>, dialect: Dialect): JsonObject | undefined {
  const names = Object.keys(asObject(node.properties) ?? {});
  const required = asArray(node.required) ?? [];
  // An object without named properties is a free-form one: closing it would leave only {}.
  if (names.length === 0 || (node.additionalProperties ?? false) !== false) return undefined;
  if (!required.every((name) => typeof name === "string" && names.includes(name))) return undefined;
  if (!dialect.optional && required.length < names.length) return undefined;
  return { ...out, required, additionalProperties: false };
}

function typeOfValues(values: readonly JsonValue[]): string | undefined {
  const types = new Set(values.map((value) => (value === null ? "null" : typeof value)));
  const [type] = types;
  return types.size === 1 && type !== "object" ? type : undefined;
}

/** Schemas are few and live as long as the process: each is worked out once. */
function remember<Value>(work: (schema: JsonSchema) => Value): (schema: JsonSchema) => Value {
  const known = new WeakMap<object, { value: Value }>();
  return (schema) => {
    if (typeof schema !== "object") return work(schema);
    let entry = known.get(schema);
    if (!entry) known.set(schema, (entry = { value: work(schema) }));
    return entry.value;
  };
}
