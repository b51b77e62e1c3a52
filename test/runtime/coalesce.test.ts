import { describe, expect, it } from "vitest";
import { coalesce } from "../../src/runtime/coalesce.ts";

/** A run that notes its items and answers when told to. */
function heldRun() {
  const runs: { items: readonly number[]; finish: () => void; fail: (error: Error) => void }[] = [];
  const run = (items: readonly number[]) =>
    new Promise<readonly string[]>((resolve, reject) => {
      runs.push({ items, finish: () => resolve(items.map((item) => `r${item}`)), fail: reject });
    });
  return { runs, run, sizes: () => runs.map(({ items }) => items.length) };
}

const nextTurn = () => new Promise((resolve) => void setImmediate(resolve));

describe("coalesce", () => {
  it("makes one run of the items of one turn, in order, and gives each its own reply", async () => {
    const calls: (readonly number[])[] = [];
    const double = coalesce(
      async (items: readonly number[]) => {
        calls.push(items);
        return items.map((item) => item * 2);
      },
      { maxItems: 10 },
    );
    expect(await Promise.all([double(3), double(1), double(2)])).toEqual([6, 2, 4]);
    expect(calls).toEqual([[3, 1, 2]]);
  });

  it("runs at most `maxItems` at a time", async () => {
    const { runs, run, sizes } = heldRun();
    const ask = coalesce(run, { maxItems: 2 });
    const replies = Promise.all([1, 2, 3, 4, 5].map(ask));
    await nextTurn();
    expect(sizes()).toEqual([2, 2, 1]);
    for (const { finish } of runs) finish();
    expect(await replies).toEqual(["r1", "r2", "r3", "r4", "r5"]);
  });

  it("gathers what arrives while all runs are out", async () => {
    const { runs, run, sizes } = heldRun();
    const ask = coalesce(run, { maxItems: 10, maxInFlight: 1 });
    const first = ask(1);
    await nextTurn();
    const others = [ask(2)];
    await nextTurn();
    others.push(ask(3));
    await nextTurn();
    expect(sizes()).toEqual([1]);
    runs[0]?.finish();
    expect(await first).toBe("r1");
    await nextTurn();
    expect(sizes()).toEqual([1, 2]);
    runs[1]?.finish();
    expect(await Promise.all(others)).toEqual(["r2", "r3"]);
  });

  it("a run that fails rejects each of its items and none of another's", async () => {
    const { runs, run } = heldRun();
    const ask = coalesce(run, { maxItems: 2, maxInFlight: 2 });
    const replies = Promise.allSettled([ask(1), ask(2), ask(3)]);
    await nextTurn();
    const error = new Error("no connection");
    runs[0]?.fail(error);
    runs[1]?.finish();
    expect(await replies).toEqual([
      { status: "rejected", reason: error },
      { status: "rejected", reason: error },
      { status: "fulfilled", value: "r3" },
    ]);
  });
});
