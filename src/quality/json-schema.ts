// JSON Schemas, compiled: a value in, a readable reason out.

import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { JsonSchema } from "../job/json.ts";

const MOST_REASONS = 3;
const LONGEST_VALUE = 60;

/**
 * Compiles a schema (draft 2020-12 where `$schema` says so, else draft-07; unknown keywords are left alone and `format` is not checked).
 * The validator answers undefined for a value that fits, else why it doesn't. Throws when the schema itself is wrong.
 */
export function compileSchema(schema: JsonSchema): (value: unknown) => string | undefined {
  const options = { strict: false, allErrors: true, validateFormats: false, logger: false, verbose: true } as const;
  const dialect = typeof schema === "object" ? schema.$schema : undefined;
  const is2020 = typeof dialect === "string" && dialect.includes("2020-12");
  const validate: ValidateFunction = (is2020 ? new Ajv2020(options) : new Ajv(options)).compile(schema);
  return (value) => (validate(value) ? undefined : describe(validate.errors ?? []));
}

function describe(errors: readonly ErrorObject[]): string {
  // An `if` or `anyOf` repeats what its branches have already said.
  const telling = errors.filter((error) => error.keyword !== "if");
  const reasons = [...new Set(telling.map(reasonOf))];
  const more = reasons.length - MOST_REASONS;
  return reasons.slice(0, MOST_REASONS).join("; ") + (more > 0 ? `; and ${more} more` : "");
}

function reasonOf(error: ErrorObject): string {
  const place = error.instancePath === "" ? "the value" : fieldOf(error.instancePath);
  const params = error.params as Readonly<Record<string, unknown>>;
  switch (error.keyword) {
    case "required":
      return `${place} lacks ${show(params.missingProperty)}`;
    case "additionalProperties":
      return `${place} has ${show(params.additionalProperty)}, which the schema doesn't know`;
    case "enum":
      return `${place} is ${show(error.data)}, not one of ${list(params.allowedValues)}`;
    case "const":
      return `${place} is ${show(error.data)}, not ${show(params.allowedValue)}`;
    case "type":
      return `${place} is ${show(error.data)}, not of type ${String(params.type).replaceAll(",", " or ")}`;
    default:
      return `${place} ${error.message ?? `fails ${error.keyword}`}`;
  }
}

/** `/items/0/name` → `items[0].name`. */
function fieldOf(pointer: string): string {
  return pointer
    .slice(1)
    .split("/")
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))
    .reduce((field, part) => (/^\d+$/.test(part) ? `${field}[${part}]` : field === "" ? part : `${field}.${part}`), "");
}

function list(values: unknown): string {
  const shown = Array.isArray(values) ? values.slice(0, 8).map(show) : [];
  return shown.join(", ") + (Array.isArray(values) && values.length > shown.length ? ", …" : "");
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}…` : text;
}
