// Which shares of a step's rows go where: done at first try, repaired, ended, judged well.

import type { Step, TaskSpec } from "../job/task.ts";
import { agreementId } from "../routing/drift.ts";
import type { ModelStats } from "../routing/model-stats.ts";
import type { ModelId } from "../job/names.ts";
import type { FailurePolicy, Known } from "./plan.ts";
import { mayRepair } from "./expect-calls.ts";
import { shareAround } from "./spread.ts";
import type { StepTally } from "./step-sums.ts";
import { ASSUMED_AGREEMENT, ASSUMED_JUDGEMENT, ASSUMED_PASS } from "./assumptions.ts";
import type { SeenStep } from "./evidence.ts";

interface Share {
  readonly rate: number;
  readonly of: number;
}

/** Fewer rows than these say nothing. */
const LEAST_SEEN = 5;
/** So many that came by the same way need no other word. */
const ENOUGH_SEEN = 30;

/** `statsOf`: of a model, or of models that agree. */
export function knowDoneRate(
  { drift, judge, checks }: Pick<TaskSpec, "drift" | "judge" | "checks">,
  step: Step,
  source: {
    readonly seen: SeenStep;
    /** Of rows that came to the step first. */
    readonly first: StepTally | undefined;
    readonly rows: number;
    readonly isLater: boolean;
    readonly statsOf: (id: ModelId) => ModelStats;
  },
): Known & { readonly isUnseen?: true } {
  const { seen, first, rows, isLater, statsOf } = source;
  const isAlone = step.models.length === 1;
  const id = isAlone ? step.models[0]! : agreementId(step.models);
  const { calls, answerRate, passRate } = statsOf(id);
  // Without checks, what was learned to have failed is a judge's word.
  const live: Share = { rate: judge && checks.length === 0 ? 1 : passRate, of: calls * answerRate };
  const own = doneShare(seen.tally);
  const pilot = (isAlone ? drift?.passRates[id] : drift?.agreements[id]) ?? NONE;
  const isOwn = own.of >= ENOUGH_SEEN || (isLater && own.of >= LEAST_SEEN);
  // What is learned holds the former runs' agreements, and not those of trials.
  const found = isOwn ? [own] : [isAlone ? own : pooled(own, live), live, pilot, doneShare(first)];
  const best = found.reduce((most, each) => (each.of > most.of ? each : most));
  if (best.of >= LEAST_SEEN) return shareAround(best.rate, { seen: best.of, rows: Math.max(1, rows), isWithin: isOwn && seen.isWithin });
  return isAlone ? { ...ASSUMED_PASS, isAssumed: true } : { ...ASSUMED_AGREEMENT, isAssumed: true, isUnseen: true };
}

const NONE: Share = { rate: 0, of: 0 };

function doneShare(tally: StepTally | undefined): Share {
  return tally && tally.answered > 0 ? { rate: tally.done / tally.answered, of: tally.answered } : NONE;
}

function pooled(one: Share, other: Share): Share {
  const of = one.of + other.of;
  return of > 0 ? { rate: (one.rate * one.of + other.rate * other.of) / of, of } : NONE;
}

/** What becomes of rows whose answers failed: as it was seen, as far as that was; else by the task's rules. */
export function knowFailures(
  { checks }: Pick<TaskSpec, "checks">,
  step: Step,
  tally: StepTally | undefined,
): Readonly<Record<FailurePolicy, number>> {
  const isAlone = step.models.length === 1;
  const isRepairing = isAlone && checks.some(({ onFail }) => onFail === "repair");
  const isEnding = isAlone && checks.length > 0 && checks.every(({ onFail }) => onFail === "fail");
  const failed = tally ? tally.answered - tally.done : 0;
  if (!tally || failed < LEAST_SEEN) return only(isRepairing ? "repair" : isEnding ? "fail" : "escalate");
  const repair = isRepairing ? tally.repaired / failed : 0;
  // A trial ends its row whatever the check says: it doesn't tell.
  const told = failed - (isRepairing ? tally.repaired : 0) - tally.untold;
  const ended = told >= LEAST_SEEN ? Math.min(1, tally.ended / told) : Number(isEnding);
  const fail = (1 - repair) * ended;
  return { repair, fail, escalate: 1 - repair - fail };
}

function only(policy: FailurePolicy): Readonly<Record<FailurePolicy, number>> {
  return { repair: 0, escalate: 0, fail: 0, [policy]: 1 };
}

/** Of answers that were repaired. */
export function knowRepairDoneRate(task: Pick<TaskSpec, "checks" | "judge">, tally: StepTally | undefined, rows: number): Known {
  const of = tally?.repairs.answers ?? 0;
  if (tally && mayRepair(task) && of >= LEAST_SEEN) return shareAround(Math.min(1, tally.repairDone / of), { seen: of, rows });
  return { ...ASSUMED_PASS, isAssumed: true };
}

/** `scores`: of the step's judged answers, and of all the task's. `live`: of the model whose answers are judged; in its rate failed checks and low scores are one. */
export function knowJudgePassRate(
  { judge, checks }: Pick<TaskSpec, "judge" | "checks">,
  { scores, live, rows }: { readonly scores: readonly (readonly number[])[]; readonly live: ModelStats; readonly rows: number },
): Known {
  const mark = judge?.passMark ?? 0;
  const sample = judge?.sample ?? 0;
  for (const each of scores) {
    const of = each.reduce((sum, count) => sum + count, 0);
    const passed = each.reduce((sum, count, score) => (score >= mark ? sum + count : sum), 0);
    if (of >= LEAST_SEEN) return shareAround(passed / of, { seen: of, rows: Math.max(1, rows * sample) });
  }
  const of = live.calls * live.answerRate;
  if (checks.length === 0 && sample > 0 && of * sample >= LEAST_SEEN) {
    return shareAround(Math.max(0, Math.min(1, (live.passRate - 1 + sample) / sample)), {
      seen: of * sample,
      rows: Math.max(1, rows * sample),
    });
  }
  // Failed checks and low scores are one in what was learned, and stand for the former already.
  return { ...ASSUMED_JUDGEMENT, ...(of >= LEAST_SEEN ? { expected: 1 } : {}), isAssumed: true };
}
