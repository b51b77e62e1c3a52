import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createFileStore } from "../../../src/results/files/file-store.ts";
import type { Store } from "../../../src/results/store.ts";
import { storeContract } from "../../contracts/store-contract.ts";
import { answered, collect, stored } from "../sample-results.ts";

let root: string;
let n = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "modelfleet-store-"));
});
afterAll(() => rm(root, { recursive: true }));

storeContract("files", async () => {
  const dir = await mkdtemp(join(tmpdir(), "modelfleet-store-"));
  return { open: () => createFileStore({ dir }), remove: () => rm(dir, { recursive: true }) };
});

storeContract("files in small segments, read in small passes", async () => {
  const dir = await mkdtemp(join(tmpdir(), "modelfleet-store-"));
  return { open: () => createFileStore({ dir, segmentBytes: 2_000, rowsPerPass: 16 }), remove: () => rm(dir, { recursive: true }) };
});

describe("the file store after a crash", () => {
  /** Three appends, the last of them of three rows, by a process that was killed then; where each ends. */
  const write = async () => {
    const entries = stored(Array.from({ length: 6 }, (_, row) => answered(row)));
    const { dir, folder, segment, store } = place();
    await store.append("b", entries.slice(0, 2));
    await store.append("b", entries.slice(2, 3));
    const synced = (await readFile(segment)).length;
    await store.append("b", entries.slice(3));
    const bytes = await readFile(segment);
    await store.stop();
    return { dir, folder, segment, entries, synced, bytes };
  };

  /** What a reader sees of a damaged file, and what is there once a writer has repeated what was missing. */
  const recover = async ({ dir, folder, segment, entries }: Awaited<ReturnType<typeof write>>, damaged: Buffer) => {
    await rm(folder, { recursive: true });
    await mkdir(folder);
    await writeFile(segment, damaged);
    const store = createFileStore({ dir });
    const lastStreamId = await store.lastStreamId("b");
    const read = await rowsOf(store);
    const rows = entries.map(({ result }) => result.row);
    const looked = await store.ledgerOf("b", rows);
    expect([looked.lastStreamId, looked.entries.map(({ row }) => row)]).toEqual([lastStreamId, read]);
    await store.append("b", entries.slice(read.length));
    const repaired = await rowsOf(store);
    const again = await store.ledgerOf("b", rows);
    expect([again.lastStreamId, again.entries.map(({ row }) => row)]).toEqual([entries.at(-1)!.streamId, repaired]);
    await store.stop();
    return { lastStreamId, read, isUntouched: damaged.equals(await readFile(segment)), repaired };
  };

  it("a file torn at any byte is read up to its last whole line, left as it is, and what is missing is written to another", async () => {
    const written = await write();
    const lineEnds = lineEndsOf(written.bytes);
    const nearEnds = fc.constantFrom(...lineEnds).chain((end) => fc.integer({ min: Math.max(0, end - 2), max: end + 2 }));
    await fc.assert(
      fc.asyncProperty(fc.oneof(nearEnds, fc.integer({ min: 0, max: written.bytes.length })), async (cut) => {
        const whole = lineEnds.filter((end) => end < cut).length;
        expect(await recover(written, written.bytes.subarray(0, cut))).toEqual(recovery(whole));
      }),
      { numRuns: 150 },
    );
  });

  it("pages of the last append that never reached the disk (zeros) are found, though lines after them are whole", async () => {
    const written = await write();
    const { bytes, synced } = written;
    const hole = fc.tuple(fc.integer({ min: synced, max: bytes.length - 1 }), fc.integer({ min: 1, max: 400 }));
    await fc.assert(
      fc.asyncProperty(hole, async ([start, length]) => {
        const damaged = Buffer.from(bytes).fill(0, start, Math.min(bytes.length, start + length));
        const whole = bytes.subarray(0, start).toString().split("\n").length - 1;
        expect(await recover(written, damaged)).toEqual(recovery(whole));
      }),
      { numRuns: 100 },
    );
  });

  it("a tail of zeros longer than any window of the search is no line", async () => {
    const written = await write();
    expect(await recover(written, Buffer.concat([written.bytes, Buffer.alloc(300_000)]))).toEqual(recovery(6));
  });

  it("a failed append leaves nothing behind that a later one doesn't repair", async () => {
    const { dir, segment, store } = place();
    const entries = stored([answered(0), answered(1), answered(2)]);
    await store.append("b", entries.slice(0, 1));
    // What a full disk leaves: the start of a line, without the writer knowing of it.
    await appendFile(segment, '{"crc":"00000000","s":"2-0","row":1,"ro');
    await store.append("b", entries.slice(1));
    expect(await rowsOf(store)).toEqual([0, 1, 2]);
    expect((await store.ledgerOf("b", [0, 2])).entries).toHaveLength(2);
    // And when the files were cut under it.
    for (const path of await segmentsOf(dir)) await truncate(path, 0);
    expect(await store.ledgerOf("b", [0, 2])).toEqual({ lastStreamId: undefined, entries: [] });
    await store.append("b", entries);
    expect((await store.ledgerOf("b", [0, 2])).entries).toHaveLength(2);
    expect(await collect(createFileStore({ dir }).read("b"))).toHaveLength(3);
    await store.stop();
  });

  it("a batch whose folder is removed begins anew", async () => {
    const { folder, store } = place();
    await store.append("b", stored([answered(0), answered(1)], 100));
    await rm(folder, { recursive: true });
    await store.append("b", stored([answered(5)], 50));
    expect(await rowsOf(store)).toEqual([5]);
    expect((await store.ledgerOf("b", [0, 5])).entries.map(({ row }) => row)).toEqual([5]);
    await store.stop();
  });

  it("a full segment is followed by another, and the last stream id is found though the newest one is empty", async () => {
    const { dir, folder, store: unused } = place();
    await unused.stop();
    const store = createFileStore({ dir, segmentBytes: 1 });
    for (let row = 0; row < 4; row++) await store.append("b", stored([answered(row)], row + 1));
    await store.stop();
    expect((await readdir(folder)).toSorted()).toEqual(["000001.jsonl", "000002.jsonl", "000003.jsonl", "000004.jsonl"]);
    await truncate(join(folder, "000004.jsonl"), 0);
    const again = createFileStore({ dir });
    expect(await again.lastStreamId("b")).toBe("3-0");
    expect((await again.ledgerOf("b", [1, 3])).entries.map(({ row }) => row)).toEqual([1]);
    await again.append("b", stored([answered(2), answered(3)], 3));
    expect((await again.ledgerOf("b", [1, 3])).entries.map(({ row }) => row)).toEqual([1, 3]);
    expect(await rowsOf(again)).toEqual([0, 1, 2, 3]);
    await again.stop();
  });

  it("a line far longer than the windows of reading is read and found from the end", async () => {
    const { store, dir } = place();
    const text = "é".repeat(2_000_000);
    await store.append("b", stored([answered(0, { answer: { text, finish: { unified: "stop", raw: null } } }), answered(1)]));
    await store.append("b", stored([answered(2, { answer: { text, finish: { unified: "stop", raw: null } } })], 3));
    expect(await createFileStore({ dir }).lastStreamId("b")).toBe("3-0");
    const lengths = (await collect(store.read("b"))).map((result) => result.status === "answered" && result.answer.text.length);
    expect(lengths).toEqual([2_000_000, 8, 2_000_000]);
    await store.stop();
  });
});

describe("the file store, where a line was damaged that had been synced,", () => {
  const damagedStore = async (line: number) => {
    const { dir, segment, store } = place();
    const entries = stored(Array.from({ length: 12 }, (_, row) => answered(row, { answer: sized(row) })));
    await store.append("b", entries.slice(0, 3));
    await store.append("b", entries.slice(3, 6));
    await store.append("b", entries.slice(6));
    const bytes = await readFile(segment);
    await store.stop();
    const ends = lineEndsOf(bytes);
    const start = line === 0 ? 0 : ends[line - 1]! + 1;
    const end = ends[line]!;
    // As its process left it when it was killed.
    await writeFile(segment, Buffer.from(bytes).fill("x", start + 100, start + 110));
    return { dir, segment, bytes, start, end };
  };
  const sized = (row: number) => ({ text: "y".repeat((row * 97) % 400), finish: { unified: "stop", raw: "stop" } }) as const;

  it("names the file, the place and what to do, and never leaves a row out without a word", async () => {
    const { dir, segment, start } = await damagedStore(1);
    const store = createFileStore({ dir });
    const error: unknown = await rowsOf(store).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      name: "StoppedError",
      message: expect.stringContaining(`${segment} are damaged at byte ${start}: line 2 `),
      hint: expect.stringMatching(/overwrite line 2 with blanks or take it out: its result is lost/),
    });
    await expect(collect(store.ledger("b"))).rejects.toThrow(`damaged at byte ${start}`);
    await expect(store.ledgerOf("b", [0])).rejects.toThrow(`damaged at byte ${start}`);
    // What is still to be stored can be.
    await store.append("b", stored([answered(12)], 13));
    await store.stop();
    await expect(rowsOf(createFileStore({ dir }))).rejects.toThrow(`damaged at byte ${start}`);
  });

  it.each(["overwritten with blanks", "taken out"])("a line %s is all that is lost, whatever a crash does afterwards", async (how) => {
    const property = fc.asyncProperty(fc.integer({ min: 0, max: 5 }), fc.double({ min: 0, max: 1, noNaN: true }), async (line, part) => {
      const { dir, segment, bytes, start, end } = await damagedStore(line);
      const mended =
        how === "taken out" ? Buffer.concat([bytes.subarray(0, start), bytes.subarray(end + 1)]) : Buffer.from(bytes).fill(" ", start, end);
      // Any part of the last append may have been torn off before.
      const ends = lineEndsOf(mended);
      const synced = ends.at(-7)! + 1;
      const torn = mended.subarray(0, Math.ceil(synced + part * (mended.length - synced)));
      await writeFile(segment, torn);
      const good = [0, 1, 2, 3, 4, 5, ...[6, 7, 8, 9, 10, 11].filter((_, i) => ends.at(i - 6)! < torn.length)].filter(
        (row) => row !== line,
      );
      const store = createFileStore({ dir });
      expect(await rowsOf(store)).toEqual(good);
      expect(await store.lastStreamId("b")).toBe(`${good.at(-1)! + 1}-0`);
      // What had not been counted yet comes again, and more.
      const rest = Array.from({ length: 7 }, (_, i) => answered(6 + i));
      await store.append("b", stored(rest, 7));
      expect(await rowsOf(store)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12].filter((row) => row !== line));
      await store.stop();
    });
    await fc.assert(property, { numRuns: 60 });
  });

  it("in the last append of a segment whose writer ended well it is found too", async () => {
    const { dir, segment, store } = place();
    await store.append("b", stored([answered(0), answered(1)]));
    await store.stop();
    const bytes = await readFile(segment);
    await writeFile(segment, bytes.fill("x", 100, 110));
    await expect(rowsOf(createFileStore({ dir }))).rejects.toThrow("damaged at byte 0");
  });
});

describe("the file store's folder", () => {
  it("of an older modelfleet, with several processes' lines in one file, is read and written on", async () => {
    const { dir, folder, store } = place();
    const result = (row: number, round: number) =>
      `{"batch":"b","row":${row},"task":"t","round":${round},"hop":0,"trail":[],"reroutes":0,"enqueuedAt":1,"finishedAt":2,"status":"answered","model":"v/m","answer":{"text":"é ${row}","finish":{"unified":"stop","raw":null}}}`;
    await mkdir(folder, { recursive: true });
    await writeFile(
      join(folder, "000001.jsonl"),
      `{"crc":"d204fc4f","s":"1-0","row":0,"round":0,"from":0,"r":${result(0, 0)}}
{"crc":"1aabc31c","s":"2-0","row":1,"round":0,"from":0,"r":${result(1, 0)}}
{"crc":"cf20929e","s":"3-0","row":1,"round":1,"from":526,"r":${result(1, 1)}}
`,
    );
    await writeFile(
      join(folder, "000002.jsonl"),
      `{"crc":"7e50d7ae","s":"4-0","row":2,"round":0,"from":0,"x":${result(2, 0)}}
{"crc":"77cb9ea8","s":"5-0","row":2,"round":0,"from":0,"r":${result(2, 0)}}
{"crc":"00000000","s":"6-0",`,
    );
    expect(await store.batches()).toEqual(["b"]);
    expect((await collect(store.read("b"))).map(({ row, round }) => [row, round])).toEqual([
      [0, 0],
      [1, 1],
      [2, 0],
    ]);
    expect(await store.lastStreamId("b")).toBe("5-0");
    await store.append("b", stored([answered(2), answered(3)], 5));
    await store.stop();
    expect(await rowsOf(createFileStore({ dir }))).toEqual([0, 1, 2, 3]);
    expect((await readdir(folder)).toSorted()).toEqual(["000001.jsonl", "000002.jsonl", "000003.jsonl"]);
  });

  it("may hold what isn't ours", async () => {
    const { dir, folder, store } = place();
    await store.append("b", stored([answered(0)]));
    await store.append("Inbox-X-1", stored([answered(0)]));
    const batches = join(dir, "batches");
    await writeFile(join(batches, "notes"), "call the vendor");
    await writeFile(join(batches, ".DS_Store"), "");
    await symlink(join(batches, "notes"), join(batches, "latest"));
    for (const name of ["lost+found", "empty", ".git", "UPPER", "a b"]) await mkdir(join(batches, name));
    for (const name of ["UPPER", "a b"]) await writeFile(join(batches, name, "000001.jsonl"), "");
    await writeFile(join(folder, "copy of 000001.jsonl"), "x");
    expect(await store.batches()).toEqual(["Inbox-X-1", "b"]);
    expect(await rowsOf(createFileStore({ dir }))).toEqual([0]);
    await store.stop();
  });
});

/** A store on a place of its own. */
function place() {
  const dir = join(root, String(n++));
  const folder = join(dir, "batches", "b");
  return { dir, folder, segment: join(folder, "000001.jsonl"), store: createFileStore({ dir }) };
}

async function segmentsOf(dir: string): Promise<readonly string[]> {
  const folder = join(dir, "batches", "b");
  return (await readdir(folder)).map((name) => join(folder, name));
}

async function rowsOf(store: Store): Promise<number[]> {
  return (await collect(store.read("b"))).map((result) => result.row);
}

function lineEndsOf(bytes: Buffer): readonly number[] {
  return Array.from(bytes.entries())
    .filter(([, byte]) => byte === 0x0a)
    .map(([at]) => at);
}

function recovery(whole: number) {
  return {
    lastStreamId: whole === 0 ? undefined : `${whole}-0`,
    read: [0, 1, 2, 3, 4, 5].slice(0, whole),
    isUntouched: true,
    repaired: [0, 1, 2, 3, 4, 5],
  };
}
