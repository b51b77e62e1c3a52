// Rows that live through a route: the real binder and the real decisions, calls that end as a script has it. What comes of it is the result as the fleet would
// record it, and beside it what happened at each step, noted as it happened.

import type { CallEnvelope, Envelope } from "../../queues/payload.ts";
import type { QueueSet } from "../../queues/queue-set.ts";
import type { OnFail } from "../../src/job/check-spec.ts";
import type { JsonValue } from "../../src/job/json.ts";
import type { ModelId } from "../../src/job/names.ts";
import type { Answer, Outcome } from "../../src/job/outcome.ts";
import { freshProgress } from "../../src/job/progress.ts";
import type { Result } from "../../src/job/result.ts";
import { taskModels, type Step, type TaskSpec } from "../../src/job/task.ts";
import type { TrailEntry } from "../../src/job/trail.ts";
import { NO_USAGE } from "../../src/job/usage.ts";
import { decidePart } from "../../src/routing/decide-part.ts";
import { decideStep } from "../../src/routing/decide.ts";
import type { Part } from "../../src/routing/sorted-parts.ts";
import { createBinder } from "../../workers/binder.ts";
import { purposeOf } from "../../workers/call-request.ts";
import { answered, failed, trailEntry } from "../results/sample-results.ts";
import { jobSpec, modelSpec, viewSpec } from "../routing/specs.ts";
import { usage } from "./row-trail.ts";

/** How a call ends. `x` and `y` are answers that differ. */
export const ENDINGS = ["x", "y", "repair", "escalate", "fail", "cut-off", "context", "lost", "transient", "refused", "filtered"] as const;
export type CallEnding = (typeof ENDINGS)[number] | "throttled";

export interface ScriptedCall {
  readonly ending: CallEnding;
  /** Of a judge. */
  readonly score: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly latencyMs: number;
}

/** What happened to a row at a step that was to answer it. */
export interface LivedStep {
  readonly models: readonly ModelId[];
  readonly calls: TrailEntry[];
  /** All of its models brought something that was paid. */
  isAnswered: boolean;
  /** By the first answers: it was the row's, or a judge had it. */
  isDone: boolean;
  isRepairAsked: boolean;
  isRepairDone: boolean;
  /** The row ended here without. */
  isEnded: boolean;
  readonly repairs: TrailEntry[];
  readonly judgements: TrailEntry[];
}

export interface RowLife {
  readonly result: Result;
  readonly steps: readonly LivedStep[];
  readonly analyses: readonly TrailEntry[];
}

const LAST_WORDS: ReadonlySet<TrailEntry["outcome"]> = new Set(["answered", "unfit", "refused"]);

export async function liveRow(
  row: number,
  { task, isJudged, script }: { readonly task: TaskSpec; readonly isJudged: boolean; readonly script: readonly ScriptedCall[] },
): Promise<RowLife> {
  const bound: CallEnvelope[] = [];
  const binder = createBinder({
    tasks: new Map([[task.name, task]]),
    queues: { addCalls: async (added: readonly CallEnvelope[]) => void bound.push(...added) } as unknown as QueueSet,
    view: {
      ...viewSpec(taskModels(task).map((id) => modelSpec(id))),
      added: () => undefined,
      changed: () => Promise.resolve(),
      stop: () => Promise.resolve(),
    },
  });
  const steps: LivedStep[] = [];
  const analyses: TrailEntry[] = [];
  let made = 0;
  let envelope: Envelope = { job: jobSpec({ batch: "b", row }), hop: 0, round: 0, progress: freshProgress(0) };

  /** A part's calls until it is over. */
  const makePart = (step: Step, { hop, part, model }: { readonly hop: number; readonly part: number; readonly model: ModelId }) => {
    const entries: TrailEntry[] = [];
    for (let transients = 0, throttled = 0; ;) {
      const scripted = script[made++ % script.length]!;
      const isThrottled = scripted.ending === "throttled" && throttled++ < 2;
      const { outcome, entry } = endCall(isThrottled || scripted.ending !== "throttled" ? scripted : { ...scripted, ending: "x" }, step);
      const call = `b.${row}.${hop}.${part}.${entries.length + 1}~p${made}`;
      entries.push(trailEntry({ ...entry, call, model, purpose: purposeOf(step) }));
      const decision = decidePart(task, model, transients, outcome, () => 0);
      if (decision.kind === "over") return { entries, part: { model, outcome: decision.outcome } satisfies Part };
      if (decision.countsAttempt) transients++;
    }
  };

  for (;;) {
    const placed = await binder.place(envelope);
    const { trail, reroutes } = envelope.progress;
    if (placed.kind === "wait") throw new Error(`it waits although every model is there: ${placed.reasons.join()}`);
    if (placed.kind === "dead")
      return { result: failed(row, { trail, reroutes, error: { code: placed.code, message: placed.reasons.join() } }), steps, analyses };
    const { step, progress, hop } = bound.pop()!;
    const parts = step.models.map((model, part) => makePart(step, { hop, part, model }));
    const entries = parts.flatMap((each) => each.entries);
    const met = { ...progress, trail: [...progress.trail, ...entries] };
    const decision = decideStep({ task, progress: met, step, parts: parts.map(({ part }) => part), isJudged, isTrial: false });
    const next = decision.kind === "rebind" ? decision.progress.next?.[0]?.purpose : undefined;
    if (step.purpose === "analyse") analyses.push(...entries);
    else if (step.purpose === undefined) {
      const isAnswered = parts.every((each) => isLastWord(each.entries.at(-1)!));
      steps.push({
        models: step.models,
        calls: entries,
        isAnswered,
        isDone: isAnswered && decision.kind === "answer",
        isRepairAsked: isAnswered && next === "repair",
        isRepairDone: false,
        isEnded: isAnswered && decision.kind === "error" && decision.error.code !== "invalid",
        repairs: [],
        judgements: [],
      });
    } else noteBehind(steps.at(-1)!, { purpose: step.purpose, entries, isEnd: decision.kind === "answer" });
    if (decision.kind === "answer") return { result: answered(row, { trail: met.trail, model: decision.model }), steps, analyses };
    if (decision.kind === "error") return { result: failed(row, { trail: met.trail, error: decision.error }), steps, analyses };
    envelope = { ...envelope, hop: hop + 1, progress: decision.progress };
  }
}

function noteBehind(
  step: LivedStep,
  { purpose, entries, isEnd }: { readonly purpose: "repair" | "judge"; readonly entries: readonly TrailEntry[]; readonly isEnd: boolean },
): void {
  if (purpose === "judge") {
    // Only what is done is judged, for the first time or after its repair.
    if (step.repairs.length === 0) step.isDone = step.isAnswered;
    else step.isRepairDone = true;
    step.judgements.push(...entries);
  } else {
    step.repairs.push(...entries);
    step.isRepairDone = isEnd;
  }
}

function isLastWord({ outcome }: TrailEntry): boolean {
  return LAST_WORDS.has(outcome);
}

/** A judge's word, a complexity, or an answer to the row. */
function endCall(
  { ending, score, inputTokens, outputTokens, latencyMs }: ScriptedCall,
  { purpose }: Step,
): { readonly outcome: Outcome; readonly entry: Partial<TrailEntry> } {
  const paid = { usage: usage(inputTokens, outputTokens), latencyMs, estimatedInputTokens: inputTokens + 3 };
  const free = { usage: NO_USAGE, latencyMs };
  const answer: Answer = { text: ending, finish: { unified: "stop", raw: null } };
  switch (ending) {
    case "x":
    case "y": {
      const json = wordOf(purpose, ending, score);
      const reason = purpose === "judge" ? { reason: `${score} of 10: so so` } : {};
      return { outcome: { kind: "answered", answer: { ...answer, json } }, entry: { ...paid, ...reason, outcome: "answered" } };
    }
    case "repair":
    case "escalate":
    case "fail": {
      const reason = "no JSON";
      return {
        outcome: { kind: "unfit", cause: "check", reason, onFail: ending satisfies OnFail, answer },
        entry: { ...paid, reason, outcome: "unfit" },
      };
    }
    case "cut-off":
      return { outcome: { kind: "unfit", cause: "cut-off", reason: ending }, entry: { ...paid, outcome: "unfit" } };
    case "context":
      return { outcome: { kind: "unfit", cause: "context", reason: ending }, entry: { ...free, outcome: "unfit" } };
    case "refused":
      return { outcome: { kind: "refused", reason: ending }, entry: { ...paid, outcome: "refused" } };
    case "filtered":
      return { outcome: { kind: "refused", reason: ending }, entry: { ...free, outcome: "refused" } };
    case "transient":
      return { outcome: { kind: "transient", reason: ending }, entry: { ...free, outcome: "transient" } };
    case "lost":
      return { outcome: { kind: "transient", reason: ending }, entry: { ...paid, outcome: "uncertain" } };
    case "throttled":
      return { outcome: { kind: "throttled", waitMs: 100, source: "vendor", reason: ending }, entry: { ...free, outcome: "throttled" } };
    default:
      return ending satisfies never;
  }
}

function wordOf(purpose: Step["purpose"], text: string, score: number): JsonValue {
  switch (purpose) {
    case "judge":
      return { score, reason: "so so" };
    case "analyse":
      return { complexity: 0.5, reason: "so so" };
    case "repair":
    case undefined:
      return text;
    default:
      return purpose satisfies never;
  }
}
