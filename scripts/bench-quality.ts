// npm run bench:quality: what checks, escalation and agreement do for accuracy and cost, and what routing and checks cost the pipeline; each compared side by
// side in one run.

import { Command } from "commander";
import { StoppedError, UsageError } from "../src/job/errors.ts";
import { listenForShutdown } from "../src/runtime/shutdown.ts";
import { answersData, benchAnswers, renderAnswers } from "./bench-quality-answers.ts";
import { benchQualityFlow } from "./bench-quality-flow.ts";
import { comparisonData, renderComparison } from "./bench-report.ts";
import { openStage, type Stage } from "./bench-stage.ts";
import { reportError, say } from "./terminal.ts";

const PARTS = ["answers", "flow"] as const;

interface Options {
  readonly quick?: boolean;
  readonly only?: readonly string[];
  readonly profile?: string;
}

const FULL = { every: 1, jobs: 8_000, rounds: 5 };
const QUICK = { every: 10, jobs: 2_000, rounds: 2 };

const program = new Command("bench:quality")
  .description(
    "accuracy and cost of cascades on banking77, and the pipeline's rate with and without routing; tables, then one line of JSON",
  )
  .option("--quick", "a tenth of the rows, fewer jobs and rounds: about a minute")
  .option("--only <part...>", `of ${PARTS.join(", ")}`)
  .option("--profile <folder>", "have every process of the pipeline write a CPU profile there");

try {
  await bench(program.parse().opts<Options>());
} catch (error) {
  process.exitCode = reportError(error);
}

async function bench({ quick, only, profile }: Options): Promise<void> {
  const unknown = only?.find((part) => !(PARTS as readonly string[]).includes(part));
  if (unknown !== undefined) throw new UsageError(`there is no part "${unknown}"`, `Its parts are: ${PARTS.join(", ")}.`);
  const scale = quick ? QUICK : FULL;
  const isChosen = (part: (typeof PARTS)[number]) => only === undefined || only.includes(part);
  const shutdown = listenForShutdown(() => say("stopping"));
  const onStage = async <Result>(play: (stage: Stage) => Promise<Result>): Promise<Result> => {
    const stage = await openStage({ signal: shutdown.signal, profileDir: profile });
    try {
      return await play(stage);
    } finally {
      await stage.stop();
    }
  };
  const found: Record<string, object> = {};
  try {
    if (isChosen("answers")) {
      const played = await onStage((stage) => benchAnswers(stage, scale));
      found["answers"] = answersData(played);
      process.stdout.write(`\n${renderAnswers(played)}\n\n`);
    }
    if (isChosen("flow")) {
      say("measuring: the pipeline …");
      const comparison = await onStage((stage) => benchQualityFlow(stage, scale));
      found["flow"] = comparisonData(comparison);
      process.stdout.write(`\n${renderComparison(comparison)}\n\n`);
    }
    process.stdout.write(`${JSON.stringify({ bench: "quality", parts: found })}\n`);
  } catch (error) {
    if (!shutdown.signal.aborted) throw error;
    throw new StoppedError("interrupted", undefined, { cause: error });
  } finally {
    shutdown.dispose();
  }
}
