import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createEventQueue } from "../../../src/plan/play/event-queue.ts";

describe("what is to come", () => {
  it("is taken soonest first, and what comes at the same time in the order in which it was added", () => {
    const queue = createEventQueue<string>();
    for (const [at, event] of [
      [20, "c"],
      [10, "a"],
      [20, "d"],
      [10, "b"],
    ] as const)
      queue.add(at, event);
    expect(queue.nextAt()).toBe(10);
    expect([queue.take(), queue.take()]).toEqual(["a", "b"]);
    expect(queue.nextAt()).toBe(20);
    queue.add(15, "earlier");
    expect([queue.take(), queue.take(), queue.take()]).toEqual(["earlier", "c", "d"]);
  });

  it("is nothing, and infinitely far away, where all is taken", () => {
    const queue = createEventQueue<string>();
    expect([queue.nextAt(), queue.take()]).toEqual([Number.POSITIVE_INFINITY, undefined]);
    queue.add(1, "only");
    expect(queue.take()).toBe("only");
    expect([queue.nextAt(), queue.take()]).toEqual([Number.POSITIVE_INFINITY, undefined]);
  });

  it("is what a sorted list would hold, whatever is added and taken", () => {
    // Few different times, so that many are the same.
    const action = fc.oneof({ weight: 3, arbitrary: fc.nat(12) }, { weight: 2, arbitrary: fc.constant("take" as const) });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
        const queue = createEventQueue<number>();
        const list: { readonly at: number; readonly event: number }[] = [];
        const takeBoth = () => [queue.take(), list.shift()?.event];
        for (const [event, act] of actions.entries()) {
          if (act !== "take") {
            queue.add(act, event);
            const place = list.findIndex(({ at }) => at > act);
            list.splice(place < 0 ? list.length : place, 0, { at: act, event });
          }
          const [taken, listed] = act === "take" ? takeBoth() : [];
          expect(taken).toBe(listed);
          expect(queue.nextAt()).toBe(list[0]?.at ?? Number.POSITIVE_INFINITY);
        }
        expect(list.map(() => queue.take())).toEqual(list.map(({ event }) => event));
      }),
    );
  });
});
