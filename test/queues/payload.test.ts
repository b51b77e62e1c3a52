// Task queues take jobs from any BullMQ client: what such a client says of a job's time is not taken on trust.

import { describe, expect, it } from "vitest";
import { parseTaskPayload } from "../../queues/payload.ts";

const NOW = Date.parse("2026-11-23T10:00:00Z");

function enqueuedAt(timestamp: unknown, data: unknown = { input: { a: 1 } }): number {
  return parseTaskPayload("t", { id: "7", data, timestamp: timestamp as number }, NOW).envelope.progress.enqueuedAt;
}

describe("the time at which a foreign client enqueued a job", () => {
  it("is its own, in whole milliseconds", () => {
    expect(enqueuedAt(NOW - 5_000)).toBe(NOW - 5_000);
    expect(enqueuedAt(NOW + 0.6)).toBe(NOW + 1);
    expect(enqueuedAt(Date.UTC(2000, 0))).toBe(Date.UTC(2000, 0));
  });

  it.each([
    ["microseconds", NOW * 1_000],
    ["seconds", NOW / 1_000],
    ["text", "soon"],
    ["no number", Number.NaN],
    ["infinite", Number.POSITIVE_INFINITY],
    ["below nothing", -5],
    ["1e300", 1e300],
    ["left out", undefined],
    ["null", null],
  ])("is the present where it is %s", (_, timestamp) => {
    expect(enqueuedAt(timestamp)).toBe(NOW);
    expect(enqueuedAt(timestamp, "no payload")).toBe(NOW);
    expect(enqueuedAt(timestamp, { fleet: {}, batch: "b", row: 0 })).toBe(NOW);
  });

  it("can be written as a time by any store", () => {
    expect(new Date(enqueuedAt(NOW * 1_000)).toISOString()).toBe("2026-11-23T10:00:00.000Z");
  });
});
