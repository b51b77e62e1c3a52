// The end of a run: what is written, and what its report says.

import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { OpenFleet } from "../../scripts/open-fleet.ts";
import { deliver, formatOf, writeAndSumUp } from "../../scripts/output.ts";
import { createSpendingReport } from "../../src/report/spending-report.ts";
import { createFileStore } from "../../src/results/files/file-store.ts";
import { answered, failed, trailEntry } from "../results/sample-results.ts";

describe("the report at the end of a run", () => {
  it("says what `modelfleet report` says, after a retry and with refused seconds too", async () => {
    const dir = await mkdtemp(join(tmpdir(), "modelfleet-output-"));
    const store = createFileStore({ dir });
    try {
      const call = (name: string, costNanoUsd: number, outcome: "answered" | "unfit" = "answered") =>
        trailEntry({ call: `b.0.${name}`, costNanoUsd, outcome });
      await store.append("b", [
        { streamId: "1-0", result: failed(0, { trail: [call("1.0.1~a", 900, "unfit")] }) },
        { streamId: "2-0", result: answered(0, { round: 1, hop: 3, trail: [call("3.0.1~b", 100)] }) },
        { streamId: "3-0", result: answered(0, { round: 1, hop: 2, trail: [call("2.0.1~c", 10)] }), isExtra: true },
      ]);
      const { summary, counts } = await writeAndSumUp(store, { batch: "b", format: "jsonl", which: "answered", output: join(dir, "out") });
      const { total } = await createSpendingReport(store, ["b"], { by: [] });
      expect(summary).toMatchObject({ rows: 1, answered: 1, calls: 3, costNanoUsd: 1_010 });
      expect(summary).toMatchObject({ calls: total.calls, costNanoUsd: total.costNanoUsd, usage: total.usage });
      expect(counts).toMatchObject({ written: 1, answered: 1, errors: 0 });
    } finally {
      await store.stop();
      await rm(dir, { recursive: true });
    }
  });
});

describe("the rows that failed", () => {
  let dir: string;
  let said: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "modelfleet-output-"));
    const store = createFileStore({ dir: join(dir, "store") });
    await store.append("b", [
      { streamId: "1-0", result: answered(0) },
      { streamId: "2-0", result: failed(1) },
    ]);
    await store.stop();
    said = "";
    vi.spyOn(process.stderr, "write").mockImplementation((text) => {
      said += String(text);
      return true;
    });
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await rm(dir, { recursive: true });
  });
  const deliverTo = (name: string) => {
    const open = { fleet: { storeDir: join(dir, "store") }, states: { status: () => Promise.resolve(undefined) } };
    return deliver(open as unknown as OpenFleet, { batch: "b", format: "jsonl", output: join(dir, name) });
  };

  it("lie in a file beside the answers, and that one goes when none is left", async () => {
    expect(await deliverTo("out.jsonl")).toBe(1);
    expect(await readFile(join(dir, "out.errors.jsonl"), "utf8")).toMatch(/^\{"row":1,"status":"error".*\}\n$/);
    expect(said).toContain("1 rows failed → ");
    const store = createFileStore({ dir: join(dir, "store") });
    await store.append("b", [{ streamId: "3-0", result: answered(1, { round: 1 }) }]);
    await store.stop();
    expect(await deliverTo("out.jsonl")).toBe(0);
    expect((await readdir(dir)).toSorted()).toEqual(["out.jsonl", "store"]);
  });

  it("are named, and put nowhere, beside what is no file; the report is printed", async () => {
    expect(spawnSync("mkfifo", [join(dir, "pipe")]).status).toBe(0);
    const [code, text] = await Promise.all([deliverTo("pipe"), readFile(join(dir, "pipe"), "utf8")]);
    expect(code).toBe(1);
    expect(text).toMatch(/^\{"row":0,"status":"answered".*\}\n$/);
    expect(said).toMatch(/^ +rows +2$/m);
    expect(said).toContain("1 rows failed: modelfleet results b --errors");
    expect((await readdir(dir)).toSorted()).toEqual(["pipe", "store"]);
  });

  it("lie beside the file that a link names, as /dev/stdout does", async () => {
    await mkdir(join(dir, "real"));
    await writeFile(join(dir, "real", "out.jsonl"), "old");
    await symlink(join(dir, "real", "out.jsonl"), join(dir, "link"));
    expect(await deliverTo("link")).toBe(1);
    expect(await readdir(dir)).not.toContain("link.errors.jsonl");
    expect((await readdir(join(dir, "real"))).toSorted()).toEqual(["out.errors.jsonl", "out.jsonl"]);
  });
});

describe("the format of answers", () => {
  it("is seen from the name", () => {
    expect(["a.csv", "a.CSV", "a.jsonl", "a", "a.json", undefined].map(formatOf)).toEqual([
      "csv",
      "csv",
      "jsonl",
      "jsonl",
      "jsonl",
      "jsonl",
    ]);
  });

  it.each(["a.xlsx", "a.XLS", "a.ods", "a.parquet"])("is none that %s would be", (name) => {
    expect(() => formatOf(name)).toThrow("answers are written as JSONL or CSV");
  });
});
