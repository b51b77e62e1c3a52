// modelfleet plan: what a file's rows will take, before anything is spent: calls, tokens, cost and time, by the task's route and by what it could have instead.
//
// history (former runs and trials in the store; what the fleet has learned; --sample asks some rows now) → the file's rows → figures → table or JSON.

import { Option, type Command } from "commander";
import type { Fleet } from "../src/config/fleet.ts";
import type { RowFormat } from "../src/intake/row.ts";
import { StoppedError, UsageError } from "../src/job/errors.ts";
import type { TaskSpec } from "../src/job/task.ts";
import { openStore } from "../src/results/open-store.ts";
import type { FormerRun } from "../src/plan/former-run.ts";
import { NO_TRIALS, type Trials } from "../src/plan/trials.ts";
import { makePlan } from "../src/plan/make-plan.ts";
import { configOption } from "./batch-options.ts";
import { endWhenInterrupted } from "./end-when-interrupted.ts";
import { FORMATS, openInput, requireTask } from "./job-input.ts";
import { loadCommandFleet } from "./open-fleet.ts";
import { namedModels } from "./pilot-candidates.ts";
import { readFormerRuns } from "./plan-former.ts";
import { readLearned } from "./plan-learned.ts";
import { findTrials } from "./plan-trials.ts";
import { renderPlan } from "./plan-print.ts";
import { askSample } from "./plan-sample.ts";
import { parseTerms, type TermOptions } from "./row-terms.ts";
import { say } from "./terminal.ts";

interface Options extends Pick<TermOptions, "dataClass" | "allow" | "deny"> {
  readonly config?: string;
  readonly task?: string;
  readonly sample?: string;
  readonly baseline?: string;
  readonly format?: RowFormat;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  modelfleet plan tickets.jsonl --task classify
  modelfleet plan tickets.jsonl --task classify --sample 200 --baseline openai/gpt-5`;

export function registerPlan(program: Command): void {
  configOption(program.command("plan <file>"))
    .description("what a file's rows (or standard input's: -) will cost and how long they will take, before anything is spent")
    .option("-t, --task <name>", "the task type of the rows (required)")
    .option("--sample <rows>", "ask so many rows of every model compared, for want of a history or for a better one (this costs)")
    .option("--baseline <model>", "compare with this model too: all rows through it alone")
    .addOption(new Option("-f, --format <format>", "the file's format (default: seen from its name and first line)").choices(FORMATS))
    .option("--data-class <name>", "the class of the rows' data: only models that may see it are counted")
    .option("--allow <model...>", "the only models that may be called")
    .option("--deny <model...>", "models that may not be called")
    .option("--json", "as JSON on standard output")
    .addHelpText("after", EXAMPLES)
    .action(async (file: string, options: Options) => {
      process.exitCode = await plan(file, options);
    });
}

/** 0: told. 1: no row can or may be taken by any model of the route. */
async function plan(file: string, options: Options): Promise<number> {
  const size = options.sample === undefined ? undefined : Number(options.sample);
  if (size !== undefined && !(Number.isSafeInteger(size) && size > 0)) {
    throw new UsageError(`--sample takes a number of rows, not "${options.sample}"`);
  }
  const fleet = await loadCommandFleet(options);
  const task = requireTask(fleet, options.task);
  const terms = parseTerms(options, fleet);
  const [baseline] = options.baseline === undefined ? [] : namedModels(fleet, task, [options.baseline]).map(({ id }) => id);
  const input = await openInput(file, task, options.format);
  if (size !== undefined && !input.isFile) {
    throw new UsageError(`--sample needs a file that can be read again, and ${input.name} can't`, "Give the rows as a file.");
  }
  const sample = size === undefined ? undefined : await askSample(fleet, { task, input, terms, size, baseline, config: options.config });
  if (sample === "interrupted") {
    say("interrupted: the answers that are there are kept. The same command again goes on from there.");
    return 130;
  }
  const interruption = endWhenInterrupted("no plan was made");
  try {
    const { whyBlind, ...learned } = await readLearned(fleet, input.derivedBatch);
    if (whyBlind !== undefined) say(`nothing is known of earlier calls: ${whyBlind}`);
    const { trials, former } = await readStore(fleet, task);
    const made = await makePlan({ fleet, task, input, terms, learned, trials: sample ?? trials, former, baseline });
    process.stdout.write(options.json ? `${JSON.stringify(made, undefined, 2)}\n` : renderPlan(made));
    const [own] = made.routes;
    return made.rows.good > 0 && own && own.unableRows >= made.rows.good ? 1 : 0;
  } finally {
    interruption.dispose();
  }
}

/** Whatever becomes of the store, a plan can be made. */
async function readStore(fleet: Fleet, task: TaskSpec): Promise<{ readonly trials: Trials; readonly former: readonly FormerRun[] }> {
  const store = openStore(fleet);
  try {
    return { trials: await findTrials(store, task), former: await readFormerRuns(store, task) };
  } catch (error) {
    if (!(error instanceof StoppedError)) throw error;
    say(`nothing is known of former runs and trials: ${error.message}`);
    return { trials: NO_TRIALS, former: [] };
  } finally {
    await store.stop();
  }
}
