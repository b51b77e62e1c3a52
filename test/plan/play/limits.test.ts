import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createPermitLine, type Charge, type PlayedLimit } from "../../../src/plan/play/limits.ts";
import { atOnce, perSecond } from "./played-scene.ts";

interface Asked {
  readonly now: number;
  readonly limits: readonly PlayedLimit[];
  readonly charge?: Charge;
  readonly latencyMs?: number;
}

/** When each of them goes. */
function starts(asked: readonly Asked[]): readonly number[] {
  const line = createPermitLine();
  return asked.map(({ now, limits, charge = { rpm: 1 }, latencyMs = 0 }) => {
    const startAt = line.mayGoAt(limits, charge, now);
    line.take(limits, charge, { startAt, endAt: startAt + latencyMs });
    return startAt;
  });
}

const times = <Value>(count: number, value: Value): readonly Value[] => Array.from({ length: count }, () => value);
const TOKENS: PlayedLimit = { name: "tpm", rate: { amount: "tpm", perMs: 1, burstMs: 500 } };

/** A bucket of half a second's worth that fills up all the time; what is more than it holds goes when it is full, and is owed. */
function bucketStarts(asked: readonly { readonly now: number; readonly amountMs: number }[], burstMs: number): readonly number[] {
  let level = burstMs;
  let at = 0;
  return asked.map(({ now, amountMs }) => {
    level = Math.min(burstMs, level + Math.max(0, now - at));
    at = Math.max(at, now);
    const missing = Math.max(0, Math.min(amountMs, burstMs) - level);
    at += missing;
    level += missing - amountMs;
    return at;
  });
}

describe("a limit of a rate", () => {
  it("lets so much go at once, and then one after the other", () => {
    const limit = perSecond(10);
    expect(starts(times(8, { now: 0, limits: [limit] }))).toEqual([0, 0, 0, 0, 0, 100, 200, 300]);
  });

  it("is full again after a while, and never more than full", () => {
    const limit = perSecond(10);
    const asked = [...times(5, { now: 0, limits: [limit] }), ...times(6, { now: 60_000, limits: [limit] })];
    expect(starts(asked).slice(5)).toEqual([60_000, 60_000, 60_000, 60_000, 60_000, 60_100]);
  });

  it("goes by what calls take of it: one that is larger than the bucket goes when that is full", () => {
    const asked = [300, 300, 300, 5_000, 300].map((tpm) => ({ now: 0, limits: [TOKENS], charge: { tpm } }));
    expect(starts(asked)).toEqual([0, 100, 400, 900, 5_700]);
  });

  it("lets pass what takes nothing of it", () => {
    const charges: readonly Charge[] = [{ tpm: 9_000 }, { rpm: 1 }, { tpm: 0 }];
    expect(starts(charges.map((charge) => ({ now: 0, limits: [TOKENS], charge })))).toEqual([0, 0, 0]);
  });

  it("is a token bucket, for any calls", () => {
    const calls = fc.array(fc.record({ afterMs: fc.oneof(fc.constant(0), fc.nat(800)), amountMs: fc.nat(1_500) }), { maxLength: 80 });
    fc.assert(
      fc.property(calls, (made) => {
        let now = 0;
        const asked = made.map(({ afterMs, amountMs }) => ({ now: (now += afterMs), amountMs }));
        const found = starts(asked.map((each) => ({ now: each.now, limits: [TOKENS], charge: { tpm: each.amountMs } })));
        const taking = asked.map(({ amountMs }, i) => ({ amountMs, i })).filter(({ amountMs }) => amountMs > 0);
        const reference = bucketStarts(
          taking.map(({ i }) => asked[i]!),
          500,
        );
        for (const [n, { i }] of taking.entries()) expect(found[i]).toBeCloseTo(reference[n]!, 6);
      }),
    );
  });
});

describe("a limit of calls in flight", () => {
  it("lets the next one go when one ends", () => {
    const limit = atOnce(2);
    const asked = [100, 300, 50, 50, 50].map((latencyMs) => ({ now: 0, limits: [limit], latencyMs }));
    expect(starts(asked)).toEqual([0, 0, 100, 150, 200]);
  });

  it("never has more in flight than that, and never fewer while somebody asks", () => {
    const calls = fc.array(fc.record({ afterMs: fc.oneof(fc.constant(0), fc.nat(400)), latencyMs: fc.integer({ min: 1, max: 1_000 }) }), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(calls, fc.integer({ min: 1, max: 5 }), (made, concurrency) => {
        const limit = atOnce(concurrency);
        let now = 0;
        const asked = made.map(({ afterMs, latencyMs }) => ({ now: (now += afterMs), limits: [limit], latencyMs }));
        const found = starts(asked);
        const inFlight = (at: number, before: number) =>
          found.slice(0, before).filter((startAt, i) => startAt <= at && at < startAt + asked[i]!.latencyMs).length;
        for (const [i, startAt] of found.entries()) {
          expect(inFlight(startAt, i)).toBeLessThan(concurrency);
          // Who waits goes when a place becomes free.
          const hadToWait = startAt > asked[i]!.now;
          expect(hadToWait ? found.slice(0, i).some((other, at) => other + asked[at]!.latencyMs === startAt) : true).toBe(true);
        }
      }),
    );
  });
});

describe("several limits", () => {
  it("hold a call until all of them let it go", () => {
    const [slow, fast] = [perSecond(2), perSecond(10)];
    expect(starts(times(4, { now: 0, limits: [fast, slow] }))).toEqual([0, 500, 1_000, 1_500]);
    const [rate, places] = [perSecond(10), atOnce(1)];
    expect(starts(times(3, { now: 0, limits: [rate, places], latencyMs: 700 }))).toEqual([0, 700, 1_400]);
  });

  it("are shared by all calls that pass them, and by no others", () => {
    const [account, own, other] = [perSecond(10, "account"), perSecond(100, "own"), perSecond(100, "other")];
    const asked = times(6, undefined).map((_, i) => ({ now: 0, limits: [i % 2 ? own : other, account] }));
    expect(starts(asked)).toEqual([0, 0, 0, 0, 0, 100]);
    expect(starts([...asked, { now: 0, limits: [own] }]).at(-1)).toBe(0);
  });

  it("are none: the call goes at once", () => {
    expect(starts(times(3, { now: 7, limits: [] }))).toEqual([7, 7, 7]);
  });
});
