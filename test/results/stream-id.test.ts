import { describe, expect, it } from "vitest";
import { compareStreamIds } from "../../src/results/stream-id.ts";

describe("stream ids", () => {
  it("are ordered by their numbers", () => {
    const ids = ["9-0", "10-0", "10-2", "10-11", "1700000000000-3", "1700000000001-0"];
    expect(ids.toReversed().toSorted(compareStreamIds)).toEqual(ids);
    expect(compareStreamIds("10-2", "10-2")).toBe(0);
  });
});
