// JSON Schemas, compiled: a value in, a readable reason out. Rows and answers are checked the same way.

import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { JsonSchema } from "./json.ts";

/** Says what is wrong with a value, field by field, or undefined when it fits. */
export type SchemaValidator = (value: unknown) => string | undefined;

const OPTIONS = { allErrors: true, strict: false, validateFormats: false, logger: false, verbose: true } as const;
const MOST_PROBLEMS = 5;
const LONGEST_VALUE = 60;

/**
 * Compiles a schema of draft 2020-12 or 07; unknown keywords are let through and `format` is not checked. `whole` names the value in messages
 * about all of it ("the row"). Throws when the schema itself is wrong.
 */
export function compileSchema(schema: JsonSchema, whole = "the value"): SchemaValidator {
  const validate = compile(schema);
  return (value) => (validate(value) ? undefined : describe(validate.errors ?? [], whole));
}

/** As 2020-12 or, for schemas that only an older draft takes (tuples as `items`), as draft 07. */
function compile(schema: JsonSchema): ValidateFunction {
  const { $schema: dialect, ...bare } = typeof schema === "object" ? schema : {};
  const plain = typeof schema === "object" ? bare : schema;
  const drafts = [() => new Ajv2020(OPTIONS), () => new Ajv(OPTIONS)];
  if (typeof dialect === "string" && /draft-0[67]/.test(dialect)) drafts.reverse();
  let problem: unknown;
  for (const draft of drafts) {
    try {
      return draft().compile(plain);
    } catch (error) {
      problem ??= error;
    }
  }
  throw problem;
}

function describe(errors: readonly ErrorObject[], whole: string): string {
  // An `if` repeats what its branches have already said.
  const telling = errors.filter((error) => error.keyword !== "if");
  const problems = [...new Set(telling.map((error) => problemOf(error, whole)))];
  const more = problems.length - MOST_PROBLEMS;
  return problems.slice(0, MOST_PROBLEMS).join("; ") + (more > 0 ? `; and ${more} more` : "");
}

function problemOf(error: ErrorObject, whole: string): string {
  const path = fieldOf(error.instancePath);
  const place = path || whole;
  const params = error.params as Readonly<Record<string, unknown>>;
  const field = (name: unknown) => (path ? `${path}.${String(name)}` : String(name));
  switch (error.keyword) {
    case "required":
      return `${field(params["missingProperty"])}: is required`;
    case "additionalProperties":
      return `${field(params["additionalProperty"])}: is not a field of the schema`;
    case "unevaluatedProperties":
      return `${field(params["unevaluatedProperty"])}: is not a field of the schema`;
    case "enum":
      return `${place}: ${show(error.data)} is not one of ${list(params["allowedValues"])}`;
    case "const":
      return `${place}: ${show(error.data)} is not ${show(params["allowedValue"])}`;
    case "type":
      return `${place}: must be ${String(params["type"]).replaceAll(",", " or ")}, is ${show(error.data)}`;
    default:
      return `${place}: ${error.message ?? `fails ${error.keyword}`}`;
  }
}

/** JSON pointer `/items/0/name` → `items[0].name`. */
function fieldOf(pointer: string): string {
  return pointer
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))
    .reduce((path, part) => (/^\d+$/.test(part) ? `${path}[${part}]` : path ? `${path}.${part}` : part), "");
}

function list(values: unknown): string {
  const shown = Array.isArray(values) ? values.slice(0, 8).map(show) : [];
  return shown.join(", ") + (Array.isArray(values) && values.length > shown.length ? ", …" : "");
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}…` : text;
}
