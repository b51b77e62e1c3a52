import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readAnswerJson } from "../../src/job/answer-json.ts";
import type { JsonObject, JsonValue } from "../../src/job/json.ts";
import { hasRecordings, readRecordings } from "./recordings.ts";

const read = (json: JsonValue) => ({ kind: "read", json });
const NONE = { kind: "none" };
const CUT_OFF = { kind: "cut-off" };

function isAnswer(json: JsonValue): json is JsonObject {
  return typeof json === "object" && json !== null && "reasoning" in json && "answer" in json;
}

describe("readAnswerJson", () => {
  it.each<[string, string, JsonValue]>([
    ["JSON", '{"a": 1}', { a: 1 }],
    ["any value", "42", 42],
    ["a fence", '```json\n{"a": 1}\n```', { a: 1 }],
    ["a fence amid prose", 'Here:\n\n```json\n{"a": 1}\n```\n\nThat is [all] of it {really}.', { a: 1 }],
    ["the last of several fences", '```python\nd = {"b": 2}\n```\n```json\n{"a": 1}\n```', { a: 1 }],
    ["a fence that is not closed", '```json\n{"a": 1}', { a: 1 }],
    ["an object amid prose", 'Sure! {"a": 1} Anything else?', { a: 1 }],
    ["an object, not the list behind it", '{"a": 1} as said in [1]', { a: 1 }],
    ["trailing commas", '{"a": [1, 2,], "b": {"c": 3,},}', { a: [1, 2], b: { c: 3 } }],
    ["comments", '{"a": 1, // one\n /* two { */ "b": 2}', { a: 1, b: 2 }],
    ["single quotes", "{'a': 'it\\'s', 'b': [\"x\"]}", { a: "it's", b: ["x"] }],
    ["an apostrophe in single quotes", "{'a': 'it's it's fine', 'b': 1}", { a: "it's it's fine", b: 1 }],
    ["curly quotes", "{“a”: “x”, ‘b’: ‘y’}", { a: "x", b: "y" }],
    ["curly quotes in text", '{"a": "“x”",}', { a: "“x”" }],
    ["names without quotes", "{a: 1, b_2: 2, 3: 3}", { a: 1, b_2: 2, 3: 3 }],
    ["Python's words", "{'a': True, 'b': False, 'c': None}", { a: true, b: false, c: null }],
    ["numbers that are none", '{"a": NaN, "b": Infinity, "c": -Infinity, "d": undefined}', { a: null, b: null, c: null, d: null }],
    ["numbers in other styles", '{"a": +1, "b": .5, "c": 5., "d": -1e3, "e": 007}', { a: 1, b: 0.5, c: 5, d: -1000, e: 7 }],
    ["line breaks and tabs in text", '{"a": "one\ntwo\r\n\tthree"}', { a: "one\ntwo\r\n\tthree" }],
    ["escapes that JSON doesn't know", '{"a": "\\( \\$5 \\) it\\\'s \\u00e9 \\\\"}', { a: "\\( \\$5 \\) it's é \\" }],
    [
      "pairs of quotes in text",
      '{"a": "say "hi" to "her", then go", "b": "("", "x")"}',
      { a: 'say "hi" to "her", then go', b: '("", "x")' },
    ],
    ["a comma forgotten at the end of a line", '{"a": "x"\n "b": 1\n "c": 2}', { a: "x", b: 1, c: 2 }],
    ["a fence inside of text", '{"a": "```json\n{}\n```",}', { a: "```json\n{}\n```" }],
    ["another language's spaces", '\uFEFF{\u00a0"a":\u30001,}', { a: 1 }],
    ["the last name of two", '{"a": 1, "a": 2,}', { a: 2 }],
  ])("reads %s", (_, text, json) => {
    expect(readAnswerJson(text)).toEqual(read(json));
  });

  it.each([
    ["prose", "The answer is billing."],
    ["nothing", " \n"],
    ["braces in prose", "The set {a, b} and f(x) = {x} and [i]."],
    ["a list in prose", "As said in [1] and [2, 3]."],
    ["code", "if (a) { return b; }"],
    ["words for a value", '{"a": yes}'],
    ["numbers with thousands", '{"a": 1,234}'],
    ["JSON inside of broken JSON", '{"a": oops, "b": {"a": 1}}'],
    ["depth without end", `${"[".repeat(5_000)}1${"]".repeat(5_000)}`],
    ["depth without end and a trailing comma", `${'{"a":'.repeat(5_000)}1${",}".repeat(5_000)}`],
  ])("finds no JSON in %s", (_, text) => {
    expect(readAnswerJson(text)).toEqual(NONE);
  });

  it.each([
    '{"a": 1',
    '{"a": 1,',
    '{"a": "x',
    '{"a": "x"',
    '{"a": "x", "b',
    '{"a": [1, 2], "b": {"c": 1}',
    '[{"a": 1}, {"a": 2}',
    '[{"a": 1}, {"a": 2}, ',
    '{"b": {"a": 1}, "c": tr',
    '{"b": {"a": 1}, "c": 1',
    '```json\n{"a": 1, "why": "it',
    'First {"a": 1}, then {"a": 2, "b',
    '{"why": "he wrote {"a": 1}',
    '{"why": "he wrote {"a": "5"}',
    '{"why": "the result is {"a": "5"}, "b',
    '{"a": 1, /* not',
    "{'a': 'x",
    // Broken; but nothing says that the text would not go on.
    '{"a": "<" * 10}',
  ])("takes %j for cut off, and nothing out of it", (text) => {
    expect(readAnswerJson(text)).toEqual(CUT_OFF);
    expect(readAnswerJson(text, (json) => JSON.stringify(json).startsWith('{"a"'))).toEqual(CUT_OFF);
  });

  it("prefers what fits, wherever it stands", () => {
    const fits = (json: JsonValue) => typeof json === "object" && json !== null && "a" in json;
    expect(readAnswerJson('{"a": 1} but not {"b": 2}', fits)).toEqual(read({ a: 1 }));
    expect(readAnswerJson('{"a": 1}, no: {"a": 2}', fits)).toEqual(read({ a: 2 }));
    expect(readAnswerJson('```json\n{"a": 1}\n```\nnot {"a": 2}', fits)).toEqual(read({ a: 1 }));
    expect(readAnswerJson('[{"a": 1}]', fits)).toEqual(read({ a: 1 }));
    expect(readAnswerJson('[{"a": 1}, {"a": 2}]', fits)).toEqual(read([{ a: 1 }, { a: 2 }]));
    expect(readAnswerJson('"{\\"a\\": 1}"', fits)).toEqual(read({ a: 1 }));
    expect(readAnswerJson("Rows: [1, 2]", Array.isArray)).toEqual(read([1, 2]));
    expect(readAnswerJson('{"b": 2}', fits)).toEqual(read({ b: 2 }));
  });

  it("gives an object no other prototype", () => {
    const { json } = readAnswerJson("{'__proto__': {'admin': true},}") as { json: JsonObject };
    expect(Object.keys(json)).toEqual(["__proto__"]);
    expect(json["admin"]).toBeUndefined();
  });

  it("reads any JSON back, in a fence and in prose, and never a part of it", () => {
    const object = fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 }) as fc.Arbitrary<JsonObject>;
    fc.assert(
      fc.property(object, fc.constantFrom(0, 2), fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), (json, indent, share) => {
        const text = JSON.stringify(json, undefined, indent);
        const plain = JSON.parse(text) as JsonValue;
        expect(readAnswerJson(`Here:\n\`\`\`json\n${text}\n\`\`\`\nDone.`)).toEqual(read(plain));
        // A comma too many sends it through the lenient reader.
        expect(readAnswerJson(`Here: ${text.slice(0, -1)},}`)).toEqual(read(plain));
        const cut = text.slice(0, 1 + Math.floor(share * (text.length - 1)));
        expect(readAnswerJson(cut).kind).not.toBe("read");
        expect(readAnswerJson(`\`\`\`json\n${cut}`).kind).not.toBe("read");
      }),
    );
  });

  it("takes linear time on hostile text", () => {
    const parts = [
      "{",
      "[",
      " ",
      '{"a":',
      '["',
      '","',
      "```json\n{",
      '{"a":"","',
      "[/*",
      "['',",
      '{"\\',
      '{"a":"x", "y" ',
      "{a:",
      '" ',
      "{1:1,",
    ];
    const timeOf = (text: string) => {
      const start = performance.now();
      readAnswerJson(text, isAnswer);
      return performance.now() - start;
    };
    for (const part of parts) {
      for (const before of ["", '{"a":"', "["]) {
        const text = (characters: number) => before + part.repeat(characters / part.length);
        timeOf(text(5_000));
        const short = Math.min(...[1, 2, 3].map(() => timeOf(text(10_000))));
        const long = Math.min(...[1, 2, 3].map(() => timeOf(text(160_000))));
        // Sixteen times the text: quadratic time would take 256 times as long.
        expect(long / Math.max(short, 0.5), `${before}${part}`).toBeLessThan(80);
      }
    }
  });
});

describe.skipIf(!hasRecordings)(hasRecordings ? "recorded answers" : "recorded answers (skipped: no ../shared/data)", () => {
  it.each(["gsm8k", "crux"] as const)("of %s are read, at least 98 % of every model's; a cut one never is", (name) => {
    const rows = readRecordings(name);
    for (const model of Object.keys(rows[0]?.models ?? {})) {
      let whole = 0;
      for (const { models } of rows) {
        const response = models[model]?.response ?? "";
        const answer = readAnswerJson(response, isAnswer);
        if (answer.kind !== "read" || !isAnswer(answer.json)) continue;
        whole++;
        // Behind the object comes nothing that belongs to it.
        const end = response.lastIndexOf("}", response.lastIndexOf("\n}") + 1);
        const cuts = [0.2, 0.5, 0.9, 0.97]
          .map((share) => Math.floor(end * share))
          .concat(end - 20, end - 6, end - 3, end - 2, end - 1, end);
        for (const cut of cuts) {
          const part = readAnswerJson(response.slice(0, Math.max(0, cut)), isAnswer);
          expect(part.kind === "read" && isAnswer(part.json), `${model}: ${response.slice(0, cut)}`).toBe(false);
        }
      }
      expect(whole / rows.length, model).toBeGreaterThanOrEqual(0.98);
    }
  });
});
