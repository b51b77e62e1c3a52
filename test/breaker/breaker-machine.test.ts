import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  afterProbe,
  afterTally,
  afterTrip,
  DEFAULT_BREAKER_SETTINGS as settings,
  mayProbe,
  visibleState,
  withProbe,
  worseState,
  type StoredBreaker,
} from "../../src/breaker/breaker-machine.ts";

const NOW = 1_000_000;

function open(changes: Partial<Extract<StoredBreaker, { kind: "open" }>> = {}): StoredBreaker {
  return { kind: "open", reason: "down", openUntil: NOW + 5_000, openings: 1, ...changes };
}

function halfOpen(changes: Partial<Extract<StoredBreaker, { kind: "half-open" }>> = {}): StoredBreaker {
  return { kind: "half-open", reason: "down", openings: 1, probe: "p", leaseUntil: NOW + 90_000, ...changes };
}

describe("afterTally", () => {
  it("opens at five failures that are half of the calls, and not before", () => {
    expect(afterTally(undefined, { ok: 5, failed: 5 }, NOW, settings)).toMatchObject({ kind: "open", openUntil: NOW + 5_000, openings: 1 });
    expect(afterTally(undefined, { ok: 0, failed: 4 }, NOW, settings)).toBeUndefined();
    expect(afterTally(undefined, { ok: 6, failed: 5 }, NOW, settings)).toBeUndefined();
  });

  it("leaves a breaker that is not closed as it is: those calls began before", () => {
    expect(afterTally(open(), { ok: 0, failed: 100 }, NOW, settings)).toEqual(open());
    expect(afterTally(halfOpen(), { ok: 0, failed: 100 }, NOW, settings)).toEqual(halfOpen());
  });
});

describe("afterTrip", () => {
  it("opens at once, for the time given", () => {
    expect(afterTrip(undefined, { reason: "quota", openForMs: 60_000 }, NOW, settings)).toEqual({
      kind: "open",
      reason: "quota",
      openUntil: NOW + 60_000,
      openings: 1,
    });
  });

  it("only lengthens an open breaker: many calls report one outage", () => {
    expect(afterTrip(open({ openUntil: NOW + 60_000 }), { reason: "again" }, NOW, settings)).toMatchObject({
      openUntil: NOW + 60_000,
      openings: 1,
    });
    expect(afterTrip(open(), { reason: "quota", openForMs: 9_000 }, NOW, settings)).toMatchObject({
      reason: "quota",
      openUntil: NOW + 9_000,
      openings: 1,
    });
  });
});

describe("the probe", () => {
  it("is given to one call only, once the open time is over", () => {
    expect(withProbe(open(), "a", NOW, settings)).toBeUndefined();
    const claimed = withProbe(open({ openUntil: NOW }), "a", NOW, settings);
    expect(claimed).toMatchObject({ kind: "half-open", probe: "a", leaseUntil: NOW + 90_000 });
    expect(withProbe(claimed, "b", NOW + 1, settings)).toBeUndefined();
  });

  it("goes to another call when its lease has run out", () => {
    expect(withProbe(halfOpen({ leaseUntil: NOW }), "b", NOW, settings)).toMatchObject({ probe: "b" });
  });

  it("closes the breaker when it succeeds and opens it for twice as long when it fails, up to a minute", () => {
    expect(afterProbe(halfOpen(), { probe: "p", ending: "ok" }, NOW, settings)).toBeUndefined();
    expect(afterProbe(halfOpen(), { probe: "p", ending: "failed" }, NOW, settings)).toMatchObject({
      kind: "open",
      openings: 2,
      openUntil: NOW + 10_000,
    });
    expect(afterProbe(halfOpen({ openings: 40 }), { probe: "p", ending: "failed" }, NOW, settings)).toMatchObject({
      openUntil: NOW + 60_000,
    });
  });

  it("is not decided by another call's report", () => {
    expect(afterProbe(halfOpen(), { probe: "q", ending: "ok" }, NOW, settings)).toEqual(halfOpen());
  });
});

describe("what others see", () => {
  it("shows an open breaker whose time is over as half-open, for a call may try", () => {
    expect(visibleState(open(), NOW)).toEqual(open());
    expect(visibleState(open(), NOW + 5_000)).toEqual({ kind: "half-open", reason: "down", openings: 1 });
    expect(visibleState(undefined, NOW)).toEqual({ kind: "closed" });
  });

  it("takes the worse of a model's state and its provider's", () => {
    const [shut, trying, fine] = [visibleState(open(), NOW), visibleState(halfOpen(), NOW), visibleState(undefined, NOW)];
    expect(worseState(fine, shut)).toEqual(shut);
    expect(worseState(trying, fine)).toEqual(trying);
    expect(worseState(trying, shut)).toEqual(shut);
  });
});

describe("any sequence of events", () => {
  const event = fc.oneof(
    fc.record({ kind: fc.constant("tally" as const), ok: fc.nat(20), failed: fc.nat(20) }),
    fc.record({ kind: fc.constant("trip" as const), openForMs: fc.option(fc.nat(100_000), { nil: undefined }) }),
    fc.record({ kind: fc.constant("claim" as const), probe: fc.constantFrom("a", "b") }),
    fc.record({
      kind: fc.constant("report" as const),
      probe: fc.constantFrom("a", "b"),
      ending: fc.constantFrom("ok" as const, "failed" as const),
    }),
    fc.record({ kind: fc.constant("wait" as const), ms: fc.nat(120_000) }),
  );

  it("never has two probes at once and always comes to a time at which one may be made", () => {
    const isSound = fc.property(fc.array(event, { maxLength: 60 }), (events) => {
      let stored: StoredBreaker | undefined;
      let now = NOW;
      return events.every((each) => {
        const before = stored;
        if (each.kind === "wait") now += each.ms;
        else if (each.kind === "tally") stored = afterTally(stored, each, now, settings);
        else if (each.kind === "trip") stored = afterTrip(stored, { reason: "r", openForMs: each.openForMs }, now, settings);
        else if (each.kind === "report") stored = afterProbe(stored, each, now, settings);
        else stored = withProbe(stored, each.probe, now, settings) ?? stored;
        const tookOver = each.kind === "claim" && before?.kind === "half-open" && stored !== before;
        const wasFree = before?.kind !== "half-open" || before.leaseUntil <= now;
        return (!tookOver || wasFree) && (!stored || mayProbe(stored, now + 100_000));
      });
    });
    expect(() => fc.assert(isSound)).not.toThrow();
  });
});
