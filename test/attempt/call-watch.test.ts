import { describe, expect, it } from "vitest";
import { createCallWatch } from "../../src/attempt/call-watch.ts";
import { createLatencies } from "../../src/attempt/latencies.ts";
import type { Breaker, BreakerState, CallEnding } from "../../src/breaker/breaker.ts";
import { createManualClock } from "../support/manual-clock.ts";

const MODEL = "p/m";
const never = new AbortController().signal;

/** A breaker that notes what it is told, and is what the test says. */
function createNotedBreaker() {
  const reports: CallEnding[] = [];
  let state: BreakerState = { kind: "closed" };
  const breaker: Breaker = {
    state: () => state,
    admit: () => Promise.resolve({ kind: "call" }),
    report: (_model, ending) => void reports.push(ending),
    forgo: () => undefined,
    trip: () => Promise.resolve(),
    snapshot: () => new Map(),
    stop: () => Promise.resolve(),
  };
  const open = () => (state = { kind: "open", reason: "down", openings: 1, openUntil: Number.MAX_SAFE_INTEGER });
  return { breaker, reports, open };
}

function start() {
  const clock = createManualClock();
  const { breaker, reports, open } = createNotedBreaker();
  const watch = createCallWatch({ breaker, clock });
  const call = (probe?: string) => watch.watch({ model: MODEL, task: "t", signal: never, ...(probe === undefined ? {} : { probe }) });
  /** Calls that took 200 ms each. */
  const learn = async (count = 30) => {
    const calls = Array.from({ length: count }, () => call());
    await clock.advance(200);
    for (const each of calls) each.ended(true);
  };
  return { clock, watch, reports, open, call, learn };
}

describe("the watch over calls", () => {
  it("counts a call as failed while it still runs, once it takes far longer than others, and again each time as much has passed", async () => {
    const { clock, reports, call, learn } = start();
    await learn();
    const slow = call();
    await clock.advance(4_900);
    expect(reports).toEqual([]);
    await clock.advance(200);
    expect(reports).toMatchObject([{ ending: "failed" }]);
    await clock.advance(5_000);
    expect(reports).toHaveLength(2);
    slow.ended(true);
    expect(slow.brokenOff()).toBeUndefined();
  });

  it("knows no slow call before it has seen enough of them", async () => {
    const { clock, reports, call, learn } = start();
    await learn(10);
    const slow = call();
    await clock.advance(60_000);
    expect(reports).toEqual([]);
    slow.ended(true);
  });

  it("breaks an overdue call off when its breaker has opened, and leaves younger ones alone", async () => {
    const { clock, open, call, learn } = start();
    await learn();
    const hung = call();
    await clock.advance(5_100);
    const young = call();
    open();
    await clock.advance(100);
    expect(hung.signal.aborted).toBe(true);
    expect(hung.brokenOff()).toMatch(/no answer for 5\.\d s/);
    expect(young.signal.aborted).toBe(false);
    hung.ended(false);
    young.ended(true);
  });

  it("gives a probe up sooner: nothing is lost by another", async () => {
    const { clock, reports, call, learn } = start();
    await learn();
    const probe = call("probe-1");
    await clock.advance(1_100);
    expect(reports).toMatchObject([{ ending: "failed", probe: "probe-1" }]);
    probe.ended(false);
  });

  it("lets no further calls into a silence, until a call ends", async () => {
    const { clock, watch, call, learn } = start();
    await learn();
    const hung = Array.from({ length: 5 }, () => call());
    await clock.advance(250);
    expect(await watch.clear(MODEL, { patienceMs: 0, signal: never })).toBe(true);
    await clock.advance(200);
    let isClear: boolean | undefined;
    const waiting = watch.clear(MODEL, { patienceMs: 2_000, signal: never }).then((clear) => (isClear = clear));
    await clock.advance(1_000);
    expect(isClear).toBeUndefined();
    hung[0]?.ended(true);
    await waiting;
    expect(isClear).toBe(true);
    for (const each of hung.slice(1)) each.ended(true);
  });

  it("lets a call that has waited long enough go back to its queue", async () => {
    const { clock, watch, call, learn } = start();
    await learn();
    const hung = Array.from({ length: 5 }, () => call());
    await clock.advance(500);
    const waiting = watch.clear(MODEL, { patienceMs: 2_000, signal: never });
    await clock.advance(2_000);
    expect(await waiting).toBe(false);
    for (const each of hung) each.ended(true);
  });

  it("leaves it to the breaker once that has opened", async () => {
    const { clock, watch, open, call, learn } = start();
    await learn();
    const hung = Array.from({ length: 5 }, () => call());
    await clock.advance(500);
    const waiting = watch.clear(MODEL, { patienceMs: 2_000, signal: never });
    open();
    await clock.advance(100);
    expect(await waiting).toBe(true);
    for (const each of hung) each.ended(false);
  });
});

describe("latencies", () => {
  it("tell the 99th percentile of the last calls of a kind, once there are enough", () => {
    const latencies = createLatencies();
    for (let i = 0; i < 19; i++) latencies.add("a", 100);
    expect(latencies.p99("a")).toBeUndefined();
    latencies.add("a", 900);
    expect(latencies.p99("a")).toBe(900);
    for (let i = 0; i < 300; i++) latencies.add("a", 200);
    expect(latencies.p99("a")).toBe(200);
    expect(latencies.p99("b")).toBeUndefined();
  });
});
