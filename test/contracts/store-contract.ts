// What every store must do. A harness opens stores on one place: two opened stores see the same results.

import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LedgerEntry } from "../../src/job/ledger.ts";
import type { Result } from "../../src/job/result.ts";
import type { TrailEntry } from "../../src/job/trail.ts";
import type { Store, StoredResult } from "../../src/results/store.ts";
import { answered, collect, failed, stored, trailEntry } from "../results/sample-results.ts";

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

    it("takes any text that an answer, a label or a tag may hold", async () => {
      const store = open();
      const odd = "nul \0, half a pair \ud800, escaped \\u0000, quotes \" ' {a,b}, NULL";
      const result = answered(0, {
        id: odd,
        tags: { [odd]: odd },
        answer: { text: odd, json: { [odd]: [odd, null] }, finish: { unified: "other", raw: odd } },
      });
      const error = failed(1, { error: { code: "refused", message: odd }, input: { odd } });
      await store.append("b", stored([result, error]));
      expect(await collect(store.read("b"))).toEqual([result, error]);
      expect(await collect(store.ledger("b"))).toHaveLength(1);
    });

    it("tells what the ledger has of some rows, and how far it goes, also what others have written since it was last asked", async () => {
      const [store, reader] = [open(), open()];
      expect(await reader.ledgerOf("b", [0, 1])).toEqual({ lastStreamId: undefined, entries: [] });
      const long = { answer: { text: "x".repeat(3_000), finish: { unified: "stop", raw: null } } } as const;
      const rows = Array.from({ length: 600 }, (_, i) => (i * 7) % 600);
      const tags = { team: "x", é: "" };
      const results = rows.map((row) => answered(row, { ...long, tags, tenant: "t", trail: [call(row, 1), call(row, 2)] }));
      await store.append("b", stored(results));
      const first = await reader.ledgerOf("b", [599, 0, 300, 1_000]);
      expect(first.lastStreamId).toBe("600-0");
      expect(first.entries.toSorted(byCall)).toEqual((await ledgerOf(store)).filter(({ row }) => [0, 300, 599].includes(row)));
      const extra = answered(300, { trail: [call(300, 2), call(300, 3)] });
      await store.append("b", [{ streamId: "700-0", result: extra, isExtra: true }]);
      const { lastStreamId, entries } = await reader.ledgerOf("b", [300]);
      expect([lastStreamId, ...entries.toSorted(byCall).map(shortCall)]).toEqual([
        "700-0",
        "b.300.0.0.1",
        "b.300.0.0.2",
        "b.300.0.0.3 twice",
      ]);
      expect(await reader.ledgerOf("b", [])).toEqual({ lastStreamId: "700-0", entries: [] });
      expect(await reader.ledgerOf("c", [300])).toEqual({ lastStreamId: undefined, entries: [] });
    });

    it("has a ledger of every call, answered or not, with all that was said of it", async () => {
      const price = { input: 250_000, output: 2_000_000, cachedInput: 25_000, cacheWrite: 250_000 };
      const usage = { inputTokens: 900, cachedInputTokens: 100, cacheWriteTokens: 7, outputTokens: 60, reasoningTokens: 50 };
      const cut = trailEntry({ call: "b.0.1.0.1~x", outcome: "transient", reason: "reset", startedAt: 1_763_900_000_123, costNanoUsd: 0 });
      const good = trailEntry({
        call: "b.0.2.0.1~y",
        model: "other/org/large",
        usage,
        price,
        latencyMs: 12.5,
        costNanoUsd: Number.MAX_SAFE_INTEGER,
        isEstimated: true,
      });
      const store = open();
      await store.append(
        "b",
        stored([answered(0, { trail: [cut, good], tags: { team: "x", é: "" }, tenant: "t" }), answered(1, { trail: [] })]),
      );
      const common = {
        batch: "b",
        row: 0,
        task: "classify",
        tags: { team: "x", é: "" },
        tenant: "t",
        purpose: "answer",
        isDuplicate: false,
      };
      expect(await ledgerOf(store)).toEqual([
        {
          ...common,
          call: cut.call,
          at: 1_763_900_000_123,
          provider: "acme",
          model: "acme/small",
          attempt: 1,
          outcome: "transient",
          latencyMs: 250,
          usage: cut.usage,
          costNanoUsd: 0,
          isEstimated: false,
        },
        {
          ...common,
          call: good.call,
          at: 1_000,
          provider: "other",
          model: "other/org/large",
          attempt: 2,
          outcome: "answered",
          latencyMs: 12.5,
          usage,
          price,
          costNanoUsd: Number.MAX_SAFE_INTEGER,
          isEstimated: true,
        },
      ]);
      expect(await ledgerOf(open())).toEqual(await ledgerOf(store));
      expect(await ledgerOf(store, "c")).toEqual([]);
    });

    it("the ledger has the calls of every round, though only the last is read", async () => {
      const store = open();
      await store.append("b", stored([failed(0, { trail: [call(0, 1), call(0, 2)] }), answered(1, { trail: [call(1, 1)] })]));
      await store.append("b", stored([answered(0, { round: 1, trail: [call(0, 3)] })], 10));
      expect(await rowsOf(store)).toEqual(["0 answer 0", "1 answer 1"]);
      expect(await callsOf(store)).toEqual(["b.0.0.0.1", "b.0.0.0.2", "b.0.0.0.3", "b.1.0.0.1"]);
    });

    it("an extra is never read; of its calls those that no recorded result has are duplicates", async () => {
      const store = open();
      const extra = answered(0, { answer: { text: "late", finish: { unified: "stop", raw: null } }, trail: [call(0, 1), call(0, 2)] });
      const early = failed(1, { round: 5, trail: [call(1, 1), call(1, 2)] });
      await store.append("b", [
        { streamId: "1-0", result: answered(0, { trail: [call(0, 1)] }) },
        { streamId: "2-0", result: extra, isExtra: true },
        { streamId: "3-0", result: early, isExtra: true },
        { streamId: "4-0", result: answered(1, { trail: [call(1, 1)] }) },
        { streamId: "5-0", result: failed(2, { trail: [call(2, 1)] }), isExtra: true },
      ]);
      expect(await rowsOf(store)).toEqual(["0 answer 0", "1 answer 1"]);
      expect(await callsOf(store)).toEqual(["b.0.0.0.1", "b.0.0.0.2 twice", "b.1.0.0.1", "b.1.0.0.2 twice", "b.2.0.0.1 twice"]);
      expect(await store.lastStreamId("b")).toBe("5-0");
      await open().append("b", [{ streamId: "5-0", result: failed(2, { trail: [call(2, 9)] }), isExtra: true }]);
      expect(await callsOf(store)).toHaveLength(5);
    });

    it.each(["exact after uncertain", "uncertain after exact"])("an exact entry stands in place of an uncertain one: %s", async (order) => {
      const uncertain = answered(0, { trail: [call(0, 1, { outcome: "uncertain", costNanoUsd: 99 })] });
      const exact = answered(0, { trail: [call(0, 1, { outcome: "answered", costNanoUsd: 42 })] });
      const [recorded, late] = order === "exact after uncertain" ? [uncertain, exact] : [exact, uncertain];
      const store = open();
      await store.append("b", [{ streamId: "1-0", result: recorded }]);
      await store.append("b", [{ streamId: "2-0", result: late, isExtra: true }]);
      // And with both in one append, the extra first.
      await store.append("c", [
        { streamId: "1-0", result: late, isExtra: true },
        { streamId: "2-0", result: recorded },
      ]);
      for (const batch of ["b", "c"]) {
        // What the recorded result knows as uncertain was asked again: the exact account is of a call that came to nothing.
        const isDuplicate = recorded === uncertain;
        expect(await ledgerOf(store, batch)).toMatchObject([{ outcome: "answered", costNanoUsd: 42, isDuplicate, isEstimated: false }]);
      }
    });

    it("however results, rounds and extras come and are repeated, each call is booked once", async () => {
      const entry = fc.record({ n: fc.nat(5), isUncertain: fc.boolean(), costNanoUsd: fc.nat(1_000) });
      const entries = fc.array(
        fc.record({ row: fc.nat(7), round: fc.nat(2), isExtra: fc.boolean(), trail: fc.array(entry, { maxLength: 4 }) }),
        { maxLength: 30 },
      );
      let n = 0;
      await fc.assert(
        fc.asyncProperty(entries, fc.array(fc.record({ from: fc.nat(30), to: fc.nat(30) }), { maxLength: 5 }), async (given, repeats) => {
          const batch = `l${n++}`;
          const all = given.map(({ row, round, isExtra, trail }, i): StoredResult => {
            const calls = trail.map((each) =>
              call(row, each.n, { outcome: each.isUncertain ? "uncertain" : "transient", costNanoUsd: each.costNanoUsd }),
            );
            return { streamId: `${i + 1}-0`, result: answered(row, { batch, round, trail: calls }), ...(isExtra ? { isExtra } : {}) };
          });
          const [store, reader] = [open(), open()];
          const wanted = [1, 3, 4, 6];
          // What is written is a part that reaches on from what was written before, as after a crash between writing and counting.
          let written = 0;
          for (const { from, to } of [...repeats, { from: 0, to: all.length }]) {
            const start = Math.min(from, written);
            const end = Math.max(start, Math.min(to, all.length));
            await store.append(batch, all.slice(start, end));
            written = Math.max(written, end);
            const { lastStreamId, entries: found } = await reader.ledgerOf(batch, wanted);
            expect(lastStreamId).toBe(written === 0 ? undefined : `${written}-0`);
            expect(found.map(shortly).toSorted(byCall)).toEqual(model(all.slice(0, written)).filter(({ row }) => wanted.includes(row)));
          }
          expect((await ledgerOf(store, batch)).map(shortly)).toEqual(model(all));
          await Promise.all([store.stop(), reader.stop()]);
        }),
        { numRuns: 60 },
      );
    });

    it("while the batch is written its ledger can be read, each call once, and a reader may leave early", async () => {
      const store = open();
      await store.append("b", stored(Array.from({ length: 500 }, (_, row) => answered(row, { trail: [call(row, 1)] }))));
      const late = [3, 450].map((row, i): StoredResult => {
        return { streamId: `${1_000 + i}-0`, result: answered(row, { trail: [call(row, 1), call(row, 2)] }), isExtra: true };
      });
      const seen: string[] = [];
      for await (const entry of open().ledger("b")) {
        if (seen.push(entry.call) === 10) await store.append("b", late);
      }
      expect(new Set(seen).size).toBe(seen.length);
      expect(seen.length).toBeGreaterThanOrEqual(500);
      for await (const _ of store.ledger("b")) break;
      expect(await ledgerOf(store)).toHaveLength(502);
    });

    it("says what is at its place", async () => {
      const store = open();
      await store.identity();
      expect(await store.probe()).toContain(store.place);
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

function call(row: number, n: number, changes: Partial<TrailEntry> = {}): TrailEntry {
  return trailEntry({ call: `b.${row}.0.0.${n}`, ...changes });
}

/** In order of rows and calls, whatever the store's own is. */
async function ledgerOf(store: Store, batch = "b"): Promise<readonly LedgerEntry[]> {
  return (await collect(store.ledger(batch))).toSorted(byCall);
}

async function callsOf(store: Store): Promise<readonly string[]> {
  return (await ledgerOf(store)).map(shortCall);
}

function shortCall({ call, isDuplicate }: LedgerEntry): string {
  return call + (isDuplicate ? " twice" : "");
}

function byCall(a: { readonly row: number; readonly call: string }, b: { readonly row: number; readonly call: string }): number {
  return a.row - b.row || (a.call < b.call ? -1 : Number(a.call > b.call));
}

const shortly = ({
  row,
  call,
  attempt,
  outcome,
  costNanoUsd,
  isDuplicate,
}: Pick<LedgerEntry, "row" | "call" | "attempt" | "outcome" | "costNanoUsd" | "isDuplicate">) => ({
  row,
  call,
  attempt,
  outcome,
  costNanoUsd,
  isDuplicate,
});

/** Of all that was ever said of a call, the first exact word, else the first; a duplicate if no word of that kind is a recorded result's. */
function model(all: readonly StoredResult[]): readonly ReturnType<typeof shortly>[] {
  const said = all.flatMap(({ result, isExtra = false }) =>
    result.trail.map((entry, i) => shortly({ row: result.row, ...entry, attempt: i + 1, isDuplicate: isExtra })),
  );
  const calls = [...new Set(said.map((each) => each.call))];
  return calls
    .map((id) => {
      const own = said.filter((each) => each.call === id);
      const exact = own.filter((each) => each.outcome !== "uncertain");
      const best = exact.length > 0 ? exact : own;
      return { ...best[0]!, isDuplicate: best.every((each) => each.isDuplicate) };
    })
    .toSorted(byCall);
}
