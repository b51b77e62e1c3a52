import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readAnswerJson } from "../../src/job/answer-json.ts";
import type { JsonValue } from "../../src/job/json.ts";
import type { Answer } from "../../src/job/outcome.ts";
import { comparable, sameAnswer, sameValue } from "../../src/job/same-answer.ts";
import { hasRecordings, readRecordings } from "./recordings.ts";

const answer = (json: JsonValue): Answer => ({ text: JSON.stringify(json), json, finish: { unified: "stop", raw: "stop" } });
const plain = (text: string): Answer => ({ text, finish: { unified: "stop", raw: "stop" } });

const SAME: readonly (readonly [JsonValue, JsonValue])[] = [
  ["$18", "18"],
  ["$18", 18],
  ["18.00", 18],
  ["18.", "18"],
  ["$1,234.50", 1234.5],
  ["1,234", "1234"],
  ["-$5", -5],
  ["$-5", "-5.0"],
  ["−5", -5],
  ["+5", 5],
  [".5", 0.5],
  ["0", "-0"],
  ["18 dollars", "$18"],
  ["USD 18", "$18.00"],
  ["10 days", "10"],
  ["10 days", "10 Days."],
  ["60%", "60 percent"],
  ["€18", "18 euros"],
  ["6 miles per hour", 6],
  ["billing", "Billing."],
  ["billing", "  BILLING \n"],
  ["billing", '"billing"'],
  ["billing", "**billing**"],
  ["Late  delivery", "late delivery"],
  ["café", "cafe\u0301"],
  ["'abc'", '"abc"'],
  ["'abc'", "abc"],
  ["' a  b '", " a  b "],
  ["''", ""],
  [true, "True"],
  [false, "false"],
  [[1, 2], "[1, 2]"],
  ["[1,2]", "[1, 2]"],
  ["['a', 'b']", '["a", "b"]'],
  ["(1, 'x')", '(1,"x")'],
  [
    { a: "1", b: ["X"] },
    { b: ["x"], a: 1 },
  ],
];

const DIFFERENT: readonly (readonly [JsonValue, JsonValue])[] = [
  ["18%", "18"],
  ["18%", "$18"],
  ["$18", "€18"],
  ["10 days", "10 hours"],
  ["1.2 million", "1.2"],
  ["5 dozen", 5],
  ["3k", 3],
  ["18", "19"],
  ["5 or 6", 5],
  ["5 at most", 5],
  ["00019", "19"],
  ["1,23", "123"],
  ["12345678901234567890", "12345678901234567891"],
  ["1.2.3", "1.2"],
  ["2024-01-05", "2024"],
  ["billing", "delivery"],
  ["billing", "billing issue"],
  ["re-sign", "resign"],
  ["iPhone", "IPhone"],
  ["'usAr'", "USaR"],
  ["' a'", "' a '"],
  ["'a b'", "'a  b'"],
  ["", "x"],
  [null, ""],
  [null, 0],
  [true, 1],
  [true, "yes"],
  [
    [1, 2],
    [2, 1],
  ],
  [[1, 2], "(1, 2)"],
  [["a, b"], ["a", "b"]],
  [{ a: 1 }, { a: 1, b: null }],
  ["['a b']", "['ab']"],
];

describe("sameValue", () => {
  it.each(SAME)("%j is %j", (a, b) => {
    expect([sameValue(a, b), sameValue(b, a)]).toEqual([true, true]);
  });

  it.each(DIFFERENT)("%j is not %j", (a, b) => {
    expect([sameValue(a, b), sameValue(b, a)]).toEqual([false, false]);
  });

  it("holds of every value and itself, and of every amount however it is written", () => {
    fc.assert(fc.property(fc.jsonValue() as fc.Arbitrary<JsonValue>, (value) => sameValue(value, value)));
    fc.assert(
      fc.property(fc.integer({ min: -(10 ** 9), max: 10 ** 9 }), (cents) => {
        const amount = cents / 100;
        const written = amount.toLocaleString("en-US", { style: "currency", currency: "USD" });
        expect([sameValue(amount, written), sameValue(amount.toFixed(2), written), sameValue((cents + 1) / 100, written)]).toEqual([
          true,
          true,
          false,
        ]);
      }),
    );
  });

  it("takes a megabyte", () => {
    for (const text of [
      "\"'".repeat(500_000),
      "[".repeat(1_000_000),
      " ".repeat(1_000_000),
      "1,".repeat(500_000),
      `'${"a ".repeat(500_000)}`,
    ]) {
      expect(sameValue(text, `${text}x`)).toBe(false);
    }
  });
});

describe("comparable", () => {
  it("is the same text for the same answer, and another for another", () => {
    const kinds = (pairs: typeof SAME) => pairs.filter(([a, b]) => comparable(answer(a)) === comparable(answer(b)));
    expect(kinds(DIFFERENT)).toEqual([]);
    // What is the same only to the letter, or but for a unit that one of them leaves out.
    expect(SAME.filter((pair) => !kinds(SAME).includes(pair))).toEqual([
      ["10 days", "10"],
      ["6 miles per hour", 6],
      ["' a  b '", " a  b "],
    ]);
  });

  it("is nothing where there is nothing to compare", () => {
    expect([comparable(plain(" \n")), comparable(plain("x"), ["label"]), comparable(answer({ other: 1 }), ["label"])]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it("keeps fields apart", () => {
    expect(comparable(answer({ a: "x", b: "y" }), ["a", "b"])).not.toBe(comparable(answer({ a: "y", b: "x" }), ["a", "b"]));
  });
});

describe("sameAnswer", () => {
  it("compares the fields named, all of them, inside of others too", () => {
    const a = answer({ label: "Billing", total: { net: "$18" }, why: "one reason" });
    const b = answer({ label: "billing", total: { net: 18 }, why: "another" });
    expect(sameAnswer(a, b, ["label"])).toBe(true);
    expect(sameAnswer(a, b, ["label", "total.net"])).toBe(true);
    expect(sameAnswer(a, b, ["label", "why"])).toBe(false);
    expect(sameAnswer(a, b)).toBe(false);
  });

  it("takes a field that both leave out for agreed, but not if there is none at all", () => {
    const [a, b] = [answer({ label: "x" }), answer({ label: "X", note: null })];
    expect(sameAnswer(a, b, ["label", "note"])).toBe(true);
    expect(sameAnswer(a, b, ["note"])).toBe(false);
    expect(sameAnswer(a, a, ["note"])).toBe(false);
    expect(sameAnswer(plain(""), plain(""))).toBe(false);
    expect(sameAnswer(a, a, ["constructor"])).toBe(false);
  });

  it("compares texts where there is no JSON", () => {
    expect(sameAnswer(plain("Billing."), plain("billing"))).toBe(true);
    expect(sameAnswer(plain("Billing"), plain("delivery"))).toBe(false);
  });
});

describe.skipIf(!hasRecordings)(hasRecordings ? "recorded answers" : "recorded answers (skipped: no ../shared/data)", () => {
  const agreement = (name: "gsm8k" | "crux") => {
    const rows = readRecordings(name);
    return Object.keys(rows[0]?.models ?? {}).map((model) => {
      const agreed = rows.filter(({ answer: gold, models }) => {
        const read = readAnswerJson(models[model]?.response ?? "", (json) => typeof json === "object" && json !== null && "answer" in json);
        const said = read.kind === "read" ? (read.json as { answer?: JsonValue } | null)?.answer : undefined;
        return (said !== undefined && sameValue(said, gold)) === models[model]?.correct;
      });
      return [model, agreed.length / rows.length] as const;
    });
  };

  it("of gsm8k are judged as their grader did, at least 99 % of every model's", () => {
    for (const [model, share] of agreement("gsm8k")) expect(share, model).toBeGreaterThanOrEqual(0.99);
  });

  // The grader of crux compares the text of lists letter by letter: to it [1,2] is not [1, 2].
  it("of crux are judged as their grader did, but for the spaces and quotes in lists", () => {
    for (const [model, share] of agreement("crux")) expect(share, model).toBeGreaterThanOrEqual(0.96);
  });
});
