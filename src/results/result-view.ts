// A result as people and other programs see it: the fields of an output line, derived once for all formats.

import type { JsonValue } from "../job/json.ts";
import type { AnsweredResult, Result } from "../job/result.ts";
import { totalCostNanoUsd, type TrailEntry } from "../job/trail.ts";

/** The answer itself: parsed where the task has an output schema, else the text. */
export function outputOf(result: AnsweredResult): JsonValue {
  const { json, text } = result.answer;
  return json === undefined ? text : json;
}

/** All the row's calls together, failed ones included, in dollars. A double holds nano-dollars exactly up to a million dollars. */
export function costUsdOf(result: Result): number {
  return totalCostNanoUsd(result.trail) / 1e9;
}

/** The call that answered: the last one of the result's model that did. */
export function answeringCall(result: AnsweredResult): TrailEntry | undefined {
  return result.trail.findLast((entry) => entry.model === result.model && entry.outcome === "answered") ?? result.trail.at(-1);
}

/** The trail in short: what an error line shows of each call. */
export function shortTrail(result: Result) {
  return result.trail.map(({ model, outcome, reason }) => ({ model, outcome, ...(reason === undefined ? {} : { reason }) }));
}
