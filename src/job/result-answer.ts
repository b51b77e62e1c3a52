// What a result says of its answer: the answer itself, and the call that gave it.

import type { JsonValue } from "./json.ts";
import type { AnsweredResult, Result } from "./result.ts";
import type { TrailEntry } from "./trail.ts";

/** The answer itself: parsed where the task has an output schema (it may then be null), else the text. */
export function outputOf({ answer }: AnsweredResult): JsonValue {
  return answer.json === undefined ? answer.text : answer.json;
}

/** The call whose answer is the result's: the last one of its model that answered, and was asked for an answer. */
export function answeringCall(result: Result): TrailEntry | undefined {
  if (result.status !== "answered") return undefined;
  const { model, trail } = result;
  return trail.findLast((entry) => entry.model === model && entry.outcome === "answered" && isForAnswer(entry));
}

/** Asked for an answer, a first one or a mended one: what checks look at. */
export function isForAnswer({ purpose }: Pick<TrailEntry, "purpose">): boolean {
  return purpose === "answer" || purpose === "agree" || purpose === "repair";
}
