// A report with as many groups as there are jobs, and how much memory it took: run by report-memory.test.ts in a process of its own.
//
//   node --expose-gc test/report/many-groups.ts GROUPS

import type { LedgerEntry } from "../../src/job/ledger.ts";
import { ledgerEntries } from "../../src/job/ledger.ts";
import type { Result } from "../../src/job/result.ts";
import { parseDimension } from "../../src/report/dimension.ts";
import { createSpendingReport } from "../../src/report/spending-report.ts";
import { answered, trailEntry } from "../results/sample-results.ts";

const groups = Number(process.argv[2]);

/** The second of a job's calls failed: two uses, and a latency. */
function jobOf(row: number): Result {
  const call = (n: number) =>
    trailEntry({ call: `b.${row}.0.0.${n}~${row}`, latencyMs: 200 + (row % 5_000), costNanoUsd: 3_000_000_000 + row });
  return answered(row, { tags: { team: `customer-${row}` }, trail: [call(1), { ...call(2), outcome: "unfit" }] });
}

async function* results(): AsyncGenerator<Result> {
  for (let row = 0; row < groups; row++) yield jobOf(row);
}

async function* ledger(): AsyncGenerator<LedgerEntry> {
  for (let row = 0; row < groups; row++) yield* ledgerEntries(jobOf(row), false);
}

const used = () => {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};
const before = used();
const report = await createSpendingReport({ read: results, ledger }, ["b"], { by: [[parseDimension("tag:team")!]] });
const bytes = used() - before;
console.log(JSON.stringify({ groups: report.divisions[0]!.groups.length, calls: report.total.calls, bytes }));
