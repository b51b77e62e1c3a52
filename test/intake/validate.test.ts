import { describe, expect, it } from "vitest";
import { createInputValidator } from "../../src/intake/validate.ts";
import { UsageError } from "../../src/job/errors.ts";

describe("the input validator", () => {
  it("names every field that is wrong, by its path", () => {
    const validate = createInputValidator({
      type: "object",
      required: ["text"],
      additionalProperties: false,
      properties: {
        text: { type: "string" },
        kind: { enum: ["a", "b"] },
        items: { type: "array", items: { type: "object", required: ["n"], properties: { n: { type: "number" } } } },
      },
    });
    expect(validate({ text: "hi", kind: "a", items: [{ n: 1 }] })).toBeUndefined();
    expect(validate({ kind: "c", items: [{ n: "1" }, {}], more: 1 })).toBe(
      'text: is required; more: is not a field of the schema; kind: "c" is not one of "a", "b"; items[0].n: must be number, is "1"; items[1].n: is required',
    );
  });

  it("shows the first problems only when there are many", () => {
    const validate = createInputValidator({ required: ["a", "b", "c", "d", "e", "f", "g"] });
    expect(validate({})).toBe("a: is required; b: is required; c: is required; d: is required; e: is required; and 2 more");
  });

  it("understands drafts 2020-12 and 07, declared or not, and lets unknown formats and keywords through", () => {
    const draft07 = { properties: { pair: { type: "array", items: [{ type: "string" }, { type: "number" }] } } };
    for (const schema of [draft07, { $schema: "http://json-schema.org/draft-07/schema#", ...draft07 }]) {
      const validate = createInputValidator(schema);
      expect(validate({ pair: ["a", 1] })).toBeUndefined();
      expect(validate({ pair: ["a", "b"] })).toBe('pair[1]: must be number, is "b"');
    }
    const validate = createInputValidator({
      $schema: "https://json-schema.org/draft/2020-12/schema",
      $defs: { name: { type: "string", format: "hostname", "x-shown": true } },
      properties: { name: { $ref: "#/$defs/name" }, pair: { prefixItems: [{ type: "string" }] } },
    });
    expect(validate({ name: "any thing", pair: ["a"] })).toBeUndefined();
    expect(validate({ pair: [1] })).toBe("pair[0]: must be string, is 1");
    expect(createInputValidator(true)({})).toBeUndefined();
  });

  it("refuses a schema that is wrong itself", () => {
    expect(() => createInputValidator({ type: "text" })).toThrow(UsageError);
    expect(() => createInputValidator({ $ref: "#/nowhere" })).toThrow(/not a valid JSON Schema/);
  });
});
