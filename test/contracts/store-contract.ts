// What every store must do. A harness opens stores on one place: two opened stores see the same results.

import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Result } from "../../src/job/result.ts";
import type { Store } from "../../src/results/store.ts";
import { answered, collect, failed, stored } from "../results/sample-results.ts";

export interface StoreHarness {
  /** A new store on the harness's place, as another process would open it. */
  open(): Store;
  /** Removes the place. All opened stores are stopped before. */
  remove(): Promise<void>;
}

export function storeContract(name: string, createHarness: () => Promise<StoreHarness>): void {
  describe(`a store of ${name}`, () => {
    let harness: StoreHarness;
    let opened: Store[];
    const open = () => {
      const store = harness.open();
      opened.push(store);
      return store;
    };

    beforeEach(async () => {
      harness = await createHarness();
      opened = [];
    });
    afterEach(async () => {
      await Promise.all(opened.map((store) => store.stop()));
      await harness.remove();
    });

    it("keeps one identity, also when it is opened by several at once and again", async () => {
      const identities = await Promise.all(Array.from({ length: 8 }, () => open().identity()));
      expect(new Set([...identities, await open().identity()]).size).toBe(1);
      expect(identities[0]).toMatch(/^[0-9a-f-]{36}$/);
    });

    it("knows nothing of a batch before its first result", async () => {
      const store = open();
      expect(await store.lastStreamId("b")).toBeUndefined();
      expect(await rowsOf(store)).toEqual([]);
      expect(await store.batches()).toEqual([]);
    });

    it("gives back what was written, whole and in order of rows", async () => {
      const store = open();
      const results: Result[] = [
        answered(2, { id: "é \u2028 \ud83d\ude00", tags: { team: "x" } }),
        failed(0, { input: { text: 'a "b"\n' }, error: { code: "refused", message: "no" } }),
        answered(1, { answer: { text: "", json: { deep: [1, null, { a: true }] }, finish: { unified: "length", raw: null } } }),
      ];
      await store.append("b", stored(results));
      expect(await collect(store.read("b"))).toEqual([results[1], results[2], results[0]]);
      expect(await collect(open().read("b"))).toEqual([results[1], results[2], results[0]]);
    });

    it("knows the last stream id, also after it is opened again", async () => {
      const store = open();
      await store.append("b", [
        { streamId: "1700000000000-9", result: answered(0) },
        { streamId: "1700000000000-10", result: answered(1) },
      ]);
      expect(await store.lastStreamId("b")).toBe("1700000000000-10");
      expect(await open().lastStreamId("b")).toBe("1700000000000-10");
    });

    it("entries written twice count once", async () => {
      const entries = stored([answered(0), answered(1), answered(2)]);
      await open().append("b", entries.slice(0, 2));
      const store = open();
      await store.append("b", entries);
      await store.append("b", entries);
      await store.append("b", []);
      expect(await rowsOf(store)).toEqual(["0 answer 0", "1 answer 1", "2 answer 2"]);
      expect(await store.lastStreamId("b")).toBe("3-0");
    });

    it("an entry that is not newer than the last stored one is left out", async () => {
      const store = open();
      await store.append("b", [{ streamId: "10-0", result: answered(0) }]);
      await store.append("b", [
        { streamId: "9-5", result: answered(1) },
        { streamId: "10-0", result: answered(2) },
        { streamId: "10-1", result: answered(3) },
      ]);
      expect(await rowsOf(store)).toEqual(["0 answer 0", "3 answer 3"]);
    });

    it("of several results of a row the one of the highest round is read", async () => {
      const store = open();
      await store.append("b", stored([failed(0), answered(1), failed(2)]));
      await store.append("b", stored([failed(0, { round: 1 }), answered(2, { round: 1 })], 10));
      await store.append("b", stored([answered(0, { round: 2 })], 20));
      expect(await rowsOf(store)).toEqual(["0 answer 0", "1 answer 1", "2 answer 2"]);
    });

    it("keeps batches apart, also those whose names differ in case only", async () => {
      const store = open();
      await store.append("b", stored([answered(0)]));
      await store.append("B", stored([answered(5)]));
      await store.append("a_b-c", stored([answered(7)]));
      expect([...(await open().batches())].toSorted()).toEqual(["B", "a_b-c", "b"]);
      expect(await rowsOf(store, "B")).toEqual(["5 answer 5"]);
      expect(await rowsOf(store, "b")).toEqual(["0 answer 0"]);
    });

    it("appends that are asked for at once are all written", async () => {
      const store = open();
      const calls = Array.from({ length: 20 }, (_, i) => store.append(i % 2 === 0 ? "b" : "c", stored([answered(i)], i + 1)));
      await Promise.all(calls);
      expect(await rowsOf(store, "b")).toHaveLength(10);
      expect(await rowsOf(store, "c")).toHaveLength(10);
    });

    it("can be read while it is written, and a reader may leave early", async () => {
      const store = open();
      await store.append("b", stored(Array.from({ length: 500 }, (_, row) => answered(row))));
      let seen = 0;
      for await (const result of open().read("b")) {
        expect(result.row).toBe(seen++);
        if (seen === 10) await store.append("b", stored([answered(500)], 1000));
        if (seen === 100) break;
      }
      expect(await rowsOf(store)).toHaveLength(501);
    });

    it("another process may take over the writing, and hand it back", async () => {
      const [first, second] = [open(), open()];
      await first.append("b", stored([answered(0), answered(1)]));
      await second.append("b", stored([answered(0), answered(1), answered(2)]));
      await first.append("b", stored([answered(0), answered(1), answered(2), answered(3)]));
      expect(await rowsOf(first)).toEqual(["0 answer 0", "1 answer 1", "2 answer 2", "3 answer 3"]);
    });

    it("stops more than once without complaint", async () => {
      const store = open();
      await store.append("b", stored([answered(0)]));
      await Promise.all([store.stop(), store.stop()]);
      await expect(store.stop()).resolves.toBeUndefined();
    });

    it("however the rows come, they are read in order, each once", async () => {
      const row = fc.record({ row: fc.nat(60), round: fc.nat(3) });
      let n = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(fc.array(row, { maxLength: 20 }), { maxLength: 6 }), async (appends) => {
          const batch = `p${n++}`;
          const store = open();
          const best = new Map<number, number>();
          let next = 1;
          for (const rows of appends) {
            await store.append(
              batch,
              stored(
                rows.map(({ row, round }) => answered(row, { round })),
                next,
              ),
            );
            next += rows.length;
            for (const { row, round } of rows) best.set(row, Math.max(round, best.get(row) ?? 0));
          }
          const read = await collect(store.read(batch));
          expect(read.map((result) => [result.row, result.round])).toEqual([...best].toSorted(([a], [b]) => a - b));
          await store.stop();
        }),
        { numRuns: 30 },
      );
    });
  });
}

function label(result: Result): string {
  return `${result.row} ${result.status === "answered" ? result.answer.text : result.error.code}`;
}

async function rowsOf(store: Store, batch = "b"): Promise<string[]> {
  return (await collect(store.read(batch))).map(label);
}
