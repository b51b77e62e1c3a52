import { appendFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createFileStore } from "../../src/results/file-store.ts";
import type { Store } from "../../src/results/store.ts";
import { storeContract } from "../contracts/store-contract.ts";
import { answered, collect, stored } from "./sample-results.ts";

storeContract("files", async () => {
  const dir = await mkdtemp(join(tmpdir(), "modelfleet-store-"));
  return { open: () => createFileStore({ dir }), remove: () => rm(dir, { recursive: true }) };
});

storeContract("files in small segments, read in small passes", async () => {
  const dir = await mkdtemp(join(tmpdir(), "modelfleet-store-"));
  return { open: () => createFileStore({ dir, segmentBytes: 2_000, rowsPerPass: 16 }), remove: () => rm(dir, { recursive: true }) };
});

describe("the file store after a crash", () => {
  let root: string;
  let n = 0;
  const place = () => {
    const dir = join(root, String(n++));
    return { dir, segment: join(dir, "batches", "b", "000001.jsonl"), store: createFileStore({ dir }) };
  };
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "modelfleet-store-"));
  });
  afterAll(() => rm(root, { recursive: true }));

  /** Three appends, the last of them of three rows; where each ends. */
  const write = async () => {
    const entries = stored(Array.from({ length: 6 }, (_, row) => answered(row)));
    const { dir, segment, store } = place();
    await store.append("b", entries.slice(0, 2));
    await store.append("b", entries.slice(2, 3));
    const synced = (await readFile(segment)).length;
    await store.append("b", entries.slice(3));
    await store.stop();
    return { dir, segment, entries, synced, bytes: await readFile(segment) };
  };

  /** What a reader sees of a damaged file, and what is there once the writer has repeated what was missing. */
  const recover = async ({ dir, segment, entries }: Awaited<ReturnType<typeof write>>, damaged: Buffer) => {
    await writeFile(segment, damaged);
    const store = createFileStore({ dir });
    const lastStreamId = await store.lastStreamId("b");
    const read = await rowsOf(store);
    const isUntouched = damaged.equals(await readFile(segment));
    await store.append("b", entries.slice(read.length));
    const repaired = await rowsOf(store);
    await store.stop();
    return { lastStreamId, read, isUntouched, repaired };
  };
  it("a file torn at any byte is read up to its last whole line, and written on from there", async () => {
    const written = await write();
    const lineEnds = Array.from(written.bytes.entries())
      .filter(([, byte]) => byte === 0x0a)
      .map(([at]) => at);
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

  it("a tail of zeros longer than any window of the search is cut off", async () => {
    const written = await write();
    expect(await recover(written, Buffer.concat([written.bytes, Buffer.alloc(300_000)]))).toEqual(recovery(6));
  });

  it("damage in what had been synced is an error that names the place, never a missing row", async () => {
    const { dir, segment, bytes } = await write();
    await writeFile(segment, Buffer.from(bytes).fill("x", 200, 210));
    await expect(collect(createFileStore({ dir }).read("b"))).rejects.toThrow(/000001\.jsonl are damaged at byte 0/);
  });

  it("a failed append leaves nothing behind that a later one doesn't repair", async () => {
    const { dir, segment, store } = place();
    const entries = stored([answered(0), answered(1), answered(2)]);
    await store.append("b", entries.slice(0, 1));
    // What a full disk leaves: the start of a line, without the writer knowing of it.
    await appendFile(segment, '{"crc":"00000000","s":"2-0","row":1,"ro');
    await store.append("b", entries.slice(1));
    expect((await collect(store.read("b"))).map((result) => result.row)).toEqual([0, 1, 2]);
    // And when the file was cut under it.
    await truncate(segment, 0);
    await store.append("b", entries);
    expect(await collect(createFileStore({ dir }).read("b"))).toHaveLength(3);
    await store.stop();
  });

  it("a full segment is followed by another, and the last stream id is found though the newest one is empty", async () => {
    const { dir } = place();
    const store = createFileStore({ dir, segmentBytes: 1 });
    for (let row = 0; row < 4; row++) await store.append("b", stored([answered(row)], row + 1));
    await store.stop();
    const folder = join(dir, "batches", "b");
    expect((await readdir(folder)).toSorted()).toEqual(["000001.jsonl", "000002.jsonl", "000003.jsonl", "000004.jsonl"]);
    await truncate(join(folder, "000004.jsonl"), 0);
    const again = createFileStore({ dir });
    expect(await again.lastStreamId("b")).toBe("3-0");
    await again.append("b", stored([answered(2), answered(3)], 3));
    expect((await collect(again.read("b"))).map((result) => result.row)).toEqual([0, 1, 2, 3]);
    await again.stop();
  });

  it("more batches than it keeps files open for are written side by side", async () => {
    const { store } = place();
    for (let round = 0; round < 2; round++)
      for (let batch = 0; batch < 40; batch++) await store.append(`batch-${batch}`, stored([answered(round)], round + 1));
    expect(await store.batches()).toHaveLength(40);
    for (const batch of await store.batches()) expect(await collect(store.read(batch))).toHaveLength(2);
    await store.stop();
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

async function rowsOf(store: Store): Promise<number[]> {
  return (await collect(store.read("b"))).map((result) => result.row);
}

function recovery(whole: number) {
  return {
    lastStreamId: whole === 0 ? undefined : `${whole}-0`,
    read: [0, 1, 2, 3, 4, 5].slice(0, whole),
    isUntouched: true,
    repaired: [0, 1, 2, 3, 4, 5],
  };
}
