// Several processes that write to one batch, whether they know of each other or not, and what must be on the disk before an append counts.

import { fork } from "node:child_process";
import { once } from "node:events";
import { appendFile, mkdir, mkdtemp, open, readdir, readFile, readlink, rm, writeFile, type FileHandle } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { createFileStore } from "../../../src/results/files/file-store.ts";
import type { Store, StoredResult } from "../../../src/results/store.ts";
import { answered, collect, stored, trailEntry } from "../sample-results.ts";

let root: string;
let n = 0;
let opened: Store[] = [];
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "modelfleet-writers-"));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(opened.map((store) => store.stop()));
  opened = [];
});
afterAll(() => rm(root, { recursive: true }));

describe("two recorders of one batch", () => {
  it("of which one is in the middle of a write leave it alone: what it completes is read", async () => {
    const { segment, openStore, folder } = place();
    const entries = entriesOf(6);
    const stale = openStore();
    await stale.append("b", entries.slice(0, 2));
    const before = await readFile(segment);
    // Its next append, of which another process sees a part.
    await stale.append("b", entries.slice(2, 4));
    const written = await readFile(segment);
    await cutTo(segment, before.length + 200);
    const successor = openStore();
    await successor.append("b", entries.slice(0, 5));
    await appendFile(segment, written.subarray(before.length + 200));
    expect(await readFile(segment)).toEqual(written);
    await stale.append("b", entries.slice(4));
    expect(await rowsOf(successor)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(await callsOf(successor)).toEqual([1, 1, 1, 1, 1, 1]);
    expect(await successor.lastStreamId("b")).toBe("6-0");
    expect((await readdir(folder)).toSorted()).toEqual(["000001.jsonl", "000002.jsonl"]);
  });

  it("may write the same and go on one past the other: each row and each call is there once, and the last stream id is the highest of all", async () => {
    const turn = fc.record({ writer: fc.nat(2), count: fc.integer({ min: 1, max: 5 }), isRestarted: fc.boolean(), back: fc.nat(6) });
    await fc.assert(
      fc.asyncProperty(fc.array(turn, { minLength: 1, maxLength: 25 }), async (turns) => {
        const { openStore } = place();
        const all = entriesOf(140);
        const writers = [openStore(), openStore(), openStore()];
        const reader = openStore();
        let written = 0;
        for (const { writer, count, isRestarted, back } of turns) {
          if (isRestarted) writers[writer] = openStore();
          const from = Math.max(0, written - back);
          await writers[writer]!.append("b", all.slice(from, from + count));
          written = Math.max(written, from + count);
          const found = await reader.ledgerOf("b", [0, written - 1]);
          expect([found.lastStreamId, found.entries.length]).toEqual([`${written}-0`, new Set([0, written - 1]).size]);
        }
        const rows = Array.from({ length: written }, (_, row) => row);
        expect(await rowsOf(openStore())).toEqual(rows);
        expect(await callsOf(openStore())).toEqual(rows.map(() => 1));
        expect(await openStore().lastStreamId("b")).toBe(`${written}-0`);
        await stopAll();
      }),
      { numRuns: 40 },
    );
  });

  it("say the same of a call whichever of them wrote last: the accounts count in the order of the stream", async () => {
    const { openStore } = place();
    const account = (id: number, costNanoUsd: number, outcome: "uncertain" | "answered"): StoredResult => ({
      streamId: `${id}-0`,
      result: answered(0, { trail: [trailEntry({ call: "b.0.0.0.1", outcome, costNanoUsd })] }),
      ...(id === 1 ? {} : { isExtra: true }),
    });
    const accounts = [account(1, 5, "uncertain"), account(2, 7, "answered"), account(3, 9, "answered")];
    const first = openStore();
    await first.append("b", accounts);
    const alone = await collect(first.ledger("b"));
    const { openStore: openOther } = place();
    await openOther().append("b", accounts.slice(0, 1));
    const [late, early] = [openOther(), openOther()];
    await late.append("b", accounts.slice(0, 1));
    await early.append("b", accounts.slice(0, 2));
    await late.append("b", accounts);
    await early.append("b", accounts);
    expect(await collect(late.ledger("b"))).toEqual(alone);
    expect((await late.ledgerOf("b", [0])).entries).toEqual(alone);
  });

  it("as processes that are killed and started again, lose nothing of what either was told is stored", { timeout: 120_000 }, async () => {
    const { dir, folder, openStore } = place();
    const rows = 20_000;
    let told = 0;
    /** Each begins somewhat before what was told, as one whose word did not reach Redis. */
    const run = async (size: number, lives: number) => {
      for (let life = 0; life < lives; life++) {
        const child = fork(join(import.meta.dirname, "sample-writer.ts"), [
          dir,
          String(rows),
          String(Math.max(0, told - 2_000)),
          String(size),
        ]);
        let appends = 0;
        child.on("message", (reached: number) => {
          told = Math.max(told, reached);
          if (life < lives - 1 && ++appends === 3) child.kill("SIGKILL");
        });
        await once(child, "exit");
      }
    };
    const read = (async () => {
      while (told < rows) {
        const before = told;
        const reader = openStore();
        const found = await rowsOf(reader);
        expect(found.slice(0, before)).toEqual(Array.from({ length: before }, (_, row) => row));
      }
    })();
    await Promise.all([run(1_000, 6), run(700, 6), read]);
    const store = openStore();
    expect(told).toBe(rows);
    expect(await rowsOf(store)).toEqual(Array.from({ length: rows }, (_, row) => row));
    expect(await callsOf(store)).toEqual(Array.from({ length: rows }, () => 1));
    expect(await store.lastStreamId("b")).toBe(`1-${rows}`);
    expect((await readdir(folder)).length).toBeLessThanOrEqual(18);
  });
});

describe("a recorder that starts again and again", () => {
  it("leaves a handful of files, whatever its number of starts", async () => {
    const { folder, openStore } = place();
    let most = 0;
    for (let row = 0; row < 100; row++) {
      const store = openStore();
      await store.append("b", entriesOf(row + 1));
      most = Math.max(most, (await readdir(folder)).length);
      if (row % 3 === 0) await store.stop();
    }
    expect(most).toBeLessThanOrEqual(17);
    const store = openStore();
    expect(await rowsOf(store)).toEqual(Array.from({ length: 100 }, (_, row) => row));
    expect(await callsOf(store)).toEqual(Array.from({ length: 100 }, () => 1));
  });

  it("copies small files while they are read, and leaves the readers theirs", async () => {
    const { openStore } = place();
    for (let row = 0; row < 15; row++) await openStore().append("b", entriesOf(row + 1));
    const [results, ledger] = [openStore().read("b"), openStore().ledger("b")];
    await Promise.all([results[Symbol.asyncIterator]().next(), ledger[Symbol.asyncIterator]().next()]);
    for (let row = 15; row < 40; row++) await openStore().append("b", entriesOf(row + 1));
    expect(await collect(results)).toHaveLength(14);
    expect(await collect(ledger)).toHaveLength(14);
  });

  it("takes no file away from a recorder that still writes without that one noticing", async () => {
    const { folder, openStore } = place();
    const entries = entriesOf(60);
    const other = openStore();
    await other.append("b", entries.slice(0, 1));
    for (let row = 1; row < 30; row++) await openStore().append("b", entries.slice(0, row + 1));
    expect(await readdir(folder)).not.toContain("000001.jsonl");
    await other.append("b", entries.slice(0, 31));
    expect(await rowsOf(other)).toEqual(Array.from({ length: 31 }, (_, row) => row));
  });

  it("leaves a damaged file where it is", async () => {
    const { folder, segment, openStore } = place();
    const entries = entriesOf(40);
    const first = openStore();
    await first.append("b", entries.slice(0, 1));
    await first.append("b", entries.slice(0, 2));
    const bytes = await readFile(segment);
    await writeFile(segment, bytes.fill("x", 60, 70));
    for (let row = 2; row < 30; row++) await openStore().append("b", entries.slice(0, row + 1));
    const [damaged = ""] = (await readdir(folder)).toSorted();
    expect(await readFile(join(folder, damaged))).toEqual(bytes);
    await expect(rowsOf(openStore())).rejects.toThrow(/damaged at byte 0/);
    // As the error says.
    await writeFile(join(folder, damaged), bytes.subarray(bytes.indexOf(0x0a) + 1));
    expect(await rowsOf(openStore())).toEqual(Array.from({ length: 29 }, (_, i) => i + 1));
  });

  it("leaves a file where it is of which it can't copy every good line", async () => {
    const { folder, segment, openStore } = place();
    const entries = entriesOf(40);
    await openStore().append("b", entries.slice(0, 5));
    const bytes = await readFile(segment);
    // The second of five lines, which one append wrote: that's what a power cut leaves.
    const second = bytes.indexOf(0x0a) + 1;
    const torn = Buffer.from(bytes).fill(0, second, second + 100);
    await writeFile(segment, torn);
    for (let row = 1; row < 30; row++) await openStore().append("b", entries.slice(0, row + 1));
    const [left = ""] = (await readdir(folder)).toSorted();
    expect(await readFile(join(folder, left))).toEqual(torn);
    expect(await rowsOf(openStore())).toEqual(Array.from({ length: 30 }, (_, row) => row));
    expect(await callsOf(openStore())).toEqual(Array.from({ length: 30 }, () => 1));
  });

  it("goes on with its own file of a batch after having written to many others", async () => {
    const { dir, openStore } = place();
    const store = openStore();
    for (let round = 0; round < 3; round++)
      for (let batch = 0; batch < 40; batch++) await store.append(`batch-${batch}`, stored([answered(round)], round + 1));
    expect(await store.batches()).toHaveLength(40);
    for (const batch of await store.batches()) {
      expect(await collect(store.read(batch))).toHaveLength(3);
      expect(await readdir(join(dir, "batches", batch))).toEqual(["000001.jsonl"]);
    }
  });
});

describe("an append counts only when it is on the disk", () => {
  it("also where a process that was killed had written its entries, and not synced them", async () => {
    const { dir, segment, openStore } = place();
    await openStore().append("b", entriesOf(5));
    const { openStore: openCopy, dir: copy, segment: copied } = place();
    await mkdir(join(copy, "batches", "b"), { recursive: true });
    await writeFile(copied, await readFile(segment));
    const synced = await spyOnSyncs();
    await openCopy().append("b", entriesOf(5));
    expect(synced).toContain(copied);
    expect(dir).not.toBe(copy);
  });

  it.each(["datasync", "write"] as const)("after a failed %s its entries are written again, and synced", async (method) => {
    const { folder, openStore } = place();
    const store = openStore();
    await store.append("b", entriesOf(2));
    const real = (await handlePrototype())[method];
    const failing = vi.spyOn(await handlePrototype(), method).mockImplementationOnce(async function (this: FileHandle, ...args: unknown[]) {
      // The system may show afterwards what never reached the disk.
      if (method === "write") await (real as (...each: unknown[]) => unknown).apply(this, args);
      throw Object.assign(new Error("EIO: i/o error"), { code: "EIO" });
    });
    await expect(store.append("b", entriesOf(4))).rejects.toThrow("EIO");
    failing.mockRestore();
    const synced = await spyOnSyncs();
    await store.append("b", entriesOf(4));
    const [, second = ""] = (await readdir(folder)).toSorted();
    expect((await readFile(join(folder, second), "utf8")).match(/"s":"\d+-0"/g)).toEqual([
      '"s":"1-0"',
      '"s":"2-0"',
      '"s":"3-0"',
      '"s":"4-0"',
    ]);
    expect(synced).toContain(join(folder, second));
    expect(await rowsOf(store)).toEqual([0, 1, 2, 3]);
  });

  it("and failing for hours leaves no heap of files", async () => {
    const { folder, openStore } = place();
    const store = openStore();
    await store.append("b", entriesOf(1));
    const full = vi.spyOn(await handlePrototype(), "write").mockRejectedValue(Object.assign(new Error("ENOSPC"), { code: "ENOSPC" }));
    for (let i = 0; i < 30; i++) await expect(store.append("b", entriesOf(2))).rejects.toThrow("ENOSPC");
    full.mockRestore();
    await store.append("b", entriesOf(2));
    expect(await readdir(folder)).toHaveLength(2);
    expect(await rowsOf(store)).toEqual([0, 1]);
  });

  it("with the folders that were made for it, up to the first that was there", async (test) => {
    if (process.platform !== "linux") return test.skip("looks into /proc");
    const { dir } = place();
    const deep = join(dir, "data", "store");
    const synced = await spyOnSyncs();
    const store = createFileStore({ dir: deep });
    opened.push(store);
    await store.append("b", entriesOf(1));
    const folder = join(deep, "batches", "b");
    expect(new Set(synced)).toEqual(
      new Set([root, dir, join(dir, "data"), deep, join(deep, "batches"), folder, join(folder, "000001.jsonl")]),
    );
    const before = synced.length;
    await createFileStore({ dir: join(dir, "other") }).identity();
    expect(synced.slice(before)).toContain(dir);
  });

  it("however long: what doesn't fit into one string goes to the disk in parts", async () => {
    const { openStore } = place();
    const text = "z".repeat(1_000_000);
    const entries = stored(
      Array.from({ length: 30 }, (_, row) => answered(row, { answer: { text, finish: { unified: "stop", raw: null } } })),
    );
    const writes: number[] = [];
    const prototype = await handlePrototype();
    const real = Reflect.get(prototype, "write") as (...each: unknown[]) => never;
    vi.spyOn(prototype, "write").mockImplementation(function (this: FileHandle, ...args: unknown[]) {
      writes.push((args[0] as Buffer).length);
      return real.apply(this, args);
    });
    const store = openStore();
    await store.append("b", entries);
    expect(Math.max(...writes)).toBeLessThan(10_000_000);
    expect(await rowsOf(store)).toEqual(entries.map((_, row) => row));
    expect(await openStore().lastStreamId("b")).toBe("30-0");
  });
});

/** A store's place, and how another process would open it. All are stopped after the test. */
function place() {
  const dir = join(root, String(n++));
  const folder = join(dir, "batches", "b");
  const openStore = () => {
    const store = createFileStore({ dir });
    opened.push(store);
    return store;
  };
  return { dir, folder, segment: join(folder, "000001.jsonl"), openStore };
}

async function stopAll(): Promise<void> {
  await Promise.all(opened.map((store) => store.stop()));
  opened = [];
}

/** Rows 0 … count - 1, each with a call of its own. */
function entriesOf(count: number): readonly StoredResult[] {
  return stored(Array.from({ length: count }, (_, row) => answered(row, { trail: [trailEntry({ call: `b.${row}.0.0.1` })] })));
}

async function rowsOf(store: Store): Promise<number[]> {
  return (await collect(store.read("b"))).map((result) => result.row);
}

/** How often each row's call stands in the ledger. */
async function callsOf(store: Store): Promise<number[]> {
  const counts: number[] = [];
  for (const { row } of await collect(store.ledger("b"))) counts[row] = (counts[row] ?? 0) + 1;
  return counts;
}

async function cutTo(path: string, size: number): Promise<void> {
  const file = await open(path, "r+");
  await file.truncate(size);
  await file.close();
}

async function handlePrototype(): Promise<FileHandle> {
  const file = await open(root, "r");
  await file.close();
  return Object.getPrototypeOf(file) as FileHandle;
}

/** The paths of what is synced from now on. */
async function spyOnSyncs(): Promise<readonly string[]> {
  const synced: string[] = [];
  const prototype = await handlePrototype();
  for (const method of ["sync", "datasync"] as const) {
    const real = prototype[method];
    vi.spyOn(prototype, method).mockImplementation(async function (this: FileHandle) {
      synced.push(await readlink(`/proc/self/fd/${this.fd}`).catch(() => ""));
      await real.call(this);
    });
  }
  return synced;
}
