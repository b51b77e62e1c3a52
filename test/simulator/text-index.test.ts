import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { createTextIndex } from "../../src/simulator/text-index.ts";

describe("a text index", () => {
  test("finds a text that is the message, and one that lies inside it", () => {
    const index = createTextIndex(["Where is my card?", "\nHow do I top up?\n\n"]);
    expect(index.find("Where is my card?")).toBe(0);
    expect(index.find("Sort this message: How do I top up? Answer with one label.")).toBe(1);
    expect(index.find("Nothing of the kind.")).toBeUndefined();
  });

  test("prefers the longest of several texts", () => {
    const index = createTextIndex(["my card", "Where is my card?", "card"]);
    expect(index.find("He asked: Where is my card? Thanks.")).toBe(1);
  });

  test("finds texts in their JSON form too", () => {
    const text = 'He said "no"\nand left';
    expect(createTextIndex([text]).find(`Input: ${JSON.stringify({ text })}`)).toBe(0);
  });

  test("tells texts apart that share a long beginning and end", () => {
    const texts = Array.from(
      { length: 500 },
      (_, i) => `${"## Question:\n\n".repeat(5)}How much is ${i} and ${i}?${" Answer in JSON.".repeat(20)}`,
    );
    const index = createTextIndex(texts);
    for (const [i, text] of texts.entries()) expect(index.find(`System says hello.\n${text}\nGo.`)).toBe(i);
  });

  test("finds what trying each text would find", () => {
    const word = fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(
        fc.array(word, { minLength: 1, maxLength: 30 }),
        fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 60 }),
        fc.nat(),
        (texts, noise, pick) => {
          const message = `${noise}${texts[pick % texts.length]}${noise}`;
          const found = createTextIndex(texts).find(message);
          const longest = texts.filter((text) => message.includes(text)).toSorted((a, b) => b.length - a.length)[0];
          expect(texts[found ?? -1]?.length).toBe(longest?.length);
          expect(message).toContain(texts[found ?? -1]);
        },
      ),
    );
  });
});
