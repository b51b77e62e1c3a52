// The same work, reported from files, from PostgreSQL, and from memory.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ledgerEntries } from "../../src/job/ledger.ts";
import { parseDimension } from "../../src/report/dimension.ts";
import { createSpendingReport, type ReportSource, type SpendingReport } from "../../src/report/spending-report.ts";
import { createFileStore } from "../../src/results/files/file-store.ts";
import { createPostgresStore } from "../../src/results/postgres/postgres-store.ts";
import type { Store, StoredResult } from "../../src/results/store.ts";
import { streamOf } from "../results/sample-results.ts";
import { startTestPostgres, whyNoPostgres } from "../support/postgres.ts";
import { sampleSpending } from "./sample-spending.ts";

const { results, extras } = sampleSpending({
  jobs: 2_000,
  days: 4,
  startAt: Date.parse("2026-11-02T06:00:00Z"),
  batch: "b",
  task: "classify",
});
const CALLS = [...results.flatMap((result) => ledgerEntries(result, false)), ...extras.flatMap((result) => ledgerEntries(result, true))];
const STORED: readonly StoredResult[] = [
  ...results.map((result) => ({ result })),
  ...extras.map((result) => ({ result, isExtra: true as const })),
].map((entry, i) => ({ streamId: `${i + 1}-0`, ...entry }));

function report(source: ReportSource): Promise<SpendingReport> {
  const by = ["model", "tag:team", "tenant", "day"].flatMap((name) => parseDimension(name) ?? []);
  return createSpendingReport(source, ["b"], { by: [by] });
}

async function reportOf(store: Store): Promise<SpendingReport> {
  try {
    await store.append("b", STORED);
    return await report(store);
  } finally {
    await store.stop();
  }
}

const expected = report({ read: () => streamOf(results), ledger: () => streamOf(CALLS) });
const missing = await whyNoPostgres();

describe("a report", () => {
  it("from files has every call and every job", async () => {
    const dir = await mkdtemp(join(tmpdir(), "modelfleet-report-"));
    try {
      expect(await reportOf(createFileStore({ dir }))).toEqual(await expected);
      expect((await expected).total.spent.duplicates.calls).toBeGreaterThan(0);
    } finally {
      await rm(dir, { recursive: true });
    }
  });

  it.skipIf(missing)(`from PostgreSQL is the same${missing ? ` (${missing})` : ""}`, async () => {
    const postgres = await startTestPostgres();
    try {
      expect(await reportOf(createPostgresStore({ url: await postgres.createDatabase() }))).toEqual(await expected);
    } finally {
      await postgres.stop();
    }
  });
});
