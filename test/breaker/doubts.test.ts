import { describe, expect, it } from "vitest";
import { DEFAULT_BREAKER_SETTINGS } from "../../src/breaker/breaker-machine.ts";
import { createDoubts, type Doubts } from "../../src/breaker/doubts.ts";
import { createManualClock } from "../support/manual-clock.ts";

const SUBJECTS = ["p", "p/m"];
const settings = { ...DEFAULT_BREAKER_SETTINGS, doubtfulFailures: 3, doubtfulCalls: 2, longestDoubtMs: 250 };

function start() {
  const clock = createManualClock();
  const doubts = createDoubts({ clock, settings });
  let gone = 0;
  /** Calls that ask to go on. */
  const ask = (calls: number, subjects: readonly string[] = SUBJECTS) => {
    for (let i = 0; i < calls; i++) void doubts.settled(subjects).then(() => gone++);
  };
  /** How many have gone on. */
  const goneOn = async () => {
    await clock.advance(0);
    return gone;
  };
  return { clock, doubts, ask, gone: goneOn };
}

function fail(doubts: Doubts, times: number, subject = "p/m"): void {
  for (let i = 0; i < times; i++) doubts.add(subject, "failed", false);
}

function answer(doubts: Doubts, subjects: readonly string[] = ["p/m"]): void {
  doubts.handingIn(subjects);
  doubts.answered(subjects);
}

describe("doubts about a closed breaker", () => {
  it("hold no call back before the third failure in a row", async () => {
    const { doubts, ask, gone } = start();
    fail(doubts, 2);
    doubts.add("p/m", "ok", true);
    fail(doubts, 2);
    ask(100);
    expect(await gone()).toBe(100);
  });

  it("hold calls back until the failures are known to Redis, and then let a few go", async () => {
    const { doubts, ask, gone } = start();
    fail(doubts, 3);
    ask(5);
    expect(await gone()).toBe(0);
    answer(doubts);
    expect(await gone()).toBe(2);
    fail(doubts, 1);
    ask(1);
    expect(await gone()).toBe(2);
    answer(doubts);
    expect(await gone()).toBe(4);
  });

  it("are not settled by an answer to an earlier hand-in", async () => {
    const { doubts, ask, gone } = start();
    fail(doubts, 3);
    doubts.handingIn(["p/m"]);
    fail(doubts, 1);
    ask(1);
    doubts.answered(["p/m"]);
    expect(await gone()).toBe(0);
    answer(doubts);
    expect(await gone()).toBe(1);
  });

  it("end with a success, and when the breaker is seen open", async () => {
    for (const end of [(doubts: Doubts) => doubts.add("p/m", "ok", true), (doubts: Doubts) => doubts.forget("p/m")]) {
      const { doubts, ask, gone } = start();
      fail(doubts, 3);
      ask(10);
      expect(await gone()).toBe(0);
      end(doubts);
      expect(await gone()).toBe(10);
    }
  });

  it("outlast an answer to a call of before the failures, but not a failure that is the first of a new run", async () => {
    const { doubts, ask, gone } = start();
    fail(doubts, 3);
    ask(10);
    doubts.add("p/m", "ok", false);
    expect(await gone()).toBe(0);
    doubts.add("p/m", "failed", true);
    expect(await gone()).toBe(10);
    fail(doubts, 2);
    ask(1);
    expect(await gone()).toBe(10);
  });

  it("hold no call for longer than a quarter of a second, answer or not", async () => {
    const { clock, doubts, ask, gone } = start();
    fail(doubts, 3);
    ask(10);
    await clock.advance(249);
    expect(await gone()).toBe(0);
    await clock.advance(1);
    expect(await gone()).toBe(10);
  });

  it("about a provider hold back the calls of all its models, about a model only its own", async () => {
    const { doubts, ask, gone } = start();
    fail(doubts, 3);
    ask(1, ["p", "p/other"]);
    expect(await gone()).toBe(1);
    fail(doubts, 3, "p");
    ask(1, ["p", "p/other"]);
    expect(await gone()).toBe(1);
    answer(doubts, ["p"]);
    expect(await gone()).toBe(2);
  });
});
