// What a pilot will cost, roughly, told before anything is called: prompts are counted, the length of answers is a guess.

import { callCostNanoUsd } from "../src/cost/call-cost.ts";
import { UsageError } from "../src/job/errors.ts";
import type { JsonObject, JsonValue } from "../src/job/json.ts";
import type { ModelSpec } from "../src/job/model.ts";
import { NO_USAGE } from "../src/job/usage.ts";
import type { TaskSpec } from "../src/job/task.ts";
import { createPrompt } from "../src/prompt/prompt.ts";
import { createTokenEstimator, type TokenEstimate } from "../src/prompt/token-estimate.ts";
import type { SampledRow } from "./pilot-sample.ts";

export interface AskedModel {
  readonly model: ModelSpec;
  /** Rows that are still to be asked. */
  readonly rows: number;
}

/** What a judge is told beside the task and the answer, and what it says: tokens. */
const JUDGE_FRAME_TOKENS = 250;
const VERDICT_TOKENS = 80;
const CHARACTERS_PER_TOKEN = 4;
/** Some three sentences, for each field of the output that may hold any text: models that are asked for reasons give them. */
const FREE_FIELD_TOKENS = 64;

/**
 * Of all models together, in nano-dollars. `judge`: reads every answer. @throws UsageError when the prompt can't be made of a row, which would fail
 * the same way in every model.
 */
export async function estimateCostNanoUsd(
  task: TaskSpec,
  rows: readonly SampledRow[],
  {
    asked,
    judge,
    gold,
  }: { readonly asked: readonly AskedModel[]; readonly judge?: ModelSpec | undefined; readonly gold?: string | undefined },
): Promise<number> {
  const { inputTokens, outputTokens } = await meanTokens(task, rows, gold);
  const costOf = (model: ModelSpec, input: number, output: number) =>
    callCostNanoUsd({ ...NO_USAGE, inputTokens: Math.round(input), outputTokens: Math.round(output) }, model.price);
  const rubricTokens = (task.judge?.rubric.length ?? 0) / CHARACTERS_PER_TOKEN;
  return asked.reduce((sum, { model, rows: count }) => {
    const answer = costOf(model, inputTokens, Math.min(outputTokens, model.maxOutputTokens));
    const verdict = judge ? costOf(judge, inputTokens + outputTokens + rubricTokens + JUDGE_FRAME_TOKENS, VERDICT_TOKENS) : 0;
    return sum + count * (answer + verdict);
  }, 0);
}

async function meanTokens(
  task: TaskSpec,
  rows: readonly SampledRow[],
  gold: string | undefined,
): Promise<Pick<TokenEstimate, "inputTokens" | "outputTokens">> {
  const prompt = createPrompt(task);
  const estimator = await createTokenEstimator();
  let inputTokens = 0;
  let outputTokens = 0;
  let unaskable = "";
  let asked = 0;
  for (const { row } of rows) {
    const { input, id, body } = row;
    const label = id === undefined ? {} : { id };
    const made = prompt.request({ batch: "pilot", row: row.row, task: task.name, input, ...label, ...(body ? { body } : {}) });
    if (made.kind === "invalid") {
      unaskable ||= `line ${row.line}: ${made.reason}`;
      continue;
    }
    const estimate = estimator.estimate(made.request);
    inputTokens += estimate.inputTokens;
    outputTokens += estimate.outputTokens;
    asked++;
  }
  if (asked > 0) return { inputTokens: inputTokens / asked, outputTokens: outputTokens / asked + FREE_FIELD_TOKENS * freeFields(task) };
  throw new UsageError(
    `no row of the sample can be asked: ${unaskable}`,
    gold === undefined
      ? undefined
      : `The field "${gold}" holds the right answers, so a pilot takes it out of the rows: a prompt can't show it.`,
  );
}

function freeFields({ output }: TaskSpec): number {
  const properties = typeof output === "object" ? output["properties"] : undefined;
  if (typeof properties !== "object" || properties === null) return 0;
  return Object.values(properties).filter(isFree).length;
}

function isFree(schema: JsonValue): boolean {
  if (typeof schema !== "object" || schema === null || Array.isArray(schema)) return true;
  const { type = "string", ...rest } = schema as JsonObject;
  return type === "string" && !["enum", "const", "maxLength", "format"].some((keyword) => keyword in rest);
}
