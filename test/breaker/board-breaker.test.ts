// A process's breaker while its board is away, and back.

import { describe, expect, it } from "vitest";
import { createBoardBreaker } from "../../src/breaker/board-breaker.ts";
import { DEFAULT_BREAKER_SETTINGS as settings } from "../../src/breaker/breaker-machine.ts";
import { createMemoryBoard } from "../../src/breaker/memory-board.ts";
import type { CallEnding } from "../../src/breaker/breaker.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { removableBoard } from "./slow-board.ts";

const MODEL = "p/m";
const FAILED: CallEnding = { ending: "failed" };

async function start() {
  const clock = createManualClock();
  const shared = createMemoryBoard({ clock, settings });
  const board = removableBoard(shared);
  const breaker = createBoardBreaker({ board, clock, models: [MODEL], refreshMs: 250, settings });
  const other = createBoardBreaker({ board: shared, clock, models: [MODEL], refreshMs: 250, settings });
  await clock.advance(10);
  return { clock, board, breaker, other };
}

describe("a breaker whose board is away", () => {
  it("goes on with its copy", async () => {
    const { clock, board, breaker } = await start();
    await breaker.trip({ model: MODEL }, "down", 60_000);
    board.isAway = true;
    await clock.advance(10_000);
    expect(breaker.state(MODEL)).toMatchObject({ kind: "open" });
    expect(await breaker.admit(MODEL)).toMatchObject({ kind: "blocked", reason: "down" });
  });

  it("lets calls go on, each after a quarter of a second, though they fail and nobody can be told", async () => {
    const { clock, board, breaker } = await start();
    board.isAway = true;
    for (let i = 0; i < 20; i++) breaker.report(MODEL, FAILED);
    const admissions = Promise.all(Array.from({ length: 50 }, () => breaker.admit(MODEL)));
    await clock.advance(250);
    expect(await admissions).toEqual(Array.from({ length: 50 }, () => ({ kind: "call" })));
  });

  it("keeps what it counted, in order, and hands it in when the board is back", async () => {
    const { clock, board, breaker, other } = await start();
    board.isAway = true;
    for (let i = 0; i < 100; i++) breaker.report(MODEL, { ending: "ok" });
    for (let i = 0; i < 4; i++) breaker.report(MODEL, FAILED);
    await clock.advance(5_000);
    for (let i = 0; i < 4; i++) breaker.report(MODEL, FAILED);
    await clock.advance(5_000);
    expect(other.state(MODEL)).toEqual({ kind: "closed" });
    board.isAway = false;
    await clock.advance(500);
    expect(other.state(MODEL)).toMatchObject({ kind: "open", reason: "the last 8 calls failed" });
  });

  it("concludes a probe when the board is back, by its report or by giving it back", async () => {
    for (const isReported of [true, false]) {
      const { clock, board, breaker, other } = await start();
      await breaker.trip({ model: MODEL }, "down");
      await clock.advance(2_000);
      const admission = await breaker.admit(MODEL);
      if (admission.kind !== "probe") throw new Error(`expected a probe: ${admission.kind}`);
      board.isAway = true;
      if (isReported) breaker.report(MODEL, { ending: "ok", probe: admission.probe });
      else breaker.forgo(MODEL, admission.probe);
      await clock.advance(20_000);
      expect(await other.admit(MODEL)).toMatchObject({ kind: "blocked" });
      board.isAway = false;
      await clock.advance(500);
      expect((await other.admit(MODEL)).kind).toBe(isReported ? "call" : "probe");
    }
  });

  it("says so to the call that would claim the probe, and leaves the probe to another", async () => {
    const { clock, board, breaker, other } = await start();
    await breaker.trip({ model: MODEL }, "down");
    await clock.advance(2_000);
    board.isAway = true;
    await expect(breaker.admit(MODEL)).rejects.toThrow("away");
    board.isAway = false;
    await clock.advance(500);
    expect(await other.admit(MODEL)).toMatchObject({ kind: "probe" });
  });

  it("stops all the same", async () => {
    const { clock, board, breaker } = await start();
    board.isAway = true;
    breaker.report(MODEL, { ...FAILED, probe: "of long ago" });
    const stopped = breaker.stop();
    await clock.advance(2_000);
    await expect(stopped).resolves.toBeUndefined();
  });
});

describe("a probe of a model and its provider", () => {
  it("is given back where it was claimed already when it turns out not to be free everywhere", async () => {
    const { clock, breaker, other } = await start();
    await breaker.trip({ model: MODEL }, "down", 500);
    await breaker.trip({ provider: "p" }, "down", 500);
    await clock.advance(600);
    // The first breaker's copy doesn't show this yet.
    await other.trip({ model: MODEL }, "quota", 60_000);
    expect(await breaker.admit(MODEL)).toMatchObject({ kind: "blocked", reason: "quota" });
    await clock.advance(300);
    expect(await other.admit("p/another")).toMatchObject({ kind: "probe" });
  });
});
