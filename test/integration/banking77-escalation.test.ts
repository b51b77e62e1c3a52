// Checks and escalation against the best model alone, on real messages with models of stated accuracies: what the arithmetic of those promises must come true,
// within the error of so many rows. scripts/bench-quality.ts plays the same over all rows. Skips where the data set is missing.

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { measure, standardError, type Measured } from "../../scripts/bench-quality-measure.ts";
import {
  CHEAP,
  expectedCostShare,
  OTHER,
  qualityContenders,
  qualityFleet,
  qualityVendors,
  STRONG,
  type QualityContender,
} from "../../scripts/bench-quality-scene.ts";
import { createFileStore } from "../../src/results/files/file-store.ts";
import { startTestFleet, type TestFleet } from "../support/fleet.ts";

const DATA = resolve(import.meta.dirname, "../../../shared/data");
const FILE = resolve(DATA, "banking77.jsonl");
const isMissing = !existsSync(FILE);
/** Of the 10,003, evenly spread, for they are sorted by intent. */
const EVERY = 20;

let fleet: TestFleet | undefined;
const measured = new Map<string, Measured>();
const bookedByVendors = new Map<string, number>();
let contenders: readonly QualityContender[] = [];

beforeAll(async () => {
  if (isMissing) return;
  const labels = JSON.parse(await readFile(resolve(DATA, "banking77.labels.json"), "utf8")) as string[];
  const all = (await readFile(FILE, "utf8")).trim().split("\n");
  const lines = all.filter((_, i) => i % EVERY === 0);
  const right = lines.map((line) => (JSON.parse(line) as { label: string }).label);
  contenders = qualityContenders(labels.length);
  fleet = await startTestFleet({
    simulator: qualityVendors({ file: FILE, labels }),
    config: (url) => qualityFleet({ url, labels, apiKey: "SIMULATED_KEY" }),
  });
  const file = await fleet.file("rows.jsonl", `${lines.join("\n")}\n`);
  await fleet.start("up", "--no-web");
  const store = createFileStore({ dir: join(fleet.dir, "data", "store") });
  let booked = 0;
  for (const { task } of contenders) {
    const { code, stderr } = await fleet.command("run", file, "--task", task, "--batch", task, "-o", `${fleet.dir}/${task}.jsonl`).result;
    if (code !== 0) throw new Error(`the run of ${task} ended with ${code}: ${stderr}`);
    measured.set(task, await measure(store.read(task), right));
    const { costNanoUsd } = fleet.simulator.ledger().total;
    bookedByVendors.set(task, costNanoUsd - booked);
    booked = costNanoUsd;
  }
  await store.stop();
}, 180_000);

afterAll(() => fleet?.stop());

const of = (task: string) => {
  const contender = contenders.find((each) => each.task === task)!;
  const found = measured.get(task)!;
  return { ...found, contender, costShare: found.costNanoUsd / measured.get("best")!.costNanoUsd };
};

describe.skipIf(isMissing)(
  isMissing ? "banking77 by stated accuracies (skipped: ../shared/data/banking77.jsonl is missing)" : "banking77 by stated accuracies",
  () => {
    it("every way of asking is right as often as the arithmetic says, at the cost it says", () => {
      for (const { task } of contenders) {
        const { rows, accuracy, contender, costNanoUsd, costShare, calls } = of(task);
        expect(rows).toBe(501);
        expect(costNanoUsd, `cost of ${task} by the vendors' books`).toBe(bookedByVendors.get(task));
        const error = standardError(contender.expected.accuracy, rows);
        expect(Math.abs(accuracy - contender.expected.accuracy), `accuracy of ${task}: ${accuracy}`).toBeLessThan(3 * error);
        for (const [model, perRow] of Object.entries(contender.expected.calls)) {
          const share = Math.min(1, perRow);
          const stray = 3 * standardError(share, rows) * rows;
          expect(Math.abs(calls[model]! - perRow * rows), `calls of ${model} for ${task}`).toBeLessThanOrEqual(stray);
        }
        // Fences and prose are paid too.
        expect(costShare, `cost of ${task}`).toBeLessThan(1.15 * expectedCostShare(contender) + 0.02);
      }
    });

    it("cheapest with checks and escalation: more right than the cheap one unchecked, for less than a fifth of the best model's cost", () => {
      const { accuracy, costShare, calls, rows } = of("escalate");
      expect(accuracy).toBeGreaterThan(of("cheap").accuracy + 0.05);
      expect(costShare).toBeLessThan(0.2);
      // Only what failed its check went on; the other vendor's model is none of the route.
      expect(calls[STRONG.id]).toBe(calls[CHEAP.id]! + calls[STRONG.id]! - rows);
      expect(calls[OTHER.id]).toBeUndefined();
    });

    it("two cheap models that agree, else the strong one: at least as right as the best alone, for less than two thirds of its cost", () => {
      const { accuracy, costShare } = of("agree");
      expect(accuracy).toBeGreaterThanOrEqual(of("best").accuracy);
      expect(costShare).toBeLessThan(2 / 3);
    });

    it("no answer leaves a checked task that is not among the labels", async () => {
      const labels = new Set(JSON.parse(await readFile(resolve(DATA, "banking77.labels.json"), "utf8")) as string[]);
      const strays = async (task: string) => {
        const lines = await fleet!.lines(`${fleet!.dir}/${task}.jsonl`);
        expect(lines.length).toBe(measured.get(task)!.rows);
        return lines.filter(({ output }) => !labels.has((output as { label?: string }).label ?? "")).length;
      };
      for (const task of ["best", "escalate", "agree"]) expect(await strays(task), task).toBe(0);
      expect(await strays("cheap")).toBeGreaterThan(10);
    });
  },
);
