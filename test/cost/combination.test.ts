// The fields that live totals are kept by, whatever a row's tags and tenant are.

import { describe, expect, it } from "vitest";
import { combinationField, parseCombination, wideFields } from "../../src/cost/combination.ts";

const CALL = { task: "classify", model: "acme/small" } as const;
/** As from a producer in JavaScript, or recorded before producers looked. */
const unchecked = (terms: { readonly tags?: unknown; readonly tenant?: unknown }) =>
  ({ ...CALL, ...terms }) as unknown as Parameters<typeof combinationField>[0];

describe("a combination", () => {
  it("is found again under the same field, whatever the order of its tags", () => {
    const field = combinationField({ ...CALL, tenant: "t", tags: { team: "x", source: "mail" } });
    expect(combinationField({ ...CALL, tenant: "t", tags: { source: "mail", team: "x" } })).toBe(field);
    expect(parseCombination(field)).toEqual({ ...CALL, tenant: "t", tags: { source: "mail", team: "x" } });
  });

  it("takes a value that isn't text for its text", () => {
    const field = combinationField(unchecked({ tags: { customer: 42, deep: { a: [1] }, open: true }, tenant: 7 }));
    expect(parseCombination(field)).toEqual({ ...CALL, tenant: "7", tags: { customer: "42", deep: '{"a":[1]}', open: "true" } });
    expect(combinationField(unchecked({ tags: { customer: 42 } }))).toBe(combinationField({ ...CALL, tags: { customer: "42" } }));
    expect(wideFields(unchecked({ tenant: 7 }))).toEqual(wideFields({ ...CALL, tenant: "7" }));
  });

  it("takes null for nothing", () => {
    const bare = combinationField(CALL);
    for (const terms of [{ tags: null }, { tags: { customer: null } }, { tenant: null }, { tags: 42 }])
      expect(combinationField(unchecked(terms))).toBe(bare);
  });
});
