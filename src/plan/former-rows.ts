// Rows of former runs, by the ways they went: each step of a row's trail is counted beside those of other rows that came to it by the same way.

import type { ModelId } from "../job/names.ts";
import type { ErrorCode, Result } from "../job/result.ts";
import type { TrailEntry } from "../job/trail.ts";
import {
  addCalls,
  addSteps,
  callsOf,
  countCall,
  countJudgements,
  isAnswer,
  newStepTally,
  stepKey,
  type CallTally,
  type StepTally,
} from "./step-sums.ts";

export interface FormerRows {
  /** Rows whose calls are in here. */
  rows: number;
  /** By the way ({@link wayKey}) that ends with the step. */
  readonly ways: Map<string, StepTally>;
  /** Of who was asked for the complexity. */
  readonly analyses: Map<ModelId, CallTally>;
}

/** Errors by which a row ends that could have gone on. */
const ENDED: ReadonlySet<string> = new Set<ErrorCode>(["unfit", "refused"]);
/** Errors that say nothing of the way: the row never came to its end. */
const BROKEN_OFF: ReadonlySet<string> = new Set<ErrorCode>(["cancelled", "patience", "expired", "lost", "crashed", "invalid"]);

export function newFormerRows(): FormerRows {
  return { rows: 0, ways: new Map(), analyses: new Map() };
}

export function addFormerRows(to: FormerRows, from: FormerRows): void {
  to.rows += from.rows;
  for (const [way, tally] of from.ways) addSteps(tallyOf(to, way), tally);
  for (const [model, tally] of from.analyses) addCalls(callsOf(to.analyses, model), tally);
}

/** Rows that were never called for say nothing. */
export function countRow(former: FormerRows, result: Result): void {
  if (result.status === "error" && BROKEN_OFF.has(result.error.code)) return;
  const visits = toVisits(result.trail);
  for (const { purpose, calls } of visits) {
    if (purpose === "analyse") for (const call of calls) countCall(callsOf(former.analyses, call.model), call);
  }
  const steps = visits.filter(({ purpose }) => purpose === "answer");
  if (steps.length === 0) return;
  const firstInput = steps[0]?.calls.find(isAnswer)?.usage.inputTokens ?? 0;
  former.rows++;
  let way = "";
  for (const [i, visit] of visits.entries()) {
    if (visit.purpose !== "answer") continue;
    const next = visits.findIndex(({ purpose }, at) => at > i && purpose === "answer");
    way = way === "" ? visit.key : `${way}>${visit.key}`;
    const tally = tallyOf(former, way);
    tally.firstInputTokens += firstInput;
    if (firstInput > 0) tally.firstRows++;
    countStep(tally, visit, {
      following: visits.slice(i + 1, next < 0 ? undefined : next),
      isLast: next < 0,
      isAnswered: result.status === "answered",
      isEnded: result.status === "error" && ENDED.has(result.error.code),
    });
  }
}

/** The calls of one step, or of what came behind it. */
interface Visit {
  readonly purpose: "answer" | "repair" | "judge" | "analyse";
  readonly key: string;
  readonly models: Set<ModelId>;
  readonly calls: TrailEntry[];
}

/** Parts of a step share its hop; a call that is made again may have another one, but who was asked in a step isn't asked in the next. */
function toVisits(trail: readonly TrailEntry[]): readonly Visit[] {
  const visits: { purpose: Visit["purpose"]; hop: string; models: Set<ModelId>; calls: TrailEntry[] }[] = [];
  for (const entry of trail) {
    const purpose = entry.purpose === "agree" ? "answer" : entry.purpose;
    const hop = entry.call.split(".").slice(0, 3).join(".");
    const last = visits.at(-1);
    if (last?.purpose === purpose && last.hop === hop) {
      last.models.add(entry.model);
      last.calls.push(entry);
    } else visits.push({ purpose, hop, models: new Set([entry.model]), calls: [entry] });
  }
  const steps: typeof visits = [];
  for (const visit of visits) {
    const last = steps.at(-1);
    const isAgain = last?.purpose === visit.purpose && Array.from(visit.models).some((model) => last.models.has(model));
    if (!isAgain) steps.push(visit);
    else {
      for (const model of visit.models) last.models.add(model);
      last.calls.push(...visit.calls);
    }
  }
  return steps.map(({ purpose, models, calls }) => ({ purpose, key: stepKey({ models: [...models] }), models, calls }));
}

function countStep(
  tally: StepTally,
  { models, calls }: Visit,
  after: { readonly following: readonly Visit[]; readonly isLast: boolean; readonly isAnswered: boolean; readonly isEnded: boolean },
): void {
  const { following, isLast, isAnswered, isEnded } = after;
  tally.rows++;
  for (const call of calls) countCall(callsOf(tally.models, call.model), call);
  const isWhole = Array.from(models).every((model) => calls.some((call) => call.model === model && isAnswer(call)));
  const repair = following.findIndex(({ purpose }) => purpose === "repair");
  const firstJudge = following.findIndex(({ purpose }) => purpose === "judge");
  const isJudgedFirst = firstJudge >= 0 && (repair < 0 || firstJudge < repair);
  // What a judge looks at has passed its checks, or was agreed upon; so has what ended the row well.
  const isDone = isJudgedFirst || (isLast && isAnswered && repair < 0);
  if (isWhole) {
    tally.answered++;
    if (isDone) tally.done++;
    else if (repair >= 0) tally.repaired++;
    else if (isLast && isEnded) tally.ended++;
  }
  if (repair >= 0 && (following.slice(repair).some(({ purpose }) => purpose === "judge") || (isLast && isAnswered))) tally.repairDone++;
  for (const { purpose, calls: made } of following) {
    if (purpose === "repair") for (const call of made) countCall(tally.repairs, call);
    if (purpose === "judge") countJudgements(tally, made);
  }
}

function tallyOf(former: FormerRows, way: string): StepTally {
  const found = former.ways.get(way) ?? newStepTally();
  former.ways.set(way, found);
  return found;
}
