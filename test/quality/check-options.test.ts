import { describe, expect, it } from "vitest";
import { z } from "zod";
import { checkOptions } from "../../src/quality/check-options.ts";
import { judgeOptions } from "../../src/quality/judge-options.ts";
import { saying } from "./checking.ts";

const problemsOf = (schema: z.ZodType, options: unknown) =>
  schema.safeParse(options).error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);

describe("checkOptions", () => {
  it("fills in what is left out", () => {
    const read = z
      .array(checkOptions)
      .parse([
        { kind: "schema" },
        { kind: "values", field: "label", values: ["a", 1, null], onFail: "repair" },
        { kind: "length", max: 10 },
        { kind: "pattern", pattern: "^a", flags: "i" },
        { kind: "contains", all: "refund" },
        { kind: "not-contains", any: ["a", "b"], ignoreCase: false, onFail: "fail" },
        { kind: "language", languages: "de" },
        { kind: "refusal" },
        { kind: "arithmetic", expression: "sum(lines.amount) == total" },
      ]);
    expect(read).toEqual([
      { kind: "schema", onFail: "escalate" },
      { kind: "values", field: "label", values: ["a", 1, null], onFail: "repair" },
      { kind: "length", unit: "characters", max: 10, onFail: "escalate" },
      { kind: "pattern", pattern: "^a", flags: "i", onFail: "escalate" },
      { kind: "contains", all: ["refund"], ignoreCase: true, onFail: "escalate" },
      { kind: "not-contains", any: ["a", "b"], ignoreCase: false, onFail: "fail" },
      { kind: "language", languages: ["de"], onFail: "escalate" },
      { kind: "refusal", onFail: "escalate" },
      { kind: "arithmetic", expression: "sum(lines.amount) == total", tolerance: 0.000_001, onFail: "escalate" },
    ]);
  });

  it("takes a function of a configuration in code, by its own name or one given", () => {
    const check = function friendly() {
      return true;
    };
    expect(checkOptions.parse({ kind: "custom", check })).toEqual({ kind: "custom", name: "friendly", check, onFail: "escalate" });
    expect(checkOptions.parse({ kind: "custom", check, name: "tone" })).toMatchObject({ name: "tone" });
    expect(
      checkOptions.parse({
        kind: "custom",
        check: (
          () => () =>
            true
        )(),
      }),
    ).toMatchObject({ name: "custom check" });
  });

  it.each([
    [{ kind: "pattern", pattern: "(" }, /^pattern: the pattern "\(" is wrong: Invalid regular expression/],
    [{ kind: "pattern", pattern: "a", flags: "g" }, "flags: flags may be i, m, s, u and v"],
    [
      { kind: "arithmetic", expression: "sum(a = b" },
      'expression: the expression "sum(a = b" is wrong: expected ) at character 7, found =',
    ],
    [
      { kind: "language", languages: ["en", "english"] },
      'languages.1: "english" isn\'t a language that can be told: it takes ISO 639-1 codes such as en, de or zh',
    ],
    [{ kind: "length" }, ": needs min or max"],
    [{ kind: "length", min: 3, max: 2 }, "min: must not be above max"],
    [{ kind: "length", unit: "items", max: 2 }, "field: items are counted of a field: name it"],
    [{ kind: "values", values: [] }, /^values: /],
    [{ kind: "values", field: "a..b", values: [1] }, /^field: isn't a field/],
    [{ kind: "custom", check: "./check.ts" }, "check: must be a function, which only a fleet.config.ts can hold"],
    [{ kind: "schema", onFail: "retry" }, /^onFail: /],
    [{ kind: "schema", field: "x" }, /Unrecognized key/],
    [{ kind: "spelling" }, /^kind: /],
  ])("says what is wrong with %j", (options, problem) => {
    expect(problemsOf(checkOptions, options)).toEqual([saying(problem)]);
  });
});

describe("judgeOptions", () => {
  it("fills in what is left out", () => {
    expect(judgeOptions.parse({ model: "a/b", rubric: "Is it right?" })).toEqual({
      models: ["a/b"],
      rubric: "Is it right?",
      passMark: 7,
      sample: 1,
      onFail: "escalate",
    });
    const whole = { models: ["a/b", "c/d/e"], rubric: "r", passMark: 5.5, sample: 0.1, onFail: "repair" };
    expect(judgeOptions.parse(whole)).toEqual(whole);
  });

  it.each([
    [{ rubric: "r" }, ": needs either model or models"],
    [{ rubric: "r", model: "a/b", models: ["a/b"] }, ": needs either model or models"],
    [{ rubric: "r", model: "gpt" }, "model: isn't a model: provider/model"],
    [{ rubric: " ", model: "a/b" }, /^rubric: /],
    [{ rubric: "r", model: "a/b", passMark: 70 }, /^passMark: /],
    [{ rubric: "r", model: "a/b", sample: 10 }, /^sample: /],
  ])("says what is wrong with %j", (options, problem) => {
    expect(problemsOf(judgeOptions, options)).toEqual([saying(problem)]);
  });
});
