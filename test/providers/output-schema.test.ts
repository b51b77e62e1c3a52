import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JsonObject, JsonSchema, JsonValue } from "../../src/job/json.ts";
import { compileSchema } from "../../src/job/json-schema.ts";
import { nativeAnthropicSchema, schemaInstruction, strictOpenAiSchema } from "../../src/providers/output-schema.ts";

const NESTED = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  required: ["items", "note"],
  properties: {
    items: { type: "array", items: { type: "object", required: ["n"], properties: { n: { type: "integer", minimum: 1 } } } },
    note: { anyOf: [{ type: "string" }, { type: "null" }], default: null },
  },
} as const;

describe("a schema for OpenAI's strict mode", () => {
  it("has every object closed, however deep, and nothing that says nothing", () => {
    expect(strictOpenAiSchema(NESTED)).toEqual({
      type: "object",
      required: ["items", "note"],
      additionalProperties: false,
      properties: {
        items: {
          type: "array",
          items: { type: "object", required: ["n"], properties: { n: { type: "integer", minimum: 1 } }, additionalProperties: false },
        },
        note: { anyOf: [{ type: "string" }, { type: "null" }] },
      },
    });
  });

  it("may refer to its own definitions", () => {
    const tree: JsonSchema = {
      type: "object",
      required: ["root"],
      properties: { root: { $ref: "#/$defs/node" } },
      $defs: {
        node: { type: "object", required: ["next"], properties: { next: { anyOf: [{ $ref: "#/$defs/node" }, { type: "null" }] } } },
      },
    };
    expect(strictOpenAiSchema(tree)).toMatchObject({ $defs: { node: { additionalProperties: false } } });
  });

  it.each<[string, JsonSchema]>([
    ["an optional property", { type: "object", properties: { a: { type: "string" } } }],
    ["keys that are not named", { type: "object", required: ["a"], properties: { a: { type: "string" } }, additionalProperties: true }],
    ["a free-form object", { type: "object" }],
    ["a free-form object inside", { type: "object", required: ["a"], properties: { a: { type: "object" } } }],
    ["a list of anything", { type: "object", required: ["a"], properties: { a: { type: "array" } } }],
    ["a value of any type", { type: "object", required: ["a"], properties: { a: {} } }],
    ["a length", { type: "object", required: ["a"], properties: { a: { type: "string", maxLength: 3 } } }],
    ["oneOf", { type: "object", required: ["a"], properties: { a: { oneOf: [{ type: "string" }] } } }],
    ["an unknown format", { type: "object", required: ["a"], properties: { a: { type: "string", format: "iban" } } }],
    ["a required property that is not described", { type: "object", required: ["a", "b"], properties: { a: { type: "string" } } }],
    ["a reference elsewhere", { type: "object", required: ["a"], properties: { a: { $ref: "https://x.test/schema" } } }],
    ["mixed values", { type: "object", required: ["a"], properties: { a: { enum: ["x", 1] } } }],
    ["another root", { type: "array", items: { type: "string" } }],
    ["no schema at all", true],
  ])("can't say %s", (_what, schema) => expect(strictOpenAiSchema(schema)).toBeUndefined());
});

describe("a schema for Anthropic's format", () => {
  it("tells constraints that aren't enforced in the description, and may have optional properties", () => {
    const schema = {
      type: "object",
      properties: { age: { type: "integer", minimum: 0, description: "In years." }, day: { type: "string", format: "date" } },
    };
    expect(nativeAnthropicSchema(schema)).toEqual({
      type: "object",
      required: [],
      additionalProperties: false,
      properties: { age: { type: "integer", description: "In years. (minimum: 0)" }, day: { type: "string", format: "date" } },
    });
  });

  it("can't be one that refers or allows any key", () => {
    expect(
      nativeAnthropicSchema({ type: "object", properties: { a: { $ref: "#/$defs/a" } }, $defs: { a: { type: "string" } } }),
    ).toBeUndefined();
    expect(nativeAnthropicSchema({ type: "object", additionalProperties: { type: "string" } })).toBeUndefined();
  });
});

function admits(schema: JsonObject | undefined, value: JsonObject): boolean {
  return schema !== undefined && compileSchema(schema)(value) === undefined;
}

describe("tightening", () => {
  interface Case {
    readonly schema: JsonObject;
    readonly value: JsonValue;
  }
  /** Schemas that strict mode can say, each with a value that fits. */
  const { node } = fc.letrec<{ node: Case; leaf: Case; list: Case; object: Case }>((tie) => ({
    node: fc.oneof({ maxDepth: 3 }, tie("leaf"), tie("list"), tie("object")),
    leaf: fc.oneof(
      fc.string().map((value): Case => ({ schema: { type: "string" }, value })),
      fc.nat().map((value): Case => ({ schema: { type: "integer", minimum: 0 }, value })),
      fc.constantFrom("a", "b").map((value): Case => ({ schema: { enum: ["a", "b"] }, value })),
      fc.constant<Case>({ schema: { type: ["number", "null"] }, value: null }),
    ),
    list: tie("node").map(({ schema, value }): Case => ({ schema: { type: "array", items: schema }, value: [value, value] })),
    object: fc.dictionary(fc.constantFrom("a", "b", "c"), tie("node"), { minKeys: 1 }).map((fields): Case => {
      const pick = (part: keyof Case): JsonObject => Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field[part]]));
      return { schema: { type: "object", required: Object.keys(fields), properties: pick("schema") }, value: pick("value") };
    }),
  }));
  const cases = fc.dictionary(fc.constantFrom("x", "y"), node, { minKeys: 1 });
  const failing = (holds: (schema: JsonObject, value: JsonObject) => boolean) =>
    fc.check(
      fc.property(cases, (fields) => {
        const names = Object.keys(fields);
        const properties = Object.fromEntries(names.map((name) => [name, fields[name]?.schema ?? {}]));
        const value = Object.fromEntries(names.map((name) => [name, fields[name]?.value ?? null]));
        return holds({ type: "object", required: names, properties }, value);
      }),
    ).counterexample;

  it("loses no value that has only named keys, in either dialect", () => {
    expect(failing((schema, value) => admits(strictOpenAiSchema(schema), value))).toBeNull();
    expect(failing((schema, value) => admits(nativeAnthropicSchema(schema), value))).toBeNull();
  });

  it("admits no other keys", () => {
    expect(failing((schema, value) => !admits(strictOpenAiSchema(schema), { ...value, other: 1 }))).toBeNull();
  });

  it("is done once per schema", () => {
    expect(strictOpenAiSchema(NESTED)).toBe(strictOpenAiSchema(NESTED));
    expect(schemaInstruction(NESTED)).toContain('"items"');
  });
});
