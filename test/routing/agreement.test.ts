import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JsonValue } from "../../src/job/json.ts";
import type { Answer } from "../../src/job/outcome.ts";
import type { Agreement } from "../../src/job/task.ts";
import { agreedAnswer } from "../../src/routing/agreement.ts";

const said = (text: string, json?: JsonValue): { readonly answer: Answer } => ({
  answer: { text, ...(json === undefined ? {} : { json }), finish: { unified: "stop", raw: null } },
});
const labels = (...all: readonly string[]) => all.map((label, i) => said(`${label} by ${i}`, { label, by: i }));
const agreed = (answers: readonly { readonly answer: Answer }[], agreement: Agreement, asked = answers.length) =>
  agreedAnswer(answers, agreement, asked)?.answer.text;

describe("answers agree", () => {
  it("when all are the same, and the first is taken", () => {
    expect(agreed(labels("x", "x", "x"), { on: ["label"] })).toBe("x by 0");
    expect(agreed(labels("x", "x", "y"), { on: ["label"] })).toBeUndefined();
  });

  it("when as many are the same as are needed, whichever these are", () => {
    const need = { on: ["label"], need: 2 };
    expect(agreed(labels("x", "y", "y"), need)).toBe("y by 1");
    expect(agreed(labels("y", "x", "y"), need)).toBe("y by 0");
    expect(agreed(labels("x", "y", "z"), need)).toBeUndefined();
  });

  it("by the largest group, where several are large enough; of equal ones by the first", () => {
    const need = { on: ["label"], need: 2 };
    expect(agreed(labels("x", "y", "y", "x", "y"), need)).toBe("y by 1");
    expect(agreed(labels("x", "y", "y", "x"), need)).toBe("x by 0");
  });

  it("beside an answer that never came, when those that came are as many as are needed", () => {
    expect(agreed(labels("x", "x"), { on: ["label"], need: 2 }, 3)).toBe("x by 0");
    expect(agreed(labels("x", "x"), { on: ["label"] }, 3)).toBeUndefined();
  });

  it("on all of the fields that are named, and on nothing else", () => {
    expect(agreed([said("1", { label: "x", why: "a" }), said("2", { label: "x", why: "b" })], { on: ["label"] })).toBe("1");
    expect(agreed([said("1", { label: "x", why: "a" }), said("2", { label: "x", why: "b" })], { on: ["label", "why"] })).toBeUndefined();
  });

  it("however the same is written", () => {
    expect(agreed([said("1", { total: "$1,234.50" }), said("2", { total: 1234.5 })], { on: ["total"] })).toBe("1");
    expect(agreed([said("Billing.\n"), said(" billing")], {})).toBe("Billing.\n");
  });

  it("never where there is nothing to compare, nor alone", () => {
    expect(agreed([said(""), said(" ")], {})).toBeUndefined();
    expect(agreed([said("1", { other: 1 }), said("2", { other: 1 })], { on: ["label"] })).toBeUndefined();
    expect(agreed(labels("x"), { on: ["label"], need: 2 }, 2)).toBeUndefined();
  });

  it("on a value that at least `need` of them gave, whatever the answers", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("x", "y", "z"), { minLength: 2, maxLength: 6 }),
        fc.integer({ min: 2, max: 6 }),
        (given, needed) => {
          const need = Math.min(needed, given.length);
          const times = (label: string | undefined) => given.filter((each) => each === label).length;
          const most = Math.max(...["x", "y", "z"].map(times));
          const taken = agreedAnswer(labels(...given), { on: ["label"], need }, given.length)?.answer.json as { label: string } | undefined;
          expect(times(taken?.label)).toBe(most >= need ? most : 0);
        },
      ),
    );
  });
});
