import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Answer } from "../../src/job/outcome.ts";
import type { TaskSpec } from "../../src/job/task.ts";
import { createChecker } from "../../src/quality/check.ts";

const OUTPUT = {
  type: "object",
  required: ["label"],
  properties: { label: { enum: ["billing", "delivery"] }, tags: { type: "array", items: { type: "string" } } },
} as const;

function taskWith(changes: Partial<TaskSpec>): TaskSpec {
  const base = { name: "t", route: [], attempts: 1, timeoutMs: 1, patienceMs: 1, onRefusal: "fail" } as const;
  return { ...base, checks: changes.output === undefined ? [] : [{ kind: "schema" }], ...changes };
}

const says = (text: string): Answer => ({ text, finish: { unified: "stop", raw: "stop" } });
const check = createChecker(taskWith({ output: OUTPUT }));

describe("createChecker", () => {
  it("passes any text of a task without an output schema as it is", () => {
    const answer = says("whatever {");
    expect(createChecker(taskWith({}))(answer)).toEqual({ kind: "passed", answer });
  });

  it("puts the parsed answer beside the text", () => {
    const answer = says('{"label":"billing"}');
    expect(check(answer)).toEqual({ kind: "passed", answer: { ...answer, json: { label: "billing" } } });
  });

  it.each([
    '\n  {"label":"billing"} \n',
    '```json\n{"label":"billing"}\n```',
    '```\r\n{"label":\n"billing"}```',
    ' ```JSON\n\n{"label":"billing"}\n\n``` \n',
  ])("tolerates white space and one code fence: %j", (text) => {
    expect(check(says(text))).toMatchObject({ kind: "passed", answer: { text, json: { label: "billing" } } });
  });

  it.each([
    ["The label is billing.", 'the answer is not JSON: "The label is billing."'],
    ["  ", "the answer is not JSON: it is empty"],
    ['Here: ```json\n{"label":"billing"}\n```', 'the answer is not JSON: "Here: ```json\\n{\\"label\\":\\"billing\\"}\\n```"'],
    ["{}", "the answer doesn't fit its schema: label: is required"],
    ['{"label":"Billing"}', 'the answer doesn\'t fit its schema: label: "Billing" is not one of "billing", "delivery"'],
    ['{"label":"billing","tags":["a",1]}', "the answer doesn't fit its schema: tags[1]: must be string, is 1"],
    ["[]", "the answer doesn't fit its schema: the answer: must be object, is []"],
  ])("fails %j and says why", (text, reason) => {
    expect(check(says(text))).toEqual({ kind: "failed", reason });
  });

  it("says no more than five reasons and how many there are", () => {
    const many = createChecker(taskWith({ output: { required: ["a", "b", "c", "d", "e", "f", "g"] } }));
    expect(many(says("{}"))).toEqual({
      kind: "failed",
      reason:
        "the answer doesn't fit its schema: a: is required; b: is required; c: is required; d: is required; e: is required; and 2 more",
    });
  });

  it("without the schema check keeps JSON where there is some and fails nothing", () => {
    const lenient = createChecker(taskWith({ output: OUTPUT, checks: [] }));
    expect(lenient(says("prose"))).toEqual({ kind: "passed", answer: says("prose") });
    expect(lenient(says('{"label":"other"}'))).toMatchObject({ kind: "passed", answer: { json: { label: "other" } } });
  });

  it("understands draft 2020-12 schemas and leaves unknown keywords and formats alone", () => {
    const output = {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      type: "object",
      properties: { pair: { prefixItems: [{ type: "string" }] }, mail: { type: "string", format: "email", example: "a@b" } },
    };
    const modern = createChecker(taskWith({ output }));
    expect(modern(says('{"pair":["a"],"mail":"x"}'))).toMatchObject({ kind: "passed" });
    expect(modern(says('{"pair":[1]}'))).toMatchObject({ kind: "failed" });
  });

  it("gives back any JSON value, fenced or not", () => {
    const any = createChecker(taskWith({ output: true }));
    fc.assert(
      fc.property(fc.json(), fc.boolean(), (text, fence) => {
        const answer = says(fence ? `\`\`\`json\n${text}\n\`\`\`` : text);
        expect(any(answer)).toEqual({ kind: "passed", answer: { ...answer, json: JSON.parse(text) as unknown } });
      }),
    );
  });
});
