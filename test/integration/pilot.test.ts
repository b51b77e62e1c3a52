// The pilot on real models' recorded answers, replayed over the wire: a sample is asked of every candidate, then the rest of the rows go through the route
// that the pilot wrote. Skips where the recordings are missing.

import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { splitModelId, type ModelId } from "../../src/job/names.ts";
import type { PilotReport } from "../../src/pilot/pilot.ts";
import {
  readRecording,
  recordedFleet,
  recordedModels,
  RECORDED_TASK,
  replayOptions,
  toInput,
  type RecordedRow,
} from "../../scripts/bench-pilot-setup.ts";
import { startTestFleet, type TestFleet } from "../support/fleet.ts";

const DATA = resolve(import.meta.dirname, "../../../shared/data");
const GSM8K = resolve(DATA, "recorded-gsm8k.jsonl");
const CRUX = resolve(DATA, "recorded-crux.jsonl");
const isMissing = !existsSync(GSM8K) || !existsSync(CRUX);

const FLASH: ModelId = "google/gemini-1.5-flash";
const MINI: ModelId = "openai/gpt-4o-mini-2024-07-18";
const GPT_4O: ModelId = "openai/gpt-4o-2024-08-06";
const SONNET: ModelId = "anthropic/claude-3-5-sonnet-20241022";
const O1_MINI: ModelId = "openai/o1-mini-2024-09-12";

interface PilotOutput {
  readonly costNanoUsd: number;
  readonly costOfThisRunNanoUsd: number;
  readonly sample: { readonly asked: number; readonly lines: readonly number[] };
  readonly batches: Readonly<Record<string, string>>;
  readonly report: PilotReport;
}

let fleet: TestFleet | undefined;

afterEach(async () => {
  await fleet?.stop();
  fleet = undefined;
});

async function start(file: string, models: readonly ModelId[]) {
  const rows = await readRecording(file);
  expect(recordedModels(rows)).toEqual(expect.arrayContaining([...models]));
  const started = await startTestFleet({ simulator: replayOptions(file, models), config: (url) => recordedFleet(url, models) });
  fleet = started;
  await started.file("rows.jsonl", toInput(rows));
  return { rows, fleet: started, ledger: () => started.simulator.ledger().total };
}

async function pilot(of: TestFleet, ...args: readonly string[]): Promise<PilotOutput> {
  const command = ["pilot", `${of.dir}/rows.jsonl`, "--task", RECORDED_TASK, "--gold", "answer", "--json", ...args];
  const { code, stdout, stderr } = await of.command(...command).result;
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as PilotOutput;
}

/** The rows that the pilot didn't ask, through the route it wrote: accuracy by the recording's verdicts, and the cost by our books. */
async function runRest(of: TestFleet, rows: readonly RecordedRow[], given: { sample: PilotOutput["sample"]; models: readonly ModelId[] }) {
  const lines = new Set(given.sample.lines);
  const rest = rows.filter((_, i) => !lines.has(i + 1));
  const written = parse(await readFile(`${of.dir}/route.yaml`, "utf8")) as object;
  const url = (parse(await readFile(of.config, "utf8")) as { providers: Record<string, { baseUrl: string }> }).providers["openai"]!.baseUrl;
  await writeFile(of.config, JSON.stringify(recordedFleet(url.replace("/openai/v1", ""), given.models, written)));
  const input = await of.file("rest.jsonl", toInput(rest));
  const { code, stderr } = await of.command("run", input, "--task", RECORDED_TASK, "-o", `${of.dir}/out.jsonl`).result;
  expect(code, stderr).toBe(0);
  const out = (await of.lines(`${of.dir}/out.jsonl`)) as { row: number; model: ModelId; costUsd?: number }[];
  expect(out).toHaveLength(rest.length);
  const isRight = (row: RecordedRow, model: ModelId) => row.models[splitModelId(model).name]!.correct;
  return {
    rest,
    accuracy: share(
      out.filter(({ row, model }) => isRight(rest[row]!, model)),
      rest,
    ),
    accuracyOf: (model: ModelId) =>
      share(
        rest.filter((row) => isRight(row, model)),
        rest,
      ),
  };
}

function share(some: readonly unknown[], all: readonly unknown[]): number {
  return some.length / all.length;
}

const TITLE = isMissing
  ? "a pilot on recordings (skipped: ../shared/data/recorded-gsm8k.jsonl or recorded-crux.jsonl is missing)"
  : "a pilot on recordings";

describe.skipIf(isMissing)(TITLE, { timeout: 60_000 }, () => {
  it("finds a route as good as the best model at a fraction of its cost, and the route keeps the promise on rows it has not seen", async () => {
    const models = [FLASH, MINI, GPT_4O, SONNET, O1_MINI];
    const { rows, fleet: of, ledger } = await start(GSM8K, models);

    const first = await pilot(of, "-o", `${of.dir}/route.yaml`);
    expect(first.sample.asked).toBe(200);
    expect(ledger().calls).toBe(200 * models.length);
    expect(first.costNanoUsd).toBe(ledger().costNanoUsd);
    expect(first.report.basis).toBe("gold");
    expect(first.report.rows).toBe(200);
    // The figures are those of the recording's own grader, but for a slip here and there.
    for (const { model, quality } of first.report.models) {
      const asked = first.sample.lines.map((line) => rows[line - 1]!);
      expect(
        Math.abs(
          quality -
            share(
              asked.filter((row) => row.models[splitModelId(model).name]!.correct),
              asked,
            ),
        ),
      ).toBeLessThanOrEqual(0.01);
    }
    const best = first.report.best!;
    const recommended = first.report.recommended!;
    expect(recommended.costShare).toBeLessThan(0.5);

    const before = ledger().costNanoUsd;
    const measured = await runRest(of, rows, { sample: first.sample, models });
    const spent = ledger().costNanoUsd - before;
    const bestAlone = best.costNanoUsd * measured.rest.length;
    expect(measured.accuracy).toBeGreaterThan(measured.accuracyOf(best.model) - 0.015);
    expect(spent / bestAlone).toBeLessThan(0.5);
    expect(Math.abs(spent / bestAlone - recommended.costShare)).toBeLessThan(0.1);
  });
});
