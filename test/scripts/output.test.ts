// The end of a run: what is written, and what its report says.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { formatOf, writeAndSumUp } from "../../scripts/output.ts";
import { createSpendingReport } from "../../src/report/spending-report.ts";
import { createFileStore } from "../../src/results/file-store.ts";
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
