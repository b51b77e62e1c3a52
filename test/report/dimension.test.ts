// Where a call or a job belongs, whatever its row was recorded with.

import { describe, expect, it } from "vitest";
import { valueIn, type Placed } from "../../src/report/dimension.ts";
import { shownValue } from "../../src/report/report-words.ts";

const place = (terms: object) => ({ batch: "b", task: "t", model: undefined, at: 0, ...terms }) as Placed;
const TEAM = { kind: "tag", tag: "team" } as const;

describe("tags and tenants that aren't text, as rows may have been recorded with", () => {
  it.each([
    [42, "42"],
    [true, "true"],
    [{ a: 1 }, '{"a":1}'],
    [null, "–"],
  ])("%j is grouped and shown as %s", (value, shown) => {
    for (const found of [valueIn(TEAM, place({ tags: { team: value } })), valueIn({ kind: "tenant" }, place({ tenant: value }))]) {
      expect(found).toBe(value === null ? null : shown);
      expect(() => shownValue(found)).not.toThrow();
    }
  });

  it("tags that are none at all are as no tags", () => {
    for (const tags of [null, 42, "team", ["team"]]) expect(valueIn(TEAM, place({ tags }))).toBe(null);
  });

  it("a text stays as it is, halves of characters too", () => {
    expect(valueIn(TEAM, place({ tags: { team: "a\ud800" } }))).toBe("a\ud800");
  });
});
