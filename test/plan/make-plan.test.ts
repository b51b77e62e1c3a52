// A plan of the very rows that a former run had, by that run alone: rows live through the fleet's own decisions, and the plan must expect what came of them.

import { describe, expect, it } from "vitest";
import { NO_TRIALS } from "../../src/plan/trials.ts";
import { makePlan } from "../../src/plan/make-plan.ts";
import { callCostNanoUsd } from "../../src/cost/call-cost.ts";
import type { CheckSpec, JudgeSpec, OnFail } from "../../src/job/check-spec.ts";
import type { ModelSpec } from "../../src/job/model.ts";
import type { ModelId } from "../../src/job/names.ts";
import type { TaskSpec } from "../../src/job/task.ts";
import { countRow, newFormerRows } from "../../src/plan/former-rows.ts";
import type { PlannedRoute } from "../../src/plan/plan.ts";
import { isAnswer } from "../../src/plan/step-sums.ts";
import { createPrompt } from "../../src/prompt/prompt.ts";
import { createTokenEstimator } from "../../src/prompt/token-estimate.ts";
import { isJudged } from "../../src/quality/judge.ts";
import { createRandom } from "../../src/runtime/seeded-random.ts";
import type { JobInput } from "../../src/intake/job-input.ts";
import { jobSpec, modelSpec, routeSpec, taskSpec, toStep } from "../routing/specs.ts";
import type { PlannedFleet } from "../../src/plan/plan.ts";
import { liveRow, type CallEnding } from "./row-life.ts";
import { times } from "./plan-specs.ts";

const ROWS = 500;
const SEED = 7;
const dollars = (input: number) => ({ input: input * 1e6, output: 4 * input * 1e6, cachedInput: input * 1e6, cacheWrite: input * 1e6 });
const MODELS: ReadonlyMap<ModelId, ModelSpec> = new Map(
  (["v/a", "v/b", "w/c", "w/d", "x/judge"] as const).map((id, i) => [id, modelSpec(id, { price: dollars(1 + 2 * i) })]),
);
const PROVIDERS: PlannedFleet["providers"] = new Map(
  ["v", "w", "x"].map((name) => {
    const models = [...MODELS.values()].filter(({ provider }) => provider === name);
    return [name, { name, kind: "openai", apiKey: "none", limits: {}, models }];
  }),
);

/** As many rows, all with the same words. */
const INPUT: JobInput = {
  name: "rows.jsonl",
  isFile: true,
  derivedBatch: undefined,
  leave: () => undefined,
  async *rows() {
    const { input } = jobSpec();
    for (const row of times(ROWS, (i) => i)) {
      yield { kind: "good", row, line: row + 1, bytes: 10, digest: `${row}`, input };
    }
  },
};

interface Took {
  calls: number;
  inputTokens: number;
  outputTokens: number;
  costNanoUsd: number;
}

/** `endings`: of calls, by their shares. */
async function lived(task: TaskSpec, endings: Partial<Record<CallEnding, number>>) {
  const random = createRandom(SEED);
  const made = createPrompt(task).request(jobSpec());
  if (made.kind !== "request") throw new Error("no request");
  const { inputTokens: estimatedInputTokens } = (await createTokenEstimator()).estimate(made.request);
  const draw = (): CallEnding => {
    let left = random();
    for (const [ending, share] of Object.entries(endings)) if ((left -= share) < 0) return ending as CallEnding;
    return "x";
  };
  const upTo = (from: number, to: number) => from + Math.floor(random() * (to - from));
  const call = () => ({
    ending: draw(),
    score: upTo(0, 11),
    inputTokens: upTo(20, 60),
    outputTokens: upTo(5, 55),
    latencyMs: upTo(100, 400),
  });
  const former = newFormerRows();
  const took: Took = { calls: 0, inputTokens: 0, outputTokens: 0, costNanoUsd: 0 };
  for (const row of times(ROWS, (i) => i)) {
    const isLookedAt = task.judge !== undefined && isJudged(task.judge, { batch: "b", row });
    const { result } = await liveRow(row, { task, isJudged: isLookedAt, script: times(40, call) });
    const counted = result.trail.map((entry) => (isAnswer(entry) ? { ...entry, estimatedInputTokens } : entry));
    countRow(former, { ...result, trail: counted });
    for (const entry of counted) {
      if (entry.outcome === "throttled") continue;
      took.calls++;
      if (!isAnswer(entry)) continue;
      took.inputTokens += entry.usage.inputTokens;
      took.outputTokens += entry.usage.outputTokens;
      took.costNanoUsd += callCostNanoUsd(entry.usage, MODELS.get(entry.model)!.price);
    }
  }
  const plan = await makePlan({
    fleet: { models: MODELS, providers: PROVIDERS, queues: { windowRows: 5_000 } },
    task,
    input: INPUT,
    terms: {},
    learned: { lessons: new Map(), stats: new Map(), vendorLimits: new Map(), doneRows: 0 },
    trials: NO_TRIALS,
    former: [{ batch: "b", at: 0, former, taken: new Map() }],
  });
  return { plan, took };
}

const checks = (...policies: readonly OnFail[]): readonly CheckSpec[] => policies.map((onFail) => ({ kind: "schema", onFail }));
const judge = (onFail: OnFail, sample = 1): JudgeSpec => ({ models: ["x/judge"], rubric: "Right?", passMark: 5, sample, onFail });
/** Of an agreement in which they answer themselves nobody is left to judge. */
const ourJudges = (onFail: OnFail): JudgeSpec => ({ ...judge(onFail, 0.5), models: ["v/a", "w/c"] });
const ROUTE = routeSpec(["v/a", "v/b", "w/c"]);
const CASCADE = routeSpec([["v/a", "w/c"], "w/d"]);

type Scene = readonly [what: string, task: Partial<TaskSpec>, endings: Partial<Record<CallEnding, number>>];

const SCENES: readonly Scene[] = [
  ["that all were answered at once", { route: ROUTE }, {}],
  ["that went on when their checks failed", { route: ROUTE, checks: checks("escalate") }, { escalate: 0.3 }],
  ["that were repaired", { route: ROUTE, checks: checks("repair") }, { repair: 0.3 }],
  ["that ended when their checks failed", { route: ROUTE, checks: checks("fail") }, { fail: 0.3 }],
  [
    "with checks of several kinds",
    { route: ROUTE, checks: checks("repair", "fail", "escalate") },
    { repair: 0.1, fail: 0.1, escalate: 0.1 },
  ],
  ["of which one call in ten failed", { route: ROUTE }, { transient: 0.1 }],
  ["of which calls were refused for being too many", { route: ROUTE }, { throttled: 0.2 }],
  ["that were cut off", { route: ROUTE }, { "cut-off": 0.3 }],
  ["that were refused, and ended", { route: ROUTE }, { refused: 0.3 }],
  ["that were refused, and went to another model", { route: ROUTE, onRefusal: "reroute" }, { refused: 0.3 }],
  ["that were judged, and went on", { route: ROUTE, judge: judge("escalate") }, {}],
  ["that were judged, and repaired", { route: ROUTE, judge: judge("repair") }, {}],
  ["that were judged, and ended", { route: ROUTE, judge: judge("fail", 0.5) }, {}],
  ["of which two models agreed, or a third decided", { route: CASCADE }, { y: 0.3 }],
  [
    "of which two models agreed, or two others",
    {
      route: routeSpec([
        ["v/a", "w/c"],
        ["v/b", "w/d"],
      ]),
    },
    { y: 0.3 },
  ],
  ["of which two models agreed where their checks had passed", { route: CASCADE, checks: checks("escalate") }, { y: 0.1, escalate: 0.2 }],
  ["of an agreement of which calls failed", { route: CASCADE, attempts: 2 }, { y: 0.1, transient: 0.1 }],
  [
    "that came to fallbacks",
    { route: routeSpec(["v/a"], { fallback: [toStep("w/c"), toStep("w/d")] }), checks: checks("escalate") },
    { escalate: 0.5 },
  ],
  ["of which half were judged, at every step", { route: ROUTE, judge: judge("escalate", 0.5) }, {}],
  ["of which half were judged, also after a repair", { route: ROUTE, judge: judge("repair", 0.5) }, {}],
  ["of which nobody was left to judge what was agreed", { route: CASCADE, judge: ourJudges("escalate") }, { y: 0.1 }],
  ["of which nobody was left to judge, and mend, what was agreed", { route: CASCADE, judge: ourJudges("repair") }, { y: 0.1 }],
  ["of an agreement that ended when a check failed", { route: CASCADE, checks: checks("fail") }, { y: 0.1, fail: 0.2 }],
  ["of which a model was asked for the complexity", { route: ROUTE, analyse: { kind: "model", model: "x/judge" } }, {}],
  ["of which vendors took some without an answer that is paid", { route: ROUTE }, { filtered: 0.1 }],
  [
    "of which checks ended some, and others that were cut off went on",
    { route: ROUTE, checks: checks("fail") },
    { fail: 0.1, "cut-off": 0.1 },
  ],
  ["of which calls that failed were not made again", { route: ROUTE, attempts: 1 }, { transient: 0.1 }],
];

/** Shares of what the run took by which a plan may be off: steps stand for their rows by means. */
const MOST_OFF = { calls: 0.03, inputTokens: 0.04, outputTokens: 0.04, costNanoUsd: 0.06 } as const;

/** What of the plan is not as it was, in words. */
async function offOf(task: Partial<TaskSpec>, endings: Scene[2]): Promise<readonly string[]> {
  const { plan, took } = await lived(taskSpec(task), endings);
  const [own] = plan.routes;
  const { low, high } = own!.costNanoUsd;
  const off = (Object.keys(MOST_OFF) as (keyof Took)[]).flatMap((figure) => {
    const share = own![figure].expected / took[figure] - 1;
    return Math.abs(share) < MOST_OFF[figure] ? [] : [`${figure}: ${(100 * share).toFixed(1)} %`];
  });
  const isWithin = low <= took.costNanoUsd && took.costNanoUsd <= high;
  return [...off, ...(isWithin ? [] : [`costs ${took.costNanoUsd}, not from ${low} to ${high}`]), ...plan.routes.flatMap(disorderOf)];
}

function disorderOf(route: PlannedRoute): readonly string[] {
  const { name, costNanoUsd, worstCostNanoUsd, models } = route;
  const ranges = (["calls", "inputTokens", "outputTokens", "costNanoUsd", "timeMs"] as const).flatMap((figure) => {
    const { low, expected, high } = route[figure];
    return 0 <= low && low <= expected && expected <= high && Number.isFinite(high) ? [] : [`${name}: ${figure} out of order`];
  });
  const sum = models.reduce((total, each) => total + each.costNanoUsd, 0);
  return [
    ...ranges,
    ...(worstCostNanoUsd >= costNanoUsd.high ? [] : [`${name}: may cost more than in the worst case`]),
    ...(Math.abs(sum - costNanoUsd.expected) <= models.length ? [] : [`${name}: its models cost ${sum}`]),
  ];
}

describe("a plan of the rows of a former run", () => {
  it.each(SCENES)("expects what that run took, of rows %s", async (_what, task, endings) => {
    expect(await offOf(task, endings)).toEqual([]);
  });
});
