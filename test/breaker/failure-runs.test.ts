import { describe, expect, it } from "vitest";
import { createFailureRuns } from "../../src/breaker/failure-runs.ts";
import { createManualClock } from "../support/manual-clock.ts";

async function start() {
  const clock = createManualClock();
  const runs = createFailureRuns({ clock });
  const pass = (ms: number) => clock.advance(ms);
  const begin = () => {
    runs.begin("p/m");
    return clock.now();
  };
  /** Whether it breaks the streak. */
  const end = (ending: "ok" | "failed", startedAt?: number) => runs.end("p/m", ending, startedAt);
  /** A call that fails after a while. */
  const fail = async (ms = 10) => {
    const startedAt = begin();
    await pass(ms);
    return end("failed", startedAt);
  };
  return { runs, pass, begin, end, fail };
}

describe("a run of failures", () => {
  it("is not broken by the answer to a call that began before it", async () => {
    const { pass, begin, end, fail } = await start();
    const early = begin();
    await pass(100);
    for (let i = 0; i < 3; i++) await fail();
    expect(end("ok", early)).toBe(false);
  });

  it("is broken by the answer to a call that began later, and by an answer to a call of unknown age", async () => {
    for (const isKnown of [true, false]) {
      const { pass, begin, end, fail } = await start();
      await fail();
      const late = begin();
      await pass(5);
      expect(end("ok", isKnown ? late : undefined)).toBe(true);
    }
  });

  it("is over once a call begun since has been under way for longer than the failures took", async () => {
    const { pass, begin, end, fail } = await start();
    const [early, earlier] = [begin(), begin()];
    await pass(100);
    await fail();
    begin();
    await pass(10);
    expect(end("ok", early)).toBe(false);
    await pass(2);
    expect(end("ok", earlier)).toBe(true);
  });

  it("begins anew with a failure after calls that are under way for longer", async () => {
    const { begin, fail } = await start();
    expect(await fail()).toBe(false);
    expect(await fail()).toBe(false);
    for (let i = 0; i < 5; i++) begin();
    expect(await fail(11)).toBe(false);
    expect(await fail(11)).toBe(true);
  });

  it("is longer by the failures of calls that began before it", async () => {
    const { pass, begin, end, fail } = await start();
    const early = begin();
    await pass(100);
    await fail();
    expect(end("failed", early)).toBe(false);
  });

  it("is forgotten when the breaker is no longer closed", async () => {
    const { runs, pass, begin, end, fail } = await start();
    const early = begin();
    await pass(100);
    await fail();
    runs.forget("p/m");
    expect(end("ok", early)).toBe(true);
  });

  it("is forgotten when the clock is set back", () => {
    let now = 1_000_000;
    const runs = createFailureRuns({ clock: { now: () => now, sleep: () => Promise.resolve() } });
    runs.begin("p/m");
    runs.end("p/m", "failed", now);
    now -= 3_600_000;
    runs.begin("p/m");
    expect(runs.end("p/m", "ok", now)).toBe(true);
    runs.begin("p/m");
    expect(runs.end("p/m", "failed", now)).toBe(false);
  });
});
