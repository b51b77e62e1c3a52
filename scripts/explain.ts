// modelfleet explain: which model would a row be given, and why? Nothing is called and nothing is enqueued.

import { text } from "node:stream/consumers";
import type { Command } from "commander";
import { isObject, parseJsonObject } from "../src/intake/json-object.ts";
import { createInputValidator } from "../src/intake/validate.ts";
import { UsageError } from "../src/job/errors.ts";
import type { Job } from "../src/job/job.ts";
import type { JsonObject } from "../src/job/json.ts";
import { freshProgress } from "../src/job/progress.ts";
import { routeModels, type TaskSpec } from "../src/job/task.ts";
import { analyse } from "../src/routing/analyse.ts";
import { explainRoute } from "../src/routing/explain-route.ts";
import { needsOf } from "../src/routing/needs.ts";
import { systemClock } from "../src/runtime/clock.ts";
import { configOption } from "./batch-options.ts";
import { renderExplanation } from "./explain-text.ts";
import { openExplainView } from "./explain-view.ts";
import { requireTask } from "./job-input.ts";
import { loadCommandFleet } from "./open-fleet.ts";
import { parseTerms, type TermOptions } from "./row-terms.ts";
import { say } from "./terminal.ts";

interface Options extends Omit<TermOptions, "tag"> {
  readonly config?: string;
  readonly task?: string;
  readonly json?: boolean;
}

/** Rows are split between models by batch and number (strategy `weighted`): the one explained is the first of a batch of this name. */
const PLACE = { batch: "explain", row: 0 } as const;

export function registerExplain(program: Command): void {
  configOption(program.command("explain <row>"))
    .description("which model would a row be given, and why: a JSON object, or - for standard input")
    .option("-t, --task <name>", "the task type of the row (required)")
    .option("--data-class <name>", "the class of the row's data: only models that may see it are called")
    .option("--allow <model...>", "the only models that may be called")
    .option("--deny <model...>", "models that may not be called")
    .option("--json", "as JSON on standard output")
    .addHelpText("after", `\nExample:\n  modelfleet explain --task classify '{"text": "Where is my parcel?"}'`)
    .action(async (row: string, options: Options) => {
      process.exitCode = await explain(row, options);
    });
}

/** 0: a model would take the row, now or later. 1: none ever would. */
async function explain(row: string, options: Options): Promise<number> {
  const fleet = await loadCommandFleet(options);
  const task = requireTask(fleet, options.task);
  const terms = parseTerms(options, fleet);
  const job: Job = { ...PLACE, task: task.name, ...toRow(row === "-" ? await text(process.stdin) : row, task), ...terms };
  const models = [
    ...routeModels(task.route),
    ...(task.judge?.models ?? []),
    ...(task.analyse?.kind === "model" ? [task.analyse.model] : []),
  ];
  const opened = await openExplainView(fleet, task, models);
  try {
    const needs = needsOf(job, task);
    const analysis = analyse(job, task, needs.inputTokens);
    const progress = freshProgress(systemClock.now());
    const explained = explainRoute({ task, job, progress, needs, analysis }, opened.view);
    if (opened.whyBlind !== undefined) {
      say(`by the configuration alone: ${opened.whyBlind}, so nothing is known of waits, breakers and past calls`);
    }
    if (task.analyse?.kind === "model") say(`the complexity here is by the rules: in the fleet ${task.analyse.model} is asked`);
    const { whyBlind } = opened;
    const data = { ...explained, isLive: whyBlind === undefined, ...(whyBlind === undefined ? {} : { whyBlind }) };
    process.stdout.write(options.json ? `${JSON.stringify(data, undefined, 2)}\n` : renderExplanation(explained));
    return explained.binding.kind === "dead" ? 1 : 0;
  } finally {
    await opened.close();
  }
}

/** A row of the task's own, or an OpenAI body, alone or as an OpenAI-batch line has it. @throws UsageError for what would end as bad input. */
function toRow(json: string, task: TaskSpec): Pick<Job, "input" | "body"> {
  const parsed = parseJsonObject(Buffer.from(json.trim()));
  if ("reason" in parsed) throw new UsageError(`this is no row: ${parsed.reason}`, `Give a JSON object, such as '{"text": "…"}'.`);
  const { object } = parsed;
  const body = bodyOf(object, task);
  if (body) return { input: {}, body };
  if (!task.prompt) {
    throw new UsageError(`the task "${task.name}" has no prompt, so it takes OpenAI bodies only`, `Give one: '{"messages": [ … ]}'.`);
  }
  const wrong = task.input === undefined ? undefined : createInputValidator(task.input)(object);
  if (wrong !== undefined) throw new UsageError(`the row doesn't fit the input schema of "${task.name}": ${wrong}`);
  return { input: object };
}

function bodyOf(object: JsonObject, task: TaskSpec): JsonObject | undefined {
  const { body } = object;
  if ("custom_id" in object && isObject(body) && Array.isArray(body["messages"])) return body;
  return !task.prompt && Array.isArray(object["messages"]) ? object : undefined;
}
