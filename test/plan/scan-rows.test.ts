import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openInput } from "../../scripts/job-input.ts";
import { meanOver } from "../../src/plan/lengths.ts";
import { scanRows, type RowScan, type RowScanOptions } from "../../src/plan/scan-rows.ts";
import { loadFleet } from "../../src/config/load.ts";
import { createTokenEstimator } from "../../src/prompt/token-estimate.ts";
import { readEnvironment } from "../../src/runtime/environment.ts";
import { createPlanCommand, type PlanCommand } from "../scripts/plan-command.ts";

let scene: PlanCommand;
beforeAll(async () => {
  scene = await createPlanCommand();
});
afterAll(() => scene.remove());

async function scan(rows: readonly object[], changes: Partial<RowScanOptions> = {}): Promise<RowScan> {
  const file = join(scene.dir, "scanned.jsonl");
  await writeFile(file, rows.map((row) => JSON.stringify(row)).join("\n"));
  const fleet = await loadFleet(scene.config, { environment: readEnvironment(), allowMissingSecrets: true });
  const task = fleet.tasks.get("classify")!;
  return scanRows(await openInput(file, task, undefined), {
    task,
    terms: {},
    models: [...fleet.models.values()],
    instruction: () => undefined,
    estimator: await createTokenEstimator(),
    paths: [{ find: () => ({ key: "", ways: [task.route.steps], firsts: 1, judges: [] }) }],
    ...changes,
  });
}

const words = (count: number) => ({ text: "some words ".repeat(count) });

describe("a large file", () => {
  it("is estimated by a sample of exactly the size asked for, spread over it, with the error stated", async () => {
    // The second half's rows are three times as long: a sample of the first rows alone would be far off.
    const rows = Array.from({ length: 4_000 }, (_, i) => words(i < 2_000 ? 10 : 30));
    const whole = await scan(rows);
    const sampled = await scan(rows, { sampleAbove: 1_000, sampleSize: 500 });
    expect(whole).toMatchObject({ good: 4_000, estimated: 4_000, sampleError: 0 });
    expect(sampled).toMatchObject({ good: 4_000, estimated: 500 });
    const mean = (of: RowScan) => of.inputOf("alpha/small").mean;
    expect(sampled.sampleError).toBeGreaterThan(0);
    expect(sampled.sampleError).toBeLessThan(0.1);
    expect(Math.abs(mean(sampled) / mean(whole) - 1)).toBeLessThan(1.5 * sampled.sampleError);
  });
});

describe("our count of the rows", () => {
  it("has their mean, how much they differ, and what of it is no text", async () => {
    const even = await scan([words(10), words(10)]);
    const uneven = await scan([words(5), words(15)]);
    const [same, other] = [even.inputOf("alpha/small"), uneven.inputOf("alpha/small")];
    expect(same.scatter).toBe(0);
    expect(other.scatter).toBeGreaterThan(5);
    expect(Math.abs(other.mean - same.mean)).toBeLessThan(2);
    expect(same.fixed).toBeGreaterThan(0);
    expect(same.fixed).toBe(other.fixed);
    expect(same.mean).toBeGreaterThan(same.fixed + 19);
  });

  it("is by what a vendor puts around a prompt, which counts as text", async () => {
    const words = "Answer by this schema: ".repeat(20);
    const scanned = await scan([{ text: "a parcel" }], { instruction: ({ provider }) => (provider === "beta" ? words : undefined) });
    const [alpha, beta] = [scanned.inputOf("alpha/small"), scanned.inputOf("beta/medium")];
    expect(beta.mean).toBeGreaterThan(alpha.mean + 40);
    expect(beta.fixed).toBeLessThanOrEqual(alpha.fixed);
    expect(scanned.variantOf("alpha/small")).not.toBe(scanned.variantOf("beta/medium"));
    const [group] = scanned.groups[0]!;
    expect(meanOver(group!.lengths[scanned.variantOf("beta/medium")]!, (tokens) => tokens)).toBe(beta.mean);
  });
});
