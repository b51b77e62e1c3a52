import { Ajv } from "ajv";
import { describe, expect, test } from "vitest";

import type { JsonSchema } from "../../src/job/json.ts";
import { schemaInstance } from "../../src/simulator/schema-instance.ts";

const schemas: Readonly<Record<string, JsonSchema>> = {
  "an enumeration": { type: "object", required: ["label"], properties: { label: { enum: ["a", "b", "c"] } }, additionalProperties: false },
  "a constant": { type: "object", required: ["kind"], properties: { kind: { const: "ticket" } } },
  "nested objects and arrays": {
    type: "object",
    required: ["items"],
    properties: {
      items: {
        type: "array",
        minItems: 3,
        items: {
          type: "object",
          required: ["name", "price"],
          properties: { name: { type: "string" }, price: { type: "number", minimum: 1, exclusiveMaximum: 1.5 } },
        },
      },
      note: { type: ["string", "null"] },
    },
  },
  "bounds of numbers and strings": {
    type: "object",
    required: ["n", "m", "x", "s", "t"],
    properties: {
      n: { type: "integer", minimum: 18, maximum: 20 },
      m: { type: "integer", exclusiveMinimum: 5, multipleOf: 5 },
      x: { type: "number", maximum: -3 },
      s: { type: "string", minLength: 30 },
      t: { type: "string", maxLength: 3 },
    },
  },
  "references, also recursive": {
    type: "object",
    required: ["tree"],
    properties: { tree: { $ref: "#/$defs/node" } },
    $defs: {
      node: {
        type: "object",
        required: ["value", "children"],
        properties: { value: { type: "integer" }, children: { type: "array", items: { $ref: "#/$defs/node" } } },
      },
    },
  },
  "nullable recursion": {
    $ref: "#/$defs/list",
    $defs: { list: { type: "object", required: ["next"], properties: { next: { anyOf: [{ $ref: "#/$defs/list" }, { type: "null" }] } } } },
  },
  "alternatives and combinations": {
    type: "object",
    required: ["either", "both"],
    properties: {
      either: { oneOf: [{ type: "integer" }, { type: "string" }] },
      both: {
        allOf: [
          { type: "object", required: ["a"], properties: { a: { type: "string" } } },
          { required: ["b"], properties: { b: { type: "boolean" } } },
        ],
      },
    },
  },
  "unique items": {
    type: "object",
    required: ["tags"],
    properties: { tags: { type: "array", minItems: 3, uniqueItems: true, items: { enum: ["x", "y", "z"] } } },
  },
};

describe("an instance of a schema", () => {
  for (const [name, schema] of Object.entries(schemas)) {
    test(`is valid for ${name}`, () => {
      const validate = new Ajv({ strict: false }).compile(schema);
      for (let i = 0; i < 50; i++) {
        const instance = schemaInstance(schema, 1, `subject ${i}`);
        validate(instance);
        expect({ instance, errors: validate.errors }).toEqual({ instance, errors: null });
      }
    });
  }

  test("is the same for the same subject and differs between subjects", () => {
    const schema = schemas["an enumeration"] ?? true;
    const drawn = Array.from({ length: 30 }, (_, i) => JSON.stringify(schemaInstance(schema, 1, `subject ${i}`)));
    expect(new Set(drawn).size).toBe(3);
    expect(JSON.stringify(schemaInstance(schema, 1, "subject 7"))).toBe(drawn[7]);
  });
});
