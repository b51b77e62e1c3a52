// What a pilot's models said, from the store: each result as an answer to be compared, with its verdict and its cost.

import type { JsonValue } from "../src/job/json.ts";
import type { ModelId } from "../src/job/names.ts";
import type { Result } from "../src/job/result.ts";
import { comparable, sameValue } from "../src/job/same-answer.ts";
import { totalCostNanoUsd, type TrailEntry } from "../src/job/trail.ts";
import type { Basis, PilotAnswer } from "../src/pilot/pilot.ts";
import type { Store } from "../src/results/store.ts";
import type { Trial } from "./pilot-trial.ts";

/** How answers are compared, and by what they are right. */
export interface Comparing {
  readonly basis: Basis;
  /** The field of the JSON answer; absent: the whole answer. */
  readonly field?: string | undefined;
  /** By row of the batch. */
  readonly gold: (row: number) => JsonValue | undefined;
}

/** What the store has of one model's batch. */
export interface TrialAnswers {
  /** By row of the batch; a row is missing where the model could not be asked, or its answer got no verdict. */
  readonly answers: ReadonlyMap<number, PilotAnswer>;
  /** Rows with a result, and those of them that are to be asked once more. */
  readonly endedRows: number;
  readonly unaskedRows: number;
  /** Why rows brought no answer, each reason with its count. */
  readonly gaps: ReadonlyMap<string, number>;
  /** Of all calls, the judge's too. */
  readonly costNanoUsd: number;
}

/** Errors that say nothing of the model: it was never asked, or not to the end. A pilot that is repeated asks again. */
const NOT_ASKED: ReadonlySet<string> = new Set(["cancelled", "patience", "expired", "lost", "crashed", "no-model"]);

export function isUnasked(result: Result): boolean {
  return result.status === "error" && NOT_ASKED.has(result.error.code);
}

export async function readTrial(
  store: Store,
  { batch, model }: Pick<Trial, "batch" | "model">,
  comparing: Comparing,
): Promise<TrialAnswers> {
  const answers = new Map<number, PilotAnswer>();
  const gaps = new Map<string, number>();
  let endedRows = 0;
  let unaskedRows = 0;
  let costNanoUsd = 0;
  for await (const result of store.read(batch)) {
    costNanoUsd += totalCostNanoUsd(result.trail);
    endedRows++;
    if (isUnasked(result)) unaskedRows++;
    const answer = toPilotAnswer(result, model.id, comparing);
    if (answer) answers.set(result.row, answer);
    else if (result.status === "error") gaps.set(reasonOf(result.error), (gaps.get(reasonOf(result.error)) ?? 0) + 1);
  }
  return { answers, endedRows, unaskedRows, gaps, costNanoUsd };
}

/** Undefined where the result says nothing of the model's answer. */
export function toPilotAnswer(result: Result, model: ModelId, { basis, field, gold }: Comparing): PilotAnswer | undefined {
  const calls = result.trail.filter((call) => call.purpose !== "judge" && call.model === model);
  const last = calls.at(-1);
  if (!last) return undefined;
  const measured = {
    costNanoUsd: totalCostNanoUsd(calls),
    latencyMs: latencyOf(calls),
    ...(isRepaired(calls) ? { isRepaired: true as const } : {}),
  };
  if (last.outcome === "unfit" || last.outcome === "refused") {
    return { value: undefined, passed: false, ...(basis === "agreement" ? {} : { correct: false }), ...measured };
  }
  if (result.status === "answered" && result.model === model) {
    const value = comparable(result.answer, field === undefined ? undefined : [field]);
    if (basis === "agreement") return { value, passed: true, ...measured };
    const correct = basis === "judge" || sameAsGold(result, field, gold(result.row));
    return { value, passed: true, correct, ...measured };
  }
  // A judge's low score ends the row without an answer. Those that weren't kept are taken for the same in one row: a cascade that rests on agreement would be
  // flattered if it never agreed on what is wrong.
  const isJudgedWrong = result.status === "error" && result.error.code === "unfit" && last.outcome === "answered";
  if (!isJudgedWrong) return undefined;
  const value = result.unpassed ? comparable(result.unpassed, field === undefined ? undefined : [field]) : JUDGED_WRONG;
  return { value, passed: true, correct: false, ...measured };
}

/** A repair comes on top of the answer that it mends; of calls that were made again the last one counts. */
function latencyOf(calls: readonly TrailEntry[]): number {
  const [repair, answer] = [calls.findLast(({ purpose }) => purpose === "repair"), calls.findLast(({ purpose }) => purpose !== "repair")];
  return (repair?.latencyMs ?? 0) + (answer?.latencyMs ?? 0);
}

function isRepaired(calls: readonly TrailEntry[]): boolean {
  const repairAt = calls.findIndex(({ purpose }) => purpose === "repair");
  return repairAt > 0 && calls[repairAt - 1]!.outcome === "unfit";
}

/** No canonical text of an answer: those have no such character but between fields. */
const JUDGED_WRONG = "\u0000judged wrong";

function sameAsGold({ answer }: Extract<Result, { status: "answered" }>, field: string | undefined, gold: JsonValue | undefined): boolean {
  if (gold === undefined) return false;
  const said = field === undefined ? (answer.json ?? answer.text) : fieldOf(answer.json, field.split("."));
  return said !== undefined && sameValue(said, gold);
}

function fieldOf(value: JsonValue | undefined, [name, ...rest]: readonly string[]): JsonValue | undefined {
  if (name === undefined || value === undefined) return value;
  if (typeof value !== "object" || value === null || Array.isArray(value) || !Object.hasOwn(value, name)) return undefined;
  return fieldOf((value as Readonly<Record<string, JsonValue>>)[name], rest);
}

function reasonOf({ code, message }: { readonly code: string; readonly message: string }): string {
  return code === "cancelled" ? "cancelled" : `${code}: ${message.length > 160 ? `${message.slice(0, 159)}…` : message}`;
}
