import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BATCH_PATTERN, escapeModelName, modelId, NAME_PATTERN, splitModelId, unescapeModelName } from "../../src/job/names.ts";

const anyText = fc.string({ unit: "grapheme", minLength: 1, maxLength: 60 });

describe("model names", () => {
  it("survive escaping and unescaping, whatever they hold", () => {
    fc.assert(
      fc.property(anyText, (name) => {
        expect(unescapeModelName(escapeModelName(name))).toBe(name);
      }),
    );
  });

  it("are escaped to what queue names and keys may hold, and no two to the same", () => {
    fc.assert(
      fc.property(anyText, anyText, (a, b) => {
        expect(escapeModelName(a)).toMatch(/^[A-Za-z0-9._~-]+$/);
        expect(escapeModelName(a) === escapeModelName(b)).toBe(a === b);
      }),
    );
  });

  it("stay readable where they are plain", () => {
    expect(escapeModelName("gpt-4.1_mini")).toBe("gpt-4.1_mini");
    expect(escapeModelName("meta-llama/Llama-3:free")).toBe("meta-llama~2fLlama-3~3afree");
  });

  it("may hold slashes: the provider ends at the first one", () => {
    const id = modelId("router", "meta-llama/Llama-3");
    expect(splitModelId(id)).toEqual({ provider: "router", name: "meta-llama/Llama-3" });
  });
});

describe("names from outside", () => {
  it("providers and task types are lower case, at most 64 characters, and begin with a letter or digit", () => {
    for (const name of ["a", "0", "classify-ticket", "open_ai", "x".repeat(64)]) expect(name).toMatch(NAME_PATTERN);
    for (const name of ["", "-a", "_a", "A", "a.b", "a:b", "a b", "ä", "x".repeat(65), "a\n"]) expect(name).not.toMatch(NAME_PATTERN);
  });

  it("batches may be upper case too", () => {
    expect("Run-1_b").toMatch(BATCH_PATTERN);
    for (const name of ["", "-a", "a.b", "a:b", "a/b", "a\n"]) expect(name).not.toMatch(BATCH_PATTERN);
  });
});
