import { describe, expect, it } from "vitest";
import { createCallStats } from "../../src/routing/call-stats.ts";
import { createMemoryStatsBook } from "../../src/routing/memory-stats-book.ts";
import type { StatsBook } from "../../src/routing/stats-book.ts";
import { see } from "../contracts/stats-contract.ts";
import { createManualClock } from "../support/manual-clock.ts";

/** A book that can be away, and counts how often it is read. */
function unsteadyBook(book: StatsBook) {
  const state = { isAway: false, reads: 0 };
  const orAway = () => (state.isAway ? Promise.reject(new Error("away")) : Promise.resolve());
  const unsteady: StatsBook = {
    async read() {
      state.reads++;
      await orAway();
      return book.read();
    },
    async add(calls) {
      await orAway();
      await book.add(calls);
    },
  };
  return { book: unsteady, state };
}

function start() {
  const clock = createManualClock();
  const a = unsteadyBook(createMemoryStatsBook({ clock }));
  const b = unsteadyBook(createMemoryStatsBook({ clock }));
  const books = new Map([
    ["a", a.book],
    ["b", b.book],
  ]);
  return { clock, a, b, stats: createCallStats({ books, tasks: ["sort"], models: ["a/1", "b/2"], clock }) };
}

describe("the models' statistics", () => {
  it("keep the calls while a book refuses them, and hand them in later; other providers' books don't wait for it", async () => {
    const { clock, a, b, stats } = start();
    a.state.isAway = true;
    see(stats, "a/1", { count: 5 });
    see(stats, "b/2", { count: 3 });
    await clock.advance(5_500);
    expect((await b.book.read()).get("sort|b/2")?.calls).toBeCloseTo(3, 2);
    a.state.isAway = false;
    await clock.advance(1_500);
    expect((await a.book.read()).get("sort|a/1")?.calls).toBeCloseTo(5, 2);
    expect((await b.book.read()).get("sort|b/2")?.calls).toBeCloseTo(3, 2);
    await stats.stop();
  });

  it("stand as they were read while a book can't be read", async () => {
    const { clock, a, stats } = start();
    see(stats, "a/1", { count: 5 });
    await clock.advance(1_500);
    await stats.read();
    a.state.isAway = true;
    stats.of("sort", "a/1");
    await clock.advance(5_000);
    expect(stats.of("sort", "a/1").calls).toBeCloseTo(5, 2);
    await expect(stats.read()).rejects.toThrow("away");
    await stats.stop();
  });

  it("are read while somebody asks, and no longer", async () => {
    const { clock, a, stats } = start();
    see(stats, "a/1");
    await clock.advance(60_000);
    expect(a.state.reads).toBe(0);
    for (let i = 0; i < 30; i++) {
      stats.of("sort", "a/1");
      await clock.advance(1_000);
    }
    expect(a.state.reads).toBeGreaterThanOrEqual(14);
    expect(a.state.reads).toBeLessThanOrEqual(16);
    await clock.advance(15_000);
    const soFar = a.state.reads;
    await clock.advance(600_000);
    expect(a.state.reads).toBe(soFar);
    stats.of("sort", "a/1");
    await clock.advance(100);
    expect(a.state.reads).toBe(soFar + 1);
    await stats.stop();
  });
});
