import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createChecker } from "../../src/quality/check.ts";
import { checkWith, saying, says } from "./checking.ts";

const OUTPUT = {
  type: "object",
  required: ["label"],
  properties: { label: { enum: ["billing", "delivery"] }, tags: { type: "array", items: { type: "string" } } },
} as const;

const check = (text: string) => checkWith([{ kind: "schema" }], says(text), { output: OUTPUT });

describe("createChecker", () => {
  it("passes any text of a task without an output schema as it is", () => {
    const answer = says("whatever {");
    expect(checkWith([], answer)).toEqual({ kind: "passed", answer });
  });

  it("puts the parsed answer beside the text", () => {
    const text = '{"label":"billing"}';
    expect(check(text)).toEqual({ kind: "passed", answer: { ...says(text), json: { label: "billing" } } });
  });

  it("without the schema check keeps JSON where there is some and fails nothing", () => {
    const lenient = (text: string) => checkWith([], says(text), { output: OUTPUT });
    expect(lenient("prose")).toEqual({ kind: "passed", answer: says("prose") });
    expect(lenient('{"label":"other"}')).toMatchObject({ kind: "passed", answer: { json: { label: "other" } } });
  });

  it("reads JSON without an output schema where a check looks at a field, and only there", () => {
    const text = 'Sure: {"label":"billing"}';
    expect(checkWith([{ kind: "values", field: "label", values: ["billing"] }], says(text))).toMatchObject({
      answer: { json: { label: "billing" } },
    });
    expect(checkWith([{ kind: "contains", all: ["billing"], ignoreCase: true }], says(text))).toEqual({
      kind: "passed",
      answer: says(text),
    });
  });

  it("runs the checks in order, and the first that fails says what is to be done", () => {
    const checks = [
      { kind: "length", unit: "characters", max: 10 },
      { kind: "contains", all: ["b"], ignoreCase: true, onFail: "repair" },
      { kind: "contains", all: ["c"], ignoreCase: true, onFail: "fail" },
    ] as const;
    expect(checkWith(checks, says("a"))).toMatchObject({ kind: "failed", onFail: "repair" });
    expect(checkWith(checks, says("b"))).toMatchObject({ kind: "failed", onFail: "fail" });
    expect(checkWith(checks, says("b".repeat(11)))).toMatchObject({ kind: "failed", onFail: "escalate" });
    expect(checkWith(checks, says("b c"))).toMatchObject({ kind: "passed" });
  });

  it("goes on in order behind a check that takes its time", async () => {
    const seen: string[] = [];
    const custom = (name: string, passes: boolean) =>
      ({
        kind: "custom",
        name,
        check: async () => {
          await Promise.resolve();
          seen.push(name);
          return passes;
        },
      }) as const;
    const result = await checkWith([custom("one", true), { kind: "refusal" }, custom("two", false), custom("three", true)], says("x"));
    expect(result).toEqual({ kind: "failed", reason: "two: the answer failed this check", onFail: "escalate" });
    expect(seen).toEqual(["one", "two"]);
  });

  it("needs no promise where no check does", () => {
    expect(check('{"label":"billing"}')).not.toBeInstanceOf(Promise);
  });
});

describe("the schema check", () => {
  it.each([
    ["white space", '\n  {"label":"billing"} \n'],
    ["a fence", '```json\n{"label":"billing"}\n```'],
    ["a fence that ends on its line", '```\r\n{"label":\n"billing"}```'],
    ["a fence in capitals", ' ```JSON\n\n{"label":"billing"}\n\n``` \n'],
    ["prose before a fence", 'Here: ```json\n{"label":"billing"}\n```'],
    ["prose around", 'The ticket is about money. {"label": "billing"} Let me know if I can help!'],
    ["a trailing comma", '{"label":"billing", "tags": ["a", "b",],}'],
    ["comments", '{\n  // about money\n  "label": "billing" /* surely */\n}'],
    ["single quotes", "{'label': 'billing'}"],
    ["curly quotes", "{“label”: “billing”}"],
    ["bare names", '{label: "billing"}'],
    ["a list of one", '[{"label":"billing"}]'],
    ["JSON in a string", '"{\\"label\\":\\"billing\\"}"'],
    ["a byte order mark", '\uFEFF{"label":"billing"}'],
    ["an example before it", 'Such as {"label":"refund"} is not allowed, so:\n{"label":"billing"}'],
    ["a draft in a fence", '```json\n{"label":"delivery"}\n```\nOn second thought:\n```json\n{"label":"billing"}\n```'],
    ["thoughts with braces", 'The set {billing, delivery} and [1, 2] {x}: {"label":"billing"}'],
  ])("takes %s", (_, text) => {
    expect(check(text)).toMatchObject({ kind: "passed", answer: { text, json: { label: "billing" } } });
  });

  it.each([
    ["The label is billing.", 'the answer is not JSON: "The label is billing."'],
    ["  ", "the answer is not JSON: it is empty"],
    ["{}", "the answer doesn't fit its schema: label: is required"],
    ['{"label":"Billing"}', 'the answer doesn\'t fit its schema: label: "Billing" is not one of "billing", "delivery"'],
    ['{"label":"billing","tags":["a",1]}', "the answer doesn't fit its schema: tags[1]: must be string, is 1"],
    ['{"label":"billing","tags":[NaN]}', "the answer doesn't fit its schema: tags[0]: must be string, is null"],
    ["[]", "the answer doesn't fit its schema: the answer: must be object, is []"],
    ['[{"label":"billing"},{"label":"delivery"}]', /must be object, is \[/],
    ['{"label":"billing","tags":["a', 'the answer\'s JSON is cut off or broken: it ends in "{\\"label\\":\\"billing\\",\\"tags\\":[\\"a"'],
    ['{"label":"billing"', /cut off/],
    ['```json\n{"label":"billing",', /cut off/],
    ['[{"label":"billing"},{"lab', /cut off/],
    ['{"answer": {"label":"billing"}, "why": "it says', /cut off/],
    [`The ticket ${"and so on ".repeat(20)}`, /^the answer is not JSON: "The ticket and so on [a-z ]+"…$/],
  ])("fails %j and says why", (text, reason) => {
    const result = check(text);
    expect(result).toEqual({
      kind: "failed",
      reason: saying(reason),
      onFail: "escalate",
    });
  });

  it("fails an answer that its vendor cut off, however whole it looks", () => {
    expect(checkWith([{ kind: "schema", onFail: "repair" }], says('{"label":"billing"}', "length"), { output: OUTPUT })).toEqual({
      kind: "failed",
      reason: "the answer was cut off at its token limit",
      onFail: "repair",
    });
  });

  it("says no more than five reasons and how many there are", () => {
    const output = { required: ["a", "b", "c", "d", "e", "f", "g"] };
    expect(checkWith([{ kind: "schema" }], says("{}"), { output })).toMatchObject({
      reason:
        "the answer doesn't fit its schema: a: is required; b: is required; c: is required; d: is required; e: is required; and 2 more",
    });
  });

  it("understands draft 2020-12 schemas and leaves unknown keywords and formats alone", () => {
    const output = {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      type: "object",
      properties: { pair: { prefixItems: [{ type: "string" }] }, mail: { type: "string", format: "email", example: "a@b" } },
    };
    const modern = createChecker({ output, checks: [{ kind: "schema", onFail: "fail" }] });
    expect(modern(says('{"pair":["a"],"mail":"x"}'), {})).toMatchObject({ kind: "passed" });
    expect(modern(says('{"pair":[1]}'), {})).toMatchObject({ kind: "failed" });
  });

  it("gives back any JSON value, fenced or not", () => {
    fc.assert(
      fc.property(fc.json(), fc.boolean(), (text, fence) => {
        const answer = says(fence ? `\`\`\`json\n${text}\n\`\`\`` : text);
        expect(checkWith([{ kind: "schema" }], answer, { output: true })).toEqual({
          kind: "passed",
          answer: { ...answer, json: JSON.parse(text) as unknown },
        });
      }),
    );
  });
});
