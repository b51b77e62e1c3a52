import { describe, expect, it } from "vitest";
import { createLabelSet } from "../../src/intake/labels.ts";

describe("labels", () => {
  it("the line of a label's first use is remembered while the set grows", () => {
    const labels = createLabelSet();
    for (let line = 1; line <= 50_000; line++) expect(labels.claim(`row/${line}`, line)).toBeUndefined();
    for (let line = 1; line <= 50_000; line += 997) expect(labels.claim(`row/${line}`, 99_999)).toBe(line);
  });

  it("at its limit the set still knows the labels it holds, and takes no more", () => {
    const labels = createLabelSet({ limit: 10_000 });
    for (let line = 1; line <= 10_000; line++) labels.claim(`row/${line}`, line);
    expect(labels.claim("another", 10_001)).toBeUndefined();
    expect(labels.claim("another", 10_002)).toBeUndefined();
    expect(labels.claim("row/10000", 10_003)).toBe(10_000);
  });

  it("labels of any kind of text are told apart", () => {
    const labels = createLabelSet();
    const texts = ["", " ", "a", "A", "é", "e\u0301", "\u{1f600}", "1", "1.0", "x".repeat(10_000)];
    expect(texts.map((text, i) => labels.claim(text, i + 1))).toEqual(texts.map(() => undefined));
  });
});
