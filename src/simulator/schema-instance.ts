// A small valid instance of a JSON schema, drawn by chance that repeats. Covers what structured output uses: types, enum, const, nested objects and arrays,
// bounds, common formats, local $ref, anyOf, oneOf, allOf. Patterns are not solved: such strings may not match.

import type { JsonObject, JsonSchema, JsonValue } from "../job/json.ts";
import { createRandom, hashToUnit } from "../runtime/seeded-random.ts";

/** The same schema, seed and subject (the prompt, say) give the same instance. */
export function schemaInstance(schema: JsonSchema, seed: number, subject: string): JsonValue {
  const random = createRandom(Math.floor(hashToUnit(seed, "schema", subject) * 2 ** 32));
  return instanceOf(schema, { root: schema, random, depth: 0 });
}

interface Drawing {
  readonly root: JsonSchema;
  readonly random: () => number;
  readonly depth: number;
}

/** Below this, optional properties and items are left out, so that recursive schemas end. */
const MAX_DEPTH = 6;

function instanceOf(schema: JsonSchema, drawing: Drawing): JsonValue {
  if (typeof schema === "boolean") return "simulated";
  if (typeof schema["$ref"] === "string")
    return instanceOf(resolveRef(drawing.root, schema["$ref"]), { ...drawing, depth: drawing.depth + 1 });
  if ("const" in schema) return schema["const"] ?? null;
  const options = listOf(schema["enum"]);
  if (options.length > 0) return pick(options, drawing.random) ?? null;
  const parts = listOf(schema["allOf"]) as readonly JsonObject[];
  if (parts.length > 0) return instanceOf(merge(schema, parts, drawing.root), drawing);
  const branches = [...listOf(schema["anyOf"]), ...listOf(schema["oneOf"])] as readonly JsonSchema[];
  // Deep down the last branch is taken: in nullable and recursive schemas that is the end of it.
  const branch = drawing.depth >= MAX_DEPTH ? branches.at(-1) : pick(branches, drawing.random);
  if (branch !== undefined) return instanceOf(typeof branch === "object" ? merge(schema, [branch], drawing.root) : branch, drawing);

  switch (typeOf(schema, drawing.random)) {
    case "object":
      return objectOf(schema, drawing);
    case "array":
      return arrayOf(schema, drawing);
    case "integer":
      return numberOf(schema, 1, drawing.random);
    case "number":
      return numberOf(schema, 0.01, drawing.random);
    case "boolean":
      return drawing.random() < 0.5;
    case "null":
      return null;
    default:
      return stringOf(schema);
  }
}

function typeOf(schema: JsonObject, random: () => number): string {
  const type = schema["type"];
  if (typeof type === "string") return type;
  if (Array.isArray(type)) return pick(type as readonly string[], random) ?? "string";
  if ("properties" in schema) return "object";
  return "items" in schema ? "array" : "string";
}

function objectOf(schema: JsonObject, drawing: Drawing): JsonObject {
  const properties = Object.entries((schema["properties"] ?? {}) as Readonly<Record<string, JsonSchema>>);
  const required = listOf(schema["required"]);
  const kept = properties.filter(([name]) => required.includes(name) || drawing.depth < MAX_DEPTH);
  const inner = { ...drawing, depth: drawing.depth + 1 };
  const instance = Object.fromEntries(kept.map(([name, property]) => [name, instanceOf(property, inner)]));
  for (const name of required) if (typeof name === "string" && !(name in instance)) instance[name] = "simulated";
  return instance;
}

function arrayOf(schema: JsonObject, drawing: Drawing): readonly JsonValue[] {
  const least = numeric(schema["minItems"]) ?? 0;
  const most = numeric(schema["maxItems"]) ?? Math.max(least, 2);
  const length = drawing.depth >= MAX_DEPTH ? least : Math.max(least, Math.min(most, 1 + Math.floor(drawing.random() * 2)));
  const prefix = listOf(schema["prefixItems"]) as readonly JsonSchema[];
  const items = (schema["items"] ?? true) as JsonSchema;
  const inner = { ...drawing, depth: drawing.depth + 1 };
  const found: JsonValue[] = [];
  for (let i = 0; i < Math.max(length, prefix.length); i++) {
    let item = instanceOf(prefix[i] ?? items, inner);
    // Unique items: drawn again a few times, which enumerations need.
    for (
      let tries = 0;
      schema["uniqueItems"] === true && tries < 20 && found.some((other) => JSON.stringify(other) === JSON.stringify(item));
      tries++
    ) {
      item =
        typeof item === "string" && !Array.isArray((items as JsonObject)["enum"]) ? `${item} ${i}` : instanceOf(prefix[i] ?? items, inner);
    }
    found.push(item);
  }
  return found;
}

function numberOf(schema: JsonObject, grain: number, random: () => number): number {
  const step = numeric(schema["multipleOf"]) ?? grain;
  const above = numeric(schema["exclusiveMinimum"]);
  const below = numeric(schema["exclusiveMaximum"]);
  const least = Math.max(numeric(schema["minimum"]) ?? -Infinity, above === undefined ? -Infinity : above + step / 2);
  const most = Math.min(numeric(schema["maximum"]) ?? Infinity, below === undefined ? Infinity : below - step / 2);
  const from = Number.isFinite(least) ? least : Number.isFinite(most) ? most - 10 : 0;
  const to = Number.isFinite(most) ? most : from + 10;
  const lowest = Math.ceil(from / step - 1e-9);
  const highest = Math.max(lowest, Math.floor(to / step + 1e-9));
  const steps = lowest + Math.floor(random() * (highest - lowest + 1));
  // Division by a whole number keeps 0.07 from becoming 0.07000000000000001.
  return step < 1 ? steps / Math.round(1 / step) : steps * step;
}

const FORMATS: Readonly<Record<string, string>> = {
  "date-time": "2026-01-01T00:00:00Z",
  date: "2026-01-01",
  time: "00:00:00Z",
  duration: "PT1S",
  email: "simulated@example.com",
  hostname: "example.com",
  ipv4: "192.0.2.1",
  ipv6: "2001:db8::1",
  uri: "https://example.com/simulated",
  url: "https://example.com/simulated",
  uuid: "00000000-0000-4000-8000-000000000000",
};

function stringOf(schema: JsonObject): string {
  const text = FORMATS[schema["format"] as string] ?? "simulated";
  const least = numeric(schema["minLength"]) ?? 0;
  return text.padEnd(least, ".").slice(0, numeric(schema["maxLength"]) ?? Infinity);
}

function merge(schema: JsonObject, parts: readonly JsonObject[], root: JsonSchema): JsonObject {
  const { allOf: _allOf, anyOf: _anyOf, oneOf: _oneOf, ...own } = schema;
  let merged: JsonObject = own;
  for (const written of parts) {
    const part = typeof written["$ref"] === "string" ? (resolveRef(root, written["$ref"]) as JsonObject) : written;
    const properties = { ...(merged["properties"] as JsonObject | undefined), ...(part["properties"] as JsonObject | undefined) };
    const required = [...listOf(merged["required"]), ...listOf(part["required"])];
    merged = { ...merged, ...part };
    if (Object.keys(properties).length > 0) merged = { ...merged, properties };
    if (required.length > 0) merged = { ...merged, required };
  }
  return merged;
}

/** Follows a reference inside the schema (`#/$defs/name`); others stand for anything. */
function resolveRef(root: JsonSchema, ref: string): JsonSchema {
  let found: JsonValue | undefined = root;
  for (const step of ref.split("/").slice(1)) {
    const name = decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~");
    found = typeof found === "object" && found !== null ? (found as JsonObject)[name] : undefined;
  }
  return ref.startsWith("#") && (typeof found === "object" || typeof found === "boolean") ? ((found ?? true) as JsonSchema) : true;
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value : [];
}

function numeric(value: JsonValue | undefined): number | undefined {
  return typeof value === "number" ? value : undefined;
}

function pick<Item>(items: readonly Item[], random: () => number): Item | undefined {
  return items[Math.floor(random() * items.length)];
}
