// A row against its task's input schema.

import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import { UsageError } from "../job/errors.ts";
import type { JsonObject, JsonSchema } from "../job/json.ts";

/** Says what is wrong with an input, field by field, or `undefined` when it fits. */
export type InputValidator = (input: JsonObject) => string | undefined;

/**
 * Compiles the schema once. Drafts 2020-12 and 07 are understood, unknown keywords and formats are let through.
 * @throws UsageError when the schema itself is wrong.
 */
export function createInputValidator(schema: JsonSchema): InputValidator {
  const validate = compile(schema);
  return (input) => (validate(input) ? undefined : describe(validate.errors ?? []));
}

const OPTIONS = { allErrors: true, strict: false, validateFormats: false, logger: false } as const;
const MAX_PROBLEMS = 5;

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
  throw new UsageError(`the input schema is not a valid JSON Schema: ${(problem as Error).message}`, "Correct the task's `input`.", {
    cause: problem,
  });
}

function describe(errors: readonly ErrorObject[]): string {
  const problems = [...new Set(errors.map(describeOne))];
  const more = problems.length - MAX_PROBLEMS;
  return problems.slice(0, MAX_PROBLEMS).join("; ") + (more > 0 ? `; and ${more} more` : "");
}

function describeOne(error: ErrorObject): string {
  const path = readablePath(error.instancePath);
  const field = (name: unknown) => (path ? `${path}.${String(name)}` : String(name));
  switch (error.keyword) {
    case "required":
      return `${field(error.params["missingProperty"])}: is required`;
    case "additionalProperties":
      return `${field(error.params["additionalProperty"])}: is not a field of the schema`;
    case "unevaluatedProperties":
      return `${field(error.params["unevaluatedProperty"])}: is not a field of the schema`;
    case "enum":
      return `${path || "the row"}: must be one of ${JSON.stringify(error.params["allowedValues"]).slice(0, 200)}`;
    case "const":
      return `${path || "the row"}: must be ${JSON.stringify(error.params["allowedValue"]).slice(0, 200)}`;
    default:
      return `${path || "the row"}: ${error.message ?? "does not fit"}`;
  }
}

/** JSON pointer `/items/0/name` → `items[0].name`. */
function readablePath(pointer: string): string {
  return pointer
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))
    .reduce((path, part) => (/^\d+$/.test(part) ? `${path}[${part}]` : path ? `${path}.${part}` : part), "");
}
