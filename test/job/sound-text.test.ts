import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JsonValue } from "../../src/job/json.ts";
import { soundJson, soundText } from "../../src/job/sound-text.ts";

const anyText = fc.string({ unit: fc.oneof(fc.constantFrom("\0", "\ud800", "\udc00", "\ud83d\ude00", "\\", '"', "u0000"), fc.string()) });

describe("text for stores and readers", () => {
  it("has � for NUL and for halves of surrogate pairs, and whole pairs stay", () => {
    expect(soundText("a\0b\ud800c\udc00 \ud83d\ude00")).toBe("a\uFFFDb\uFFFDc\uFFFD \ud83d\ude00");
    expect(JSON.parse(soundJson({ "k\ud800": ["\0", "\\u0000", "\ud83d\ude00"] }))).toEqual({
      "k\uFFFD": ["\uFFFD", "\\u0000", "\ud83d\ude00"],
    });
  });

  it("is the same in JSON as alone, and comes through UTF-8 unchanged", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const sound = soundText(text);
        expect(Buffer.from(sound).toString()).toBe(sound);
        expect(JSON.parse(soundJson([text])) as JsonValue).toEqual([sound]);
        expect(soundText(sound)).toBe(sound);
      }),
    );
  });
});
