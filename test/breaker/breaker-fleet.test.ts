// Several processes' breakers on one board whose answers take their time: whatever they do and in whatever order it arrives, the rules hold there.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createBoardBreaker } from "../../src/breaker/board-breaker.ts";
import type { Breaker } from "../../src/breaker/breaker.ts";
import type { BreakerBoard } from "../../src/breaker/breaker-board.ts";
import { DEFAULT_BREAKER_SETTINGS, type StoredBreaker } from "../../src/breaker/breaker-machine.ts";
import { createMemoryBoard } from "../../src/breaker/memory-board.ts";
import { modelId, type ModelId } from "../../src/job/names.ts";
import type { Clock } from "../../src/runtime/clock.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { slowBoard } from "./slow-board.ts";

const PROVIDER = "p";
const MODELS = [modelId(PROVIDER, "a"), modelId(PROVIDER, "b")] as const;
const PROCESSES = 3;
const LONGEST_WAY_MS = 40;
/** Short, so that much happens in few steps. */
const settings = { ...DEFAULT_BREAKER_SETTINGS, openMs: 400, probeLeaseMs: 600 };

const process = fc.nat(PROCESSES - 1);
const model = fc.constantFrom(...MODELS);

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.nat(800) }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("admit" as const), process, model }) },
  // The oldest call of the process that is under way ends.
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("end" as const),
      process,
      how: fc.constantFrom("ok" as const, "failed" as const, "wide" as const, "forgone" as const, "never" as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("fail" as const), process, model, isWide: fc.boolean(), times: fc.nat(12) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("trip" as const),
      process,
      subject: fc.oneof(
        model.map((each) => ({ model: each })),
        fc.constant({ provider: PROVIDER }),
      ),
      openForMs: fc.option(fc.nat(1_000), { nil: undefined }),
    }),
  },
);

interface CallUnderWay {
  readonly model: ModelId;
  readonly probe: string | undefined;
}

/** Writes down what no swap may do. `succeeded` are the probes whose calls were reported to be answered. */
function watched(board: BreakerBoard, { clock, succeeded }: { clock: Clock; succeeded: ReadonlySet<string> }) {
  const broken: string[] = [];
  const parse = (text: string | undefined) => (text === undefined ? undefined : (JSON.parse(text) as StoredBreaker));
  const judge = (field: string, before: StoredBreaker | undefined, after: StoredBreaker | undefined) => {
    const probe = before?.kind === "half-open" ? before.probe : undefined;
    if (before && !after && (probe === undefined || !succeeded.has(probe))) broken.push(`${field} closed without a probe's success`);
    if (after?.kind !== "half-open" || after.probe === "") return;
    if (!before) broken.push(`${field} was closed, and is probed`);
    // A process may be behind the board's time by the way of an answer, never ahead of it.
    if (before?.kind === "open" && before.openUntil > clock.now()) broken.push(`${field} is probed before its time`);
    if (before?.kind === "half-open" && before.leaseUntil > clock.now()) broken.push(`${field} has two probes`);
  };
  const swap: BreakerBoard["swap"] = async (provider, field, expected, next) => {
    const before = (await board.read(provider)).states.get(field);
    const actual = await board.swap(provider, field, expected, next);
    const after = (await board.read(provider)).states.get(field);
    if (before !== after) judge(field, parse(before), parse(after));
    return actual;
  };
  return { broken, board: { ...board, swap } };
}

function startFleet(ways: readonly number[]) {
  const clock = createManualClock();
  const succeeded = new Set<string>();
  const { broken, board } = watched(createMemoryBoard({ clock, settings }), { clock, succeeded });
  let way = 0;
  const slow = slowBoard(board, { clock, nextMs: () => ways[way++ % ways.length] ?? 0 });
  const fleet = Array.from({ length: PROCESSES }, () => ({
    breaker: createBoardBreaker({ board: slow, clock, models: MODELS, refreshMs: 500, settings }),
    underWay: [] as CallUnderWay[],
  }));
  const admit = (index: number, asked: ModelId) => {
    const { breaker, underWay } = fleet[index]!;
    void breaker.admit(asked).then((admission) => {
      if (admission.kind !== "blocked") underWay.push({ model: asked, probe: admission.kind === "probe" ? admission.probe : undefined });
    });
  };
  const end = (breaker: Breaker, call: CallUnderWay, how: "ok" | "failed" | "wide" | "forgone" | "never") => {
    const probe = call.probe === undefined ? {} : { probe: call.probe };
    if (how === "forgone" && call.probe !== undefined) breaker.forgo(call.model, call.probe);
    if (how === "ok" && call.probe !== undefined) succeeded.add(call.probe);
    if (how === "ok") breaker.report(call.model, { ending: "ok", ...probe });
    if (how === "failed" || how === "wide") breaker.report(call.model, { ending: "failed", isWide: how === "wide", ...probe });
  };
  return { clock, fleet, broken, admit, end };
}

async function play(steps: readonly (typeof step extends fc.Arbitrary<infer Step> ? Step : never)[], ways: readonly number[]) {
  const { clock, fleet, broken, admit, end } = startFleet(ways);
  for (const each of steps) {
    if (each.kind === "wait") await clock.advance(each.ms);
    else if (each.kind === "admit") admit(each.process, each.model);
    else if (each.kind === "trip") void fleet[each.process]!.breaker.trip(each.subject, "tripped", each.openForMs);
    else if (each.kind === "fail") {
      for (let i = 0; i < each.times; i++) fleet[each.process]!.breaker.report(each.model, { ending: "failed", isWide: each.isWide });
    } else {
      const { breaker, underWay } = fleet[each.process]!;
      const call = underWay.shift();
      if (call) end(breaker, call, each.how);
    }
  }
  // The vendor is well from here on; what was under way never ends.
  for (const { underWay } of fleet) underWay.length = 0;
  await clock.advance(2_000);
  for (let second = 0; second < 30 && fleet.some(({ breaker }) => breaker.snapshot().size > 0); second++) {
    for (const asked of MODELS) admit(second % PROCESSES, asked);
    await clock.advance(1_000);
    for (const { breaker, underWay } of fleet) for (const call of underWay.splice(0)) end(breaker, call, "ok");
    await clock.advance(1_000);
  }
  const notHome = fleet.flatMap(({ breaker }) => [...breaker.snapshot().keys()]);
  await Promise.all([...fleet.map(({ breaker }) => breaker.stop()), clock.advance(2_000)]);
  return { broken, notHome };
}

describe("the breakers of a fleet", () => {
  it(
    "never have two live probes, close by a probe's success alone, and come home once the vendor is well, however it all interleaves",
    { timeout: 120_000 },
    async () => {
      const isSound = fc.asyncProperty(
        fc.array(step, { maxLength: 60, size: "max" }),
        fc.array(fc.nat(LONGEST_WAY_MS), { minLength: 1, maxLength: 12 }),
        async (steps, ways) => {
          expect(await play(steps, ways)).toEqual({ broken: [], notHome: [] });
        },
      );
      await expect(fc.assert(isSound, { numRuns: 1_000 })).resolves.toBeUndefined();
    },
  );
});
