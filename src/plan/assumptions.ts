// What a plan supposes of calls that were never made: wide ranges, in which the truth should lie, and a middle.

import type { JsonSchema } from "../job/json.ts";
import type { ModelSpec } from "../job/model.ts";
import type { TaskSpec } from "../job/task.ts";
import { rangeOf, type Range } from "./plan.ts";

/** Means over the rows. */
export interface AssumedOutput {
  /** As the estimator has it: by the schema, or for free text. */
  readonly outputTokens: number;
  /** The requests' own limit, where they have one. */
  readonly maxOutputTokens: number | undefined;
  /** Answers that a request asks for; absent: one. */
  readonly answers?: number;
}

/** The vendor's tokens for each one counted here: tokenizers differ, some put words around a prompt, some don't count the schema (much of a short request). */
export const ASSUMED_INPUT: Range = { low: 0.25, expected: 1, high: 2 };
/** From every answer taken to none, which leads on to the last step of the route. */
export const ASSUMED_PASS: Range = { low: 1, expected: 1, high: 0 };
export const ASSUMED_AGREEMENT: Range = { low: 1, expected: 0.8, high: 0 };
/** Of answers that have passed their checks. */
export const ASSUMED_JUDGEMENT: Range = { low: 1, expected: 0.9, high: 0.4 };
/** A judge's verdict, and the word of who is asked for the complexity. */
export const ASSUMED_SIDE_OUTPUT: Range = { low: 15, expected: 80, high: 400 };

/** Without a limit of the request's own answers are supposed to be no longer. */
export const LONGEST_ASSUMED = 2_048;
/** A word. */
const SHORTEST_TEXT = 1;
const TOKENS_PER_PROPERTY = 3;
const BRACES = 1;
/** Models answer the same question at lengths that differ by as much. */
const LIKE_OTHERS: Range = { low: 0.33, expected: 1, high: 3 };

/** `others`: the mean of the task's models that were seen. */
export function assumeOutput(
  model: ModelSpec | undefined,
  { output }: Pick<TaskSpec, "output">,
  { outputTokens, maxOutputTokens, answers = 1, others }: AssumedOutput & { readonly others?: number | undefined },
): Range {
  const high = longestAnswer(model, maxOutputTokens ?? answers * LONGEST_ASSUMED, answers);
  const within = (tokens: number) => Math.min(tokens, high);
  if (others !== undefined) return rangeOf((level) => within(others * LIKE_OTHERS[level]));
  const low = output === undefined ? SHORTEST_TEXT : BRACES + TOKENS_PER_PROPERTY * propertiesOf(output);
  return { low: Math.min(low, within(outputTokens)), expected: within(outputTokens), high };
}

/** Of `answers` to one request together; so is `limit`. */
export function longestAnswer(model: ModelSpec | undefined, limit: number | undefined, answers = 1): number {
  return Math.min(limit ?? Number.POSITIVE_INFINITY, answers * (model?.maxOutputTokens ?? LONGEST_ASSUMED));
}

/** Medians, before a call was seen. */
export const ASSUMED_LATENCY_MS: Readonly<Record<ModelSpec["tier"], number>> = { fast: 800, standard: 1_500, premium: 3_000 };
/** Small answers of fast vendors come within milliseconds, reasoning takes a minute. */
export const ASSUMED_LATENCY: Range = { low: 0.01, expected: 1, high: 10 };

function propertiesOf(schema: JsonSchema): number {
  if (typeof schema !== "object") return 1;
  const { required, properties } = schema;
  if (Array.isArray(required)) return Math.max(1, required.length);
  return typeof properties === "object" && properties !== null ? Math.max(1, Object.keys(properties).length) : 1;
}
