import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  afterProbe,
  afterTally,
  afterTrip,
  DEFAULT_BREAKER_SETTINGS as settings,
  mayProbe,
  visibleState,
  withoutProbe,
  withProbe,
  worseState,
  type StoredBreaker,
} from "../../src/breaker/breaker-machine.ts";
import { createMemoryBoard } from "../../src/breaker/memory-board.ts";
import { tallyOf } from "../../src/breaker/tally.ts";
import { createRandom } from "../../src/runtime/seeded-random.ts";

const NOW = 1_000_000;

function open(changes: Partial<Extract<StoredBreaker, { kind: "open" }>> = {}): StoredBreaker {
  return { kind: "open", reason: "down", openUntil: NOW + 5_000, openings: 1, ...changes };
}

function halfOpen(changes: Partial<Extract<StoredBreaker, { kind: "half-open" }>> = {}): StoredBreaker {
  return { kind: "half-open", reason: "down", openings: 1, probe: "p", leaseUntil: NOW + 90_000, ...changes };
}

describe("afterTally", () => {
  it("opens at ten failures that are half of the calls, and not before", () => {
    expect(afterTally(undefined, { begun: 0, ok: 10, failed: 10, streak: 1 }, NOW, settings)).toMatchObject({
      kind: "open",
      reason: "10 of the last 20 calls failed",
      openUntil: NOW + 2_000,
      openings: 1,
    });
    expect(afterTally(undefined, { begun: 0, ok: 3, failed: 9, streak: 1 }, NOW, settings)).toBeUndefined();
    expect(afterTally(undefined, { begun: 0, ok: 11, failed: 10, streak: 1 }, NOW, settings)).toBeUndefined();
  });

  it("doesn't take failures for half of the calls while most calls are still under way", () => {
    expect(afterTally(undefined, { begun: 21, ok: 0, failed: 10, streak: 1 }, NOW, settings)).toBeUndefined();
    expect(afterTally(undefined, { begun: 20, ok: 0, failed: 10, streak: 1 }, NOW, settings)).toMatchObject({ kind: "open" });
  });

  it("opens at eight failures in a row, however many successes the window still holds", () => {
    expect(afterTally(undefined, { begun: 0, ok: 5_000, failed: 8, streak: 8 }, NOW, settings)).toMatchObject({
      kind: "open",
      reason: "the last 8 calls failed",
    });
    expect(afterTally(undefined, { begun: 0, ok: 5_000, failed: 500, streak: 8 }, NOW, settings)).toMatchObject({ kind: "open" });
    expect(afterTally(undefined, { begun: 0, ok: 5_000, failed: 7, streak: 7 }, NOW, settings)).toBeUndefined();
  });

  it("opens at eight failures in a row that came so slowly that the window has lost the first of them", () => {
    expect(afterTally(undefined, { begun: 0, ok: 0, failed: 1, streak: 8 }, NOW, settings)).toMatchObject({ kind: "open" });
  });

  it("wants a longer streak of a model at which failures are ordinary, but of none longer than chance brings", () => {
    expect(afterTally(undefined, { begun: 0, ok: 700, failed: 310, streak: 10 }, NOW, settings)).toBeUndefined();
    expect(afterTally(undefined, { begun: 0, ok: 700, failed: 314, streak: 14 }, NOW, settings)).toMatchObject({ kind: "open" });
  });

  it("leaves a breaker that is not closed as it is: those calls began before", () => {
    expect(afterTally(open(), { begun: 0, ok: 0, failed: 100, streak: 100 }, NOW, settings)).toEqual(open());
    expect(afterTally(halfOpen(), { begun: 0, ok: 0, failed: 100, streak: 100 }, NOW, settings)).toEqual(halfOpen());
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

  it("opens for exactly the time given, whatever was tried before", () => {
    const trip = { reason: "429: retry after an hour", openForMs: 3_600_000 };
    for (const stored of [undefined, open(), open({ openUntil: NOW, openings: 3 }), halfOpen({ openings: 9 })]) {
      expect(afterTrip(stored, trip, NOW, settings)).toMatchObject({ kind: "open", openUntil: NOW + 3_600_000 });
    }
  });

  it("opens for ever longer where nobody said how long, up to the time given: it may have been a slip, or last until somebody puts it right", () => {
    const trip = { reason: "quota", openForMs: { upTo: 60_000 } };
    const lengths = [undefined, ...[1, 2, 3, 20].map((openings) => halfOpen({ openings }))].map((stored) => {
      const tripped = afterTrip(stored, trip, NOW, settings);
      return tripped.kind === "open" ? tripped.openUntil - NOW : 0;
    });
    expect(lengths).toEqual([10_000, 20_000, 40_000, 60_000, 60_000]);
    expect(afterTrip(open({ openUntil: NOW + 1 }), trip, NOW, settings)).toMatchObject({ openUntil: NOW + 10_000, openings: 1 });
  });

  it("is not shortened by a later trip or by what calls in flight still report", () => {
    const quota = afterTrip(undefined, { reason: "quota", openForMs: 600_000 }, NOW, settings);
    expect(afterTrip(quota, { reason: "429", openForMs: 30_000 }, NOW + 1, settings)).toEqual(quota);
    expect(afterTrip(quota, { reason: "down" }, NOW + 1, settings)).toEqual(quota);
    expect(afterTally(quota, { begun: 0, ok: 0, failed: 100, streak: 100 }, NOW + 1, settings)).toEqual(quota);
    expect(afterProbe(quota, { probe: "p", ending: "ok" }, NOW + 1, settings)).toEqual(quota);
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

  it("closes the breaker when it succeeds and opens it for twice as long when it fails, up to five seconds", () => {
    expect(afterProbe(halfOpen(), { probe: "p", ending: "ok" }, NOW, settings)).toBeUndefined();
    expect(afterProbe(halfOpen(), { probe: "p", ending: "failed" }, NOW, settings)).toMatchObject({
      kind: "open",
      openings: 2,
      openUntil: NOW + 4_000,
    });
    expect(afterProbe(halfOpen({ openings: 40 }), { probe: "p", ending: "failed" }, NOW, settings)).toMatchObject({
      openUntil: NOW + 5_000,
    });
  });

  it("can be given back, and then is any call's at once", () => {
    const free = withoutProbe(halfOpen(), "p");
    expect(withProbe(free, "q", NOW, settings)).toMatchObject({ kind: "half-open", probe: "q", openings: 1 });
    expect(afterProbe(free, { probe: "p", ending: "ok" }, NOW, settings)).toEqual(free);
  });

  it("can't be given back by another", () => {
    expect(withoutProbe(halfOpen(), "q")).toEqual(halfOpen());
    expect(withoutProbe(open(), "p")).toEqual(open());
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
    fc.record({ kind: fc.constant("tally" as const), begun: fc.nat(60), ok: fc.nat(20), failed: fc.nat(20), streak: fc.nat(20) }),
    fc.record({ kind: fc.constant("trip" as const), openForMs: fc.option(fc.nat(100_000), { nil: undefined }) }),
    fc.record({ kind: fc.constant("claim" as const), probe: fc.constantFrom("a", "b") }),
    fc.record({
      kind: fc.constant("report" as const),
      probe: fc.constantFrom("a", "b"),
      ending: fc.constantFrom("ok" as const, "failed" as const),
    }),
    fc.record({ kind: fc.constant("forgo" as const), probe: fc.constantFrom("a", "b") }),
    fc.record({ kind: fc.constant("wait" as const), ms: fc.nat(120_000) }),
  );

  it("never has two probes at once, closes by a probe's success alone, and always comes to a time at which one may be made", () => {
    const isSound = fc.property(fc.array(event, { maxLength: 60 }), (events) => {
      let stored: StoredBreaker | undefined;
      let now = NOW;
      return events.every((each) => {
        const before = stored;
        if (each.kind === "wait") now += each.ms;
        else if (each.kind === "tally") stored = afterTally(stored, each, now, settings);
        else if (each.kind === "trip") stored = afterTrip(stored, { reason: "r", openForMs: each.openForMs }, now, settings);
        else if (each.kind === "report") stored = afterProbe(stored, each, now, settings);
        else if (each.kind === "forgo") stored = withoutProbe(stored, each.probe);
        else stored = withProbe(stored, each.probe, now, settings) ?? stored;
        const tookOver = each.kind === "claim" && before?.kind === "half-open" && stored !== before;
        const wasFree = before?.kind !== "half-open" || before.leaseUntil <= now;
        const isClosing = before !== undefined && stored === undefined;
        const succeeded = each.kind === "report" && each.ending === "ok" && before?.kind === "half-open" && before.probe === each.probe;
        return (!tookOver || wasFree) && (!isClosing || succeeded) && (!stored || mayProbe(stored, now + 100_000));
      });
    });
    expect(() => fc.assert(isSound)).not.toThrow();
  });
});

describe("failures that come by chance", () => {
  /** How often `calls` calls would open the breaker of a model at which a share of them fails. */
  async function openings({ share, callsPerSecond, calls }: { share: number; callsPerSecond: number; calls: number }): Promise<number> {
    const random = createRandom(20_261_103);
    let now = NOW;
    const board = createMemoryBoard({ clock: { now: () => now, sleep: () => Promise.resolve() }, settings });
    let opened = 0;
    for (let call = 0; call < calls; call++) {
      now -= (Math.log(1 - random()) * 1_000) / callsPerSecond;
      const { windows } = await board.count("p", new Map([["p/m", tallyOf(random() < share ? "failed" : "ok")]]));
      for (const tally of windows.values()) {
        if (!afterTally(undefined, tally, now, settings)) continue;
        opened++;
        // Counting begins anew, as it does when a breaker closes.
        await board.swap("p", "p/m", undefined, undefined);
      }
    }
    return opened;
  }

  for (const callsPerSecond of [0.5, 1, 2, 5, 50, 500]) {
    it(`don't open the breaker in 100,000 calls of which one in ten fails, at ${callsPerSecond} calls a second`, async () => {
      expect(await openings({ share: 0.1, callsPerSecond, calls: 100_000 })).toBe(0);
    });
  }

  it("don't open it either where three in ten fail, at 50 calls a second", async () => {
    expect(await openings({ share: 0.3, callsPerSecond: 50, calls: 100_000 })).toBe(0);
  });
});
