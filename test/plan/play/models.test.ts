import { describe, expect, it } from "vitest";
import type { ModelId } from "../../../src/job/names.ts";
import { createEventQueue } from "../../../src/plan/play/event-queue.ts";
import { createPlayedModels, type PlayedCall, type PlayedModel } from "../../../src/plan/play/models.ts";
import { atOnce, callTo, perSecond, playedModel } from "./played-scene.ts";

const [A, B] = ["v/a", "v/b"] as const satisfies readonly ModelId[];

interface Begun {
  readonly job: number;
  readonly endAt: number;
}

/** Models, and the calls that they have begun. */
function play(...specs: readonly PlayedModel[]) {
  const begun: Begun[] = [];
  const wakes = createEventQueue<ModelId>();
  const models = createPlayedModels<number>(specs, {
    start: (job, _call, { endAt }) => void begun.push({ job, endAt }),
    wakeAt: (model, at) => wakes.add(at, model),
  });
  return {
    models,
    begun,
    /** And those in hand get their permits, as time goes on. */
    add: (count: number, call: PlayedCall, now = 0) => {
      for (let i = 0; i < count; i++) models.add(i, call, now);
      for (let at = wakes.nextAt(); at < Number.POSITIVE_INFINITY; at = wakes.nextAt()) models.wake(wakes.take()!, at);
    },
  };
}

/** So many calls, each begun as soon as a slot is free: how long each of them took. */
function durations(spec: PlayedModel, call: PlayedCall, count: number): readonly number[] {
  const flights = createEventQueue<number>();
  const found: number[] = [];
  let now = 0;
  const models = createPlayedModels<number>([spec], {
    start(_, made, { endAt }) {
      flights.add(endAt, found.push(endAt - now) - 1);
      expect(made).toBe(call);
    },
    wakeAt: () => expect.unreachable("nothing limits it"),
  });
  for (let i = 0; i < count; i++) models.add(i, call, 0);
  while (flights.nextAt() < Number.POSITIVE_INFINITY) {
    now = flights.nextAt();
    flights.take();
    models.leave(spec.model, now);
  }
  return found;
}

describe("a model's pool", () => {
  it("has so many calls in hand, and takes the next one when one of them has ended, in turn", () => {
    const { models, begun, add } = play(playedModel(A, { latencyMs: 1_000, slots: [2] }));
    add(4, callTo(A, 1_000));
    expect(begun.map(({ job }) => job)).toEqual([0, 1]);
    models.leave(A, 1_010);
    expect(begun.map(({ job }) => job)).toEqual([0, 1, 2]);
    expect(begun[2]!.endAt - 1_010).toBe(begun[0]!.endAt);
    models.leave(A, 1_010);
    expect(begun).toHaveLength(4);
  });

  it("takes of a slot little more than the vendor's time", () => {
    const { begun, add } = play(playedModel(A, { latencyMs: 1_000, slots: [1] }));
    add(1, callTo(A, 1_000));
    expect(begun[0]!.endAt).toBeGreaterThan(1_000);
    expect(begun[0]!.endAt).toBeLessThan(1_050);
  });

  it("waits for its limits with the call in hand", () => {
    const { begun, add } = play(playedModel(A, { latencyMs: 1_000, limits: [perSecond(1)], slots: [5] }));
    add(5, callTo(A, 1_000));
    expect(begun.map(({ endAt }) => Math.round((endAt - begun[0]!.endAt) / 1_000))).toEqual([0, 1, 2, 3, 4]);
  });

  it("shares limits with another model's", () => {
    const account = atOnce(1, "account");
    const { begun, add } = play(
      playedModel(A, { latencyMs: 1_000, limits: [account], slots: [1] }),
      playedModel(B, { latencyMs: 1_000, limits: [account], slots: [1] }),
    );
    add(1, callTo(A, 1_000));
    add(1, callTo(B, 1_000));
    expect(begun[1]!.endAt - begun[0]!.endAt).toBe(begun[0]!.endAt);
  });

  it("has as many slots as it has in that second, and in the end the last number", () => {
    const call = callTo(A, 10_000);
    for (const [now, slots] of [
      [0, 1],
      [999, 1],
      [1_000, 3],
      [2_000, 6],
      [99_000, 6],
    ] as const) {
      const { begun, add } = play(playedModel(A, { latencyMs: 10_000, slots: [1, 3, 6] }));
      add(20, call, now);
      expect(begun).toHaveLength(slots);
    }
  });
});

describe("times of calls", () => {
  it("come in even measure: as often as they are likely, in any stretch", () => {
    const latenciesMs = Array.from({ length: 200 }, (_, i) => 100 + i);
    const found = durations(playedModel(A, { latencyMs: 200, slots: [1] }), callTo(A, latenciesMs), 1_000);
    for (const from of [0, 100, 300, 700]) {
      const some = found.slice(from, from + 100);
      expect(
        Math.abs(some.reduce((sum, each) => sum + each, 0) / some.length - found.reduce((sum, each) => sum + each, 0) / 1_000),
      ).toBeLessThan(3);
      // A quarter of them among the quarter that is shortest.
      const short = some.filter((each) => each - Math.min(...found) < 50).length;
      expect(Math.abs(short - 25)).toBeLessThan(4);
    }
  });

  it("are drawn for each kind of call by itself, and are none where none are known", () => {
    const { begun, add } = play(playedModel(A, { latencyMs: 100, slots: [20] }));
    add(10, callTo(A, [100, 900]));
    add(10, callTo(A, [100, 900]));
    const ends = begun.map(({ endAt }) => endAt);
    expect(ends.slice(0, 10)).toEqual(ends.slice(10));
    expect(new Set(ends).size).toBe(2);
    const none = play(playedModel(A, { latencyMs: 0, slots: [1] }));
    none.add(1, callTo(A, []));
    expect(none.begun[0]!.endAt).toBeLessThan(50);
  });
});

describe("a model's queue", () => {
  it("is full at twice its slots, or at five seconds of its pace, whichever is more", () => {
    const many = play(playedModel(A, { latencyMs: 60_000, slots: [8] }));
    many.add(15, callTo(A, 60_000));
    expect(many.models.isFull(A, 0)).toBe(false);
    many.add(1, callTo(A, 60_000));
    expect(many.models.isFull(A, 0)).toBe(true);
    const fast = play(playedModel(A, { latencyMs: 100, limits: [perSecond(20)], slots: [4] }));
    fast.add(99, callTo(A, 100));
    expect(fast.models.isFull(A, 0)).toBe(false);
    fast.add(1, callTo(A, 100));
    expect(fast.models.isFull(A, 0)).toBe(true);
  });

  it("has room again when the router has looked, not before", () => {
    const { models, add } = play(playedModel(A, { latencyMs: 1_000, limits: [perSecond(1)], slots: [1] }));
    add(5, callTo(A, 1_000));
    expect(models.isFull(A, 0)).toBe(true);
    for (let i = 0; i < 3; i++) models.leave(A, 1_000);
    expect(models.isFull(A, 1_000)).toBe(true);
    models.look(1_000);
    expect(models.isFull(A, 1_000)).toBe(false);
  });

  it("whose pool tells of no limit holds twice its slots, and five seconds of what it was seen to drain", () => {
    const { models, add } = play(playedModel(A, { latencyMs: 1_000, slots: [5] }));
    add(9, callTo(A, 1_000));
    models.look(1_000);
    expect(models.isFull(A, 1_000)).toBe(false);
    add(1, callTo(A, 1_000));
    expect(models.isFull(A, 1_000)).toBe(true);
    // Two in a tenth of a second: a hundred in five.
    for (let i = 0; i < 2; i++) models.leave(A, 1_010);
    models.look(1_100);
    add(91, callTo(A, 1_000), 1_100);
    expect(models.isFull(A, 1_100)).toBe(false);
    add(1, callTo(A, 1_000), 1_100);
    expect(models.isFull(A, 1_100)).toBe(true);
  });

  it("is full of what is in hand as well", () => {
    const { models, add } = play(playedModel(A, { latencyMs: 100, limits: [perSecond(2)], slots: [10] }));
    add(19, callTo(A, 100));
    models.look(0);
    expect(models.isFull(A, 100)).toBe(false);
    add(1, callTo(A, 100));
    models.look(0);
    expect(models.isFull(A, 100)).toBe(true);
  });

  it("holds more when the pool has more slots", () => {
    const { models, add } = play(playedModel(A, { latencyMs: 60_000, slots: [2, 20] }));
    add(4, callTo(A, 60_000));
    expect([models.isFull(A, 0), models.isFull(A, 1_000)]).toEqual([true, false]);
  });

  it("makes a call wait for those before it, by the model's pace; what is in hand is not waited for", () => {
    const { models, add } = play(playedModel(A, { latencyMs: 1_000, limits: [perSecond(4)], slots: [2] }));
    expect(models.waitMs(A)).toBe(0);
    add(10, callTo(A, 1_000));
    models.look(0);
    const before = models.waitMs(A);
    expect(before).toBeCloseTo(8 / (2 / 1_010), 6);
    // Those added since the last look count at once.
    add(2, callTo(A, 1_000));
    expect(models.waitMs(A)).toBeCloseTo((before * 10) / 8, 6);
  });
});
