// Accuracy, cost, calls and latency of the ways to use cheap and strong models, measured over the wire beside what the stated figures come to: banking77 through
// one fleet, one batch for each way, one after the other.

import { spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { StoppedError } from "../src/job/errors.ts";
import { formatUsd } from "../src/report/format.ts";
import { createFileStore } from "../src/results/files/file-store.ts";
import { childEnvironment } from "../src/runtime/environment.ts";
import { createSimulator } from "../src/simulator/simulator.ts";
import { measure, standardError, type Measured } from "./bench-quality-measure.ts";
import { expectedCostShare, qualityContenders, qualityFleet, qualityVendors, type QualityContender } from "./bench-quality-scene.ts";
import { renderTable } from "./bench-report.ts";
import { API_KEY } from "./bench-rows.ts";
import { API_KEY_VALUE, type Stage } from "./bench-stage.ts";
import { say } from "./terminal.ts";

const CLI = resolve(import.meta.dirname, "modelfleet.ts");
const DATA = resolve(import.meta.dirname, "../../shared/data");

export interface Played {
  readonly contender: QualityContender;
  readonly measured: Measured;
}

/** Every `every`-th row of the data. @throws StoppedError where the data is missing, or a run fails. */
export async function benchAnswers(stage: Stage, { every }: { readonly every: number }): Promise<readonly Played[]> {
  const file = join(DATA, "banking77.jsonl");
  if (!existsSync(file)) throw new StoppedError(`there is no ${file}`, "This part needs the banking77 data beside the checkout.");
  const labels = JSON.parse(await readFile(join(DATA, "banking77.labels.json"), "utf8")) as string[];
  const lines = (await readFile(file, "utf8"))
    .trim()
    .split("\n")
    .filter((_, i) => i % every === 0);
  const right = lines.map((line) => (JSON.parse(line) as { label: string }).label);
  const simulator = createSimulator({ ...qualityVendors({ file, labels }), port: 0 });
  const store = createFileStore({ dir: join(stage.dir, "store") });
  try {
    const { url } = await simulator.start();
    const { providers, tasks } = qualityFleet({ url, labels, apiKey: API_KEY });
    const config = await stage.file(
      "fleet.yaml",
      JSON.stringify({ providers, tasks, redis: { url: stage.redisUrl }, store: { dir: join(stage.dir, "store") } }),
    );
    const rows = join(stage.dir, "rows.jsonl");
    await writeFile(rows, `${lines.join("\n")}\n`);
    const played: Played[] = [];
    let booked = 0;
    for (const contender of qualityContenders(labels.length)) {
      say(`playing: ${contender.title} …`);
      await runBatch(stage, { config, rows, task: contender.task });
      const measured = await measure(store.read(contender.task), right);
      const { costNanoUsd } = simulator.ledger().total;
      if (costNanoUsd - booked !== measured.costNanoUsd)
        throw new Error(`${contender.title}: the vendors booked ${costNanoUsd - booked} nano-dollars, the fleet ${measured.costNanoUsd}`);
      booked = costNanoUsd;
      played.push({ contender, measured });
    }
    return played;
  } finally {
    await store.stop();
    await simulator.stop();
  }
}

async function runBatch(
  stage: Stage,
  { config, rows, task }: { readonly config: string; readonly rows: string; readonly task: string },
): Promise<void> {
  const output = join(stage.dir, `${task}.jsonl`);
  const child = spawn(process.execPath, [CLI, "run", rows, "--task", task, "--batch", task, "-o", output, "--config", config], {
    cwd: stage.dir,
    env: childEnvironment({
      REDIS_URL: stage.redisUrl,
      MODELFLEET_DATA: stage.dir,
      LOG_LEVEL: "error",
      NODE_NO_WARNINGS: "1",
      [API_KEY]: API_KEY_VALUE,
    }),
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = new Promise<number | null>((done) => child.once("close", done));
  const said = await text(child.stderr);
  const code = await ended;
  if (code !== 0) throw new StoppedError(`the run of "${task}" ended with ${String(code)}`, said.trim().slice(-1_000));
}

/** The first one, the best alone, is what costs are shares of. */
export function renderAnswers(played: readonly Played[]): string {
  const base = played[0]!.measured;
  const rows = played.map(({ contender, measured }) => {
    const { accuracy, costNanoUsd, callsPerRow, medianMs } = measured;
    const { expected } = contender;
    return [
      contender.title,
      percent(accuracy),
      `${percent(expected.accuracy)} ± ${percent(2 * standardError(expected.accuracy, measured.rows))}`,
      formatUsd(costNanoUsd),
      percent(costNanoUsd / base.costNanoUsd),
      percent(expectedCostShare(contender)),
      callsPerRow.toFixed(2),
      `${Math.round(medianMs)} ms`,
      "",
    ];
  });
  const heading = ["", "right", "by arithmetic", "cost", "of best", "by prices", "calls/row", "p50", ""];
  return `banking77, ${base.rows.toLocaleString("en")} rows, models of stated accuracies\n${renderTable([heading, ...rows])}`;
}

export function answersData(played: readonly Played[]): object {
  return played.map(({ contender, measured }) => ({
    task: contender.task,
    ...measured,
    expectedAccuracy: contender.expected.accuracy,
    costShare: measured.costNanoUsd / played[0]!.measured.costNanoUsd,
    expectedCostShare: expectedCostShare(contender),
  }));
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
