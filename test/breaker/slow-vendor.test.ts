// A vendor that takes its time to answer, as language models do: what its failures say when they come sooner than its answers.

import { describe, expect, it } from "vitest";
import { afterTally, DEFAULT_BREAKER_SETTINGS as settings } from "../../src/breaker/breaker-machine.ts";
import { createFailureRuns } from "../../src/breaker/failure-runs.ts";
import { createMemoryBoard } from "../../src/breaker/memory-board.ts";
import { ONE_BEGUN, tallyOf, type Tally } from "../../src/breaker/tally.ts";
import { createRandom } from "../../src/runtime/seeded-random.ts";

interface Load {
  readonly processes: number;
  readonly callsPerSecond: number;
  readonly calls: number;
  readonly share: number;
  /** How long a call takes, drawn by a random number in [0, 1). */
  readonly failureMs: (random: number) => number;
  readonly answerMs: (random: number) => number;
}

interface Event {
  readonly at: number;
  readonly process: number;
  readonly call?: { readonly startedAt: number; readonly ending: "ok" | "failed" };
}

/** Beginnings and endings of a healthy vendor's calls, in order. */
function events({ processes, callsPerSecond, calls, share, failureMs, answerMs }: Load, random: () => number): Event[] {
  const all: Event[] = [];
  let startedAt = 1_000_000;
  for (let i = 0; i < calls; i++) {
    startedAt -= (Math.log(1 - random()) * 1_000) / callsPerSecond;
    const process = Math.floor(random() * processes);
    const ending = random() < share ? "failed" : "ok";
    const tookMs = (ending === "failed" ? failureMs : answerMs)(random());
    all.push({ at: startedAt, process }, { at: startedAt + tookMs, process, call: { startedAt, ending } });
  }
  return all.toSorted((a, b) => a.at - b.at);
}

/** How often the load would open the breaker. */
async function openings(load: Load, seed = 20_261_103): Promise<number> {
  let now = 0;
  const clock = { now: () => now, sleep: () => Promise.resolve() };
  const board = createMemoryBoard({ clock, settings });
  const runs = Array.from({ length: load.processes }, () => createFailureRuns({ clock }));
  let opened = 0;
  for (const { at, process, call } of events(load, createRandom(seed))) {
    now = at;
    const own = runs[process] as (typeof runs)[number];
    if (!call) own.begin("p/m");
    const tally: Tally = call ? tallyOf(call.ending, own.end("p/m", call.ending, call.startedAt)) : ONE_BEGUN;
    const { windows } = await board.count("p", new Map([["p/m", tally]]));
    for (const window of windows.values()) {
      if (!afterTally(undefined, window, now, settings)) continue;
      opened++;
      // Counting begins anew, as it does when a breaker closes.
      await board.swap("p", "p/m", undefined, undefined);
      for (const each of runs) each.forget("p/m");
    }
  }
  return opened;
}

const VENDORS = [
  { name: "failures after 50 ms, answers after 5 s", failureMs: () => 50, answerMs: () => 5_000 },
  {
    name: "failures within 400 ms, answers within 2 to 20 s",
    failureMs: (r: number) => 400 * r,
    answerMs: (r: number) => 2_000 + 18_000 * r,
  },
  {
    name: "failures at once or after 10 s, answers within 1 to 20 s",
    failureMs: (r: number) => (r < 0.8 ? 1 : 10_000),
    answerMs: (r: number) => 1_000 + 19_000 * r,
  },
];

describe("a healthy vendor whose failures come sooner than its answers", () => {
  for (const { name, ...vendor } of VENDORS) {
    for (const share of [0.05, 0.1, 0.2]) {
      // Of some twenty calls that the window holds at 2 calls a second, half fail by mere chance where one in five does.
      for (const callsPerSecond of [0.5, ...(share < 0.2 ? [2] : []), 10, 50, 500]) {
        it(`is not taken for a dead one in 100,000 calls, ${100 * share} % failing, at ${callsPerSecond} calls a second: ${name}`, async () => {
          expect(await openings({ ...vendor, share, processes: 4, callsPerSecond, calls: 100_000 })).toBe(0);
        });
      }
    }
  }
});
