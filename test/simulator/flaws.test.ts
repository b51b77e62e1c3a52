import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { AnswerSource, SourcedAnswer } from "../../src/simulator/answer-source.ts";
import type { Ask } from "../../src/simulator/ask.ts";
import { flawOptions, withFlaws, type Flaws } from "../../src/simulator/flaws.ts";

const LABELS = ["billing", "delivery"];
const MODEL = { name: "m", recordedAs: undefined, accuracy: 1 };
const plain = '{"label":"billing"}';

const ask = (text: string, output?: Ask["output"]): Ask => ({
  model: "m",
  userMessages: [text],
  inputCharacters: text.length,
  maxOutputTokens: undefined,
  output: output ?? { kind: "json-schema", schema: { type: "object", properties: { label: { enum: LABELS } } } },
});
const source = (answer: Partial<SourcedAnswer> = {}): AnswerSource => ({
  answer: () => ({ source: "answer-key", text: plain, ...answer }),
});
const flawed = (flaws: Partial<Flaws>, answer?: Partial<SourcedAnswer>) => withFlaws(source(answer), flawOptions.parse(flaws), 1);
const said = (from: AnswerSource, text: string, output?: Ask["output"]) => from.answer(ask(text, output), MODEL)?.text;

describe("a model's flaws", () => {
  test("are in as many answers as stated, and in the same ones every time", () => {
    const flaws = { fenced: 0.2, prose: 0.1, broken: 0.05, foreign: 0.15 };
    const texts = Array.from({ length: 4_000 }, (_, i) => said(flawed(flaws), `row ${i}`)!);
    expect(Array.from({ length: 4_000 }, (_, i) => said(flawed(flaws), `row ${i}`))).toEqual(texts);
    const shareOf = (is: (text: string) => boolean) => texts.filter(is).length / texts.length;
    // Four standard errors of 4,000 draws are below 0.026.
    expect(Math.abs(shareOf((text) => text.startsWith("```json\n{")) - 0.2)).toBeLessThan(0.026);
    expect(Math.abs(shareOf((text) => text.startsWith("Here is")) - 0.1)).toBeLessThan(0.026);
    expect(Math.abs(shareOf((text) => text === plain.slice(0, -1)) - 0.05)).toBeLessThan(0.026);
    expect(Math.abs(shareOf((text) => text.includes("_or_similar")) - 0.15)).toBeLessThan(0.026);
    expect(Math.abs(shareOf((text) => text === plain) - 0.5)).toBeLessThan(0.032);
  });

  test("leave the answer whole where it is only wrapped, and break it where it is broken", () => {
    expect(said(flawed({ fenced: 1 }), "row")).toContain(plain);
    expect(said(flawed({ prose: 1 }), "row")).toContain(plain);
    expect(() => JSON.parse(said(flawed({ broken: 1 }), "row")!) as unknown).toThrow(/JSON/);
  });

  test("give a value that is not on offer, whatever is", () => {
    const labels = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(labels, (names) => {
        const offered = [...names, `${names[0]!}_or_similar`];
        const text = JSON.stringify({ label: names[0] });
        const schema = { type: "object", properties: { why: { type: "string" }, label: { enum: offered } } };
        const { label } = JSON.parse(said(flawed({ foreign: 1 }, { text }), "row", { kind: "json-schema", schema })!) as { label: string };
        expect(offered).not.toContain(label);
      }),
    );
  });

  test("spare recorded answers, and texts that are not to be JSON", () => {
    expect(said(flawed({ broken: 1 }, { source: "recording" }), "row")).toBe(plain);
    expect(said(flawed({ broken: 1 }), "row", { kind: "text" })).toBe(plain);
    expect(said(flawed({ foreign: 1 }), "row", { kind: "json-object" })).toBe(plain);
  });

  test("are drawn anew when the conversation goes on", () => {
    const half = flawed({ broken: 0.5 });
    const mended = Array.from({ length: 200 }, (_, i) => {
      const again = half.answer({ ...ask(`row ${i}`), userMessages: ["Once more, please.", `row ${i}`] }, MODEL)?.text;
      return said(half, `row ${i}`) !== plain && again === plain;
    });
    expect(mended.filter(Boolean).length).toBeGreaterThan(20);
  });

  test("come to 1 at most", () => {
    expect(flawOptions.safeParse({ fenced: 0.6, broken: 0.5 }).error?.issues[0]?.message).toBe("the shares come to more than 1");
    expect(flawOptions.safeParse({ fenced: 0.6, broken: 0.4 }).success).toBe(true);
  });
});
