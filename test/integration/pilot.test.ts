// The pilot on real models' recorded answers, replayed over the wire: a sample is asked of every candidate, then the rest of the rows go through the route
// that the pilot wrote. Skips where the recordings are missing.

import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { freePort } from "../../queues/embedded-redis.ts";
import { createBatchStates } from "../../queues/batch-state.ts";
import { splitModelId, type ModelId } from "../../src/job/names.ts";
import type { PilotReport } from "../../src/pilot/pilot.ts";
import {
  readRecording,
  recordedCostNanoUsd,
  recordedFleet,
  recordedModels,
  RECORDED_TASK,
  replayOptions,
  toInput,
  type RecordedRow,
} from "../../scripts/bench-pilot-setup.ts";
import { runCommand } from "../support/command-line.ts";
import { startTestFleet, until, type TestFleet } from "../support/fleet.ts";

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

async function start(file: string, models: readonly ModelId[], more: { readonly task?: object; readonly judge?: boolean } = {}) {
  const rows = await readRecording(file);
  expect(recordedModels(rows)).toEqual(expect.arrayContaining([...models]));
  const { task = {}, judge = false } = more;
  const started = await startTestFleet({
    simulator: judge ? withJudge(replayOptions(file, models)) : replayOptions(file, models),
    config: (url) => (judge ? withJudge(recordedFleet(url, models, task), url) : recordedFleet(url, models, task)),
  });
  fleet = started;
  await started.file("rows.jsonl", toInput(rows));
  return { rows, fleet: started, ledger: () => started.simulator.ledger().total };
}

/** A vendor more, whose model has nothing recorded: it answers the judge's question by its schema. `url`: of the simulator, in a fleet's configuration. */
function withJudge<Options extends object>(options: Options, url?: string): Options {
  const vendor = { kind: "openai", models: { wise: { price: { input: 1, output: 4 } } } };
  const simulated = options as { readonly vendors?: object };
  const configured = options as { readonly providers?: object };
  return url === undefined
    ? { ...options, vendors: { ...simulated.vendors, bench: vendor } }
    : { ...options, providers: { ...configured.providers, bench: { ...vendor, apiKey: "${SIMULATED_KEY}", baseUrl: `${url}/bench/v1` } } };
}

function command(of: TestFleet, ...args: readonly string[]) {
  return of.command("pilot", `${of.dir}/rows.jsonl`, "--task", RECORDED_TASK, "--json", ...args);
}

async function pilot(of: TestFleet, ...args: readonly string[]): Promise<PilotOutput> {
  const { code, stdout, stderr } = await command(of, "--gold", "answer", ...args).result;
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as PilotOutput;
}

interface Measured {
  readonly accuracy: number;
  readonly accuracyOf: (model: ModelId) => number;
  readonly costNanoUsdOf: (model: ModelId) => number;
  readonly costNanoUsd: number;
}

/** The rows that the pilot didn't ask, through the route it wrote, put into the configuration as it is: accuracy by the recording's own verdicts. */
async function runRest(of: TestFleet, rows: readonly RecordedRow[], { batch, sample }: { batch: string; sample: PilotOutput["sample"] }) {
  const lines = new Set(sample.lines);
  const rest = rows.filter((_, i) => !lines.has(i + 1));
  const config = parse(await readFile(of.config, "utf8")) as { tasks: Record<string, object> };
  const written = parse(await readFile(`${of.dir}/${batch}.yaml`, "utf8")) as object;
  await writeFile(of.config, JSON.stringify({ ...config, tasks: { [RECORDED_TASK]: { ...config.tasks[RECORDED_TASK], ...written } } }));
  const input = await of.file(`${batch}.jsonl`, toInput(rest));
  const before = of.simulator.ledger().total;
  const out = `${of.dir}/${batch}.out.jsonl`;
  const { stderr } = await of.command("run", input, "--task", RECORDED_TASK, "--batch", batch, "-o", out).result;
  await writeFile(of.config, JSON.stringify(config));

  const answers = await of.lines(out);
  const after = of.simulator.ledger().total;
  const status = (await createBatchStates(of.redis.client()).status(batch))!;
  // A row without an answer (the recordings have some that no check lets pass) is wrong.
  expect({ done: status.done, answered: status.answered }, stderr).toEqual({ done: rest.length, answered: answers.length });
  expect(answers.length).toBeGreaterThan(0.98 * rest.length);
  expect(status.costNanoUsd).toBe(after.costNanoUsd - before.costNanoUsd);
  expect(status.calls).toBe(after.calls - before.calls);
  const accuracyOf = (model: ModelId) =>
    share(
      rest.filter((row) => isRight(row, model)),
      rest,
    );
  const costNanoUsdOf = (model: ModelId) => rest.reduce((sum, row) => sum + recordedCostNanoUsd(row, model), 0);
  const right = answers.filter((line) => isRight(rest[line["row"] as number]!, line["model"] as ModelId));
  return { accuracy: share(right, rest), accuracyOf, costNanoUsdOf, costNanoUsd: status.costNanoUsd } satisfies Measured;
}

function isRight(row: RecordedRow, model: ModelId): boolean {
  return row.models[splitModelId(model).name]!.correct;
}

function share(some: readonly unknown[], all: readonly unknown[]): number {
  return some.length / all.length;
}

/** On rows that the pilot didn't see: about as good as the best single model it picked, at about the share of its cost that it promised. */
function expectPromiseKept({ report }: PilotOutput, measured: Measured): void {
  const best = report.best!;
  const recommended = report.recommended!;
  const costShare = measured.costNanoUsd / measured.costNanoUsdOf(best.model);
  expect(measured.accuracy).toBeGreaterThan(measured.accuracyOf(best.model) - 0.015);
  expect(Math.abs(costShare - recommended.costShare)).toBeLessThan(0.1);
}

const TITLE = isMissing
  ? "a pilot on recordings (skipped: ../shared/data/recorded-gsm8k.jsonl or recorded-crux.jsonl is missing)"
  : "a pilot on recordings";

describe.skipIf(isMissing)(TITLE, { timeout: 120_000 }, () => {
  it("finds routes as good as the best model at a fraction of its cost, and they keep the promise on rows it has not seen", async () => {
    const models = [FLASH, MINI, GPT_4O, SONNET, O1_MINI];
    const { rows, fleet: of, ledger } = await start(GSM8K, models);

    const all = await pilot(of, "-o", `${of.dir}/all.yaml`, "--html", `${of.dir}/all.html`, "--svg", `${of.dir}/all.svg`);
    expect(all.sample.asked).toBe(200);
    expect(all.report).toMatchObject({ basis: "gold", rows: 200, leftOutModels: [] });
    expect(ledger().calls).toBe(200 * models.length);
    expect(all.costNanoUsd).toBe(ledger().costNanoUsd);
    expect(await readFile(`${of.dir}/all.svg`, "utf8")).toMatch(/^<svg[^]*<\/svg>\s*$/);
    expect(await readFile(`${of.dir}/all.html`, "utf8")).toContain("</html>");
    // Right is what the recording's own grader holds right, but for a row here and there.
    const asked = all.sample.lines.map((line) => rows[line - 1]!);
    for (const { model, quality } of all.report.models) {
      const right = asked.filter((row) => isRight(row, model)).length;
      expect(Math.abs(Math.round(quality * 200) - right), model).toBeLessThanOrEqual(3);
    }
    expect(all.report.recommended!.costShare).toBeLessThan(0.5);
    expectPromiseKept(all, await runRest(of, rows, { batch: "all", sample: all.sample }));

    // The same rows were asked before: nothing is called again, whichever of the models are candidates.
    const before = ledger().calls;
    const some = await pilot(of, "-o", `${of.dir}/some.yaml`, "--models", FLASH, MINI, GPT_4O, SONNET);
    expect(ledger().calls).toBe(before);
    expect(some.costOfThisRunNanoUsd).toBe(0);
    expect(some.report.models.map(({ model }) => model)).not.toContain(O1_MINI);
    expect(some.report.recommended!.costShare).toBeLessThanOrEqual(1);
    expectPromiseKept(some, await runRest(of, rows, { batch: "some", sample: some.sample }));
  });

  it("recommends one model alone where no cascade is as good, and says what less quality would save", async () => {
    const models = [FLASH, MINI, GPT_4O, SONNET, O1_MINI];
    const { rows, fleet: of } = await start(CRUX, models);
    const found = await pilot(of, "-o", `${of.dir}/alone.yaml`);
    const { recommended, lowered, nearest, reasons } = found.report;
    expect(recommended!.steps).toEqual([{ models: [O1_MINI] }]);
    expect((lowered ?? nearest)!.steps.at(-1)).toEqual({ models: [O1_MINI] });
    expect(reasons.join("\n")).toMatch(/o1-mini alone[^]*1\.5 points lower would save/);
    expectPromiseKept(found, await runRest(of, rows, { batch: "alone", sample: found.sample }));
  });

  it("stops at its cap with the same rows asked of every model, and goes on from there with a higher one", async () => {
    const models = [FLASH, MINI, GPT_4O];
    const { fleet: of, ledger } = await start(GSM8K, models);
    const args = ["--gold", "answer", "--sample", "60"];
    const capped = await command(of, ...args, "--max-cost", "0.05").result;
    expect(capped.code, capped.stderr).toBe(1);
    expect(capped.stderr).toContain("stopped by --max-cost");
    const { costNanoUsd, report, isCapped } = JSON.parse(capped.stdout) as PilotOutput & { isCapped: boolean };
    expect(isCapped).toBe(true);
    expect(costNanoUsd).toBe(ledger().costNanoUsd);
    expect(costNanoUsd).toBeLessThan(0.055 * 1e9);
    expect(report.rows).toBeGreaterThan(8);
    expect(ledger().calls).toBe(report.rows * models.length);

    const whole = await pilot(of, "--sample", "60", "--max-cost", "1");
    expect(whole.report.rows).toBe(60);
    expect(ledger().calls).toBe(60 * models.length);
    expect(whole.costNanoUsd).toBe(ledger().costNanoUsd);
  });

  it("goes on after Ctrl-C without asking anything twice", async () => {
    const models = [FLASH, MINI, SONNET];
    const { fleet: of, ledger } = await start(GSM8K, models);
    of.simulator.setFault({ vendor: "anthropic", fault: "slow", delayMs: 500 });
    const first = command(of, "--gold", "answer", "--sample", "80");
    await until("a part of the answers", () => ledger().calls > 100);
    first.child.kill("SIGINT");
    const { code, stderr } = await first.result;
    expect(code, stderr).toBe(130);
    expect(stderr).toContain("The same command again goes on");
    of.simulator.clearFaults();
    const whole = await pilot(of, "--sample", "80");
    expect(whole.report.rows).toBe(80);
    expect(ledger().calls).toBe(80 * models.length);
  });

  it("without gold says that it goes by agreement, and asks models outside of the task's route too", async () => {
    const models = [FLASH, MINI, GPT_4O];
    const { fleet: of } = await start(GSM8K, models, { task: { route: [{ agree: [FLASH, MINI], on: "answer" }] } });
    const { code, stdout, stderr } = await command(of, "--sample", "100", "--models", FLASH, MINI, GPT_4O).result;
    expect(code, stderr).toBe(0);
    expect(stderr).toContain("there is neither a gold answer nor a judge");
    const { report } = JSON.parse(stdout) as PilotOutput;
    expect(report).toMatchObject({ basis: "agreement", rows: 100 });
    expect(report.models).toHaveLength(3);
    expect(report.reasons.join(" ")).toContain("Without gold labels");
  });

  it("has the task's judge say what is right where there is no gold, and keeps the judge's cost apart from the models'", async () => {
    const models = [FLASH, MINI];
    const judge = { model: "bench/wise", rubric: "Is the answer right?", passMark: 5 };
    const { fleet: of, ledger } = await start(GSM8K, models, { task: { judge }, judge: true });
    const { code, stdout, stderr } = await command(of, "--sample", "60").result;
    expect(code, stderr).toBe(0);
    expect(stderr).toContain("what the task's judge passes");
    const { report, costNanoUsd } = JSON.parse(stdout) as PilotOutput;
    expect(report).toMatchObject({ basis: "judge", rows: 60, leftOutRows: 0 });
    expect(report.models.every(({ quality }) => quality > 0 && quality < 1)).toBe(true);
    expect(ledger().calls).toBe(60 * models.length * 2);
    expect(costNanoUsd).toBe(ledger().costNanoUsd);
    const modelsCost = report.models.reduce((sum, model) => sum + 60 * model.costNanoUsd, 0);
    const judgeCost = of.simulator.ledger().vendors["bench"]!.total.costNanoUsd;
    expect(Math.round(modelsCost + judgeCost)).toBe(costNanoUsd);
  });
});

describe("a pilot that can't be", () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "modelfleet-pilot-"));
    const models = { priced: { price: { input: 1, output: 2 } }, unpriced: {} };
    const provider = { kind: "openai", apiKey: "${SIMULATED_KEY}", baseUrl: "http://127.0.0.1:9/v1", models };
    const output = { type: "object", required: ["label"], properties: { label: {}, why: {} } };
    const task = { prompt: { user: "{{ input.text }}, {{ input.label }}" }, output, route: ["a/priced"] };
    await writeFile(join(dir, "fleet.yaml"), JSON.stringify({ providers: { a: provider }, tasks: { sort: task } }));
    await writeFile(join(dir, "in.jsonl"), '{"text":"one","label":"x"}\n');
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  // Neither a Redis nor a vendor is there: it is told before either is asked for.
  it.each([
    ["has no task", "pilot in.jsonl", /which task.*--task/s],
    ["has a model without a price", "pilot in.jsonl --task sort --models a/priced a/unpriced", /no price: a\/unpriced.*price: \{ input/s],
    ["names a model that isn't there", "pilot in.jsonl --task sort --models a/prized", /no model "a\/prized".*did you mean "a\/priced"/is],
    [
      "names a gold field that isn't there",
      "pilot in.jsonl --task sort --gold truth",
      /no row has the field "truth".*line 1 has text, label/s,
    ],
    ["compares a field that isn't there", "pilot in.jsonl --task sort --gold label --answer lable", /no such field.*label, why/s],
    ["would show its models the right answer", "pilot in.jsonl --task sort --gold label", /label.*takes it out of the rows/s],
    ["has a data class that isn't there", "pilot in.jsonl --task sort --data-class pii", /data class "pii" is not configured/],
    ["has a floor above 1", "pilot in.jsonl --task sort --floor 95", /--floor takes a share/],
    ["would write over its input", "pilot in.jsonl --task sort -o in.jsonl", /in\.jsonl is the input/],
  ])("because it %s says so, and ends with 2", async (_why, args, said) => {
    const closed = `redis://127.0.0.1:${await freePort()}`;
    const { code, stdout, stderr } = await runCommand(args.split(" "), {
      cwd: dir,
      environment: { REDIS_URL: closed, MODELFLEET_DATA: dir },
    });
    expect({ code, stdout }, stderr).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(said);
  });
});
