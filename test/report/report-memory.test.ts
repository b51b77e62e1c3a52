// A report keeps sums: what it needs goes with the groups, and stays small for each of them.

import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { ledgerEntries } from "../../src/job/ledger.ts";
import { parseDimension } from "../../src/report/dimension.ts";
import { createSpendingReport } from "../../src/report/spending-report.ts";
import { answered, trailEntry } from "../results/sample-results.ts";

const SCRIPT = join(import.meta.dirname, "many-groups.ts");
/** All that the process may have for its objects; beyond, V8 ends it. */
const HEAP = "--max-old-space-size=100";

describe("the memory of a report", () => {
  it("holds a hundred thousand groups in a heap of 100 MiB", async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [HEAP, "--expose-gc", SCRIPT, "100000"]);
    const { groups, calls, bytes } = JSON.parse(stdout) as { groups: number; calls: number; bytes: number };
    expect([groups, calls]).toEqual([100_000, 200_000]);
    expect(bytes / groups).toBeLessThan(1_024);
  }, 60_000);

  it("is refused to more than a million groups, with what to do", async () => {
    // One result is enough: what follows differs in its tag only.
    const result = answered(0, { trail: [trailEntry()] });
    const [entry] = ledgerEntries(result, false);
    const source = {
      async *read() {},
      async *ledger() {
        for (let i = 0; i <= 1_000_000; i++) yield { ...entry!, tags: { id: String(i) } };
      },
    };
    await expect(createSpendingReport(source, ["b"], { by: [[parseDimension("tag:id")!]] })).rejects.toMatchObject({
      name: "UsageError",
      message: "there are more than 1,000,000 groups by tag:id",
      hint: expect.stringContaining("Group by something that many jobs share") as string,
    });
  }, 60_000);
});
