// From the rows' ways and what is known of their steps to a route's figures: calls, tokens, cost, and the time at the limits.

import type { Fleet } from "../src/config/fleet.ts";
import { callCostNanoUsd } from "../src/cost/call-cost.ts";
import type { ModelId } from "../src/job/names.ts";
import type { TaskSpec } from "../src/job/task.ts";
import type { Purpose } from "../src/job/trail.ts";
import { NO_USAGE } from "../src/job/usage.ts";
import { chargingPolicy, DIMENSIONS, finalCharge, upFrontCharge, type Charge } from "../src/limits/charging.ts";
import { expectCalls, worstCalls } from "../src/plan/expect-calls.ts";
import { LEVELS, rangeOf, type ExpectedCalls, type Level, type PathKnowledge, type PlannedRoute, type Range } from "../src/plan/plan.ts";
import { reckonTime, type Load } from "../src/plan/reckon-time.ts";
import { longestAnswer } from "./plan-assumptions.ts";
import type { Knowledge } from "./plan-knowledge.ts";
import { lanesOf } from "./plan-lanes.ts";
import type { RowGroup, RowScan } from "./plan-rows.ts";

export interface FiguresOptions {
  readonly fleet: Pick<Fleet, "models" | "providers">;
  readonly task: TaskSpec;
  readonly knowledge: Knowledge;
  readonly scan: RowScan;
}

/** The calls of one kind of a group of rows. */
interface GroupCalls {
  readonly model: ModelId;
  readonly depth: number;
  readonly requests: number;
  readonly answers: number;
  /** Of one answered call. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costNanoUsd: number;
  readonly charge: Charge;
  readonly latencyMs: number;
  readonly slowLatencyMs: number;
}

type Totals = Pick<PlannedRoute["models"][number], "calls" | "inputTokens" | "outputTokens" | "costNanoUsd">;

export function planRoute(
  { name, kind }: Pick<PlannedRoute, "name" | "kind">,
  groups: readonly RowGroup[],
  options: FiguresOptions,
): PlannedRoute {
  const { fleet, task, knowledge, scan } = options;
  const scale = scan.estimated === 0 ? 1 : scan.good / scan.estimated;
  const taken = groups.filter(({ path }) => path.length > 0).map((group) => ({ group, path: knowledge.of(group.path) }));
  const callsAt = (level: Level) =>
    taken.flatMap(({ group, path }) =>
      expectCalls(task, path, level).map((calls) => toGroupCalls(calls, { group, path, level, scale, options })),
    );
  const levels = new Map(LEVELS.map((level) => [level, callsAt(level)]));
  const sums = rangeOfTotals((level) => totalsOf(levels.get(level) ?? []));
  const times = new Map(LEVELS.map((level) => [level, timeOf(levels.get(level) ?? [], fleet, USED_SHARE[level])]));
  const worst = taken.flatMap(({ group, path }) => {
    const limit = group.limitedRows === group.rows ? group.maxOutputTokens / group.rows : undefined;
    const calls = worstCalls(task, path, (model, purpose) => longestAnswer(fleet.models.get(model), MOST_TOKENS[purpose] ?? limit));
    return calls.map((each) => toGroupCalls(each, { group, path, level: "high", scale, options }));
  });
  const expected = levels.get("expected") ?? [];
  const models = [...new Set(expected.map(({ model }) => model))];
  return {
    name,
    kind,
    ...sums,
    worstCostNanoUsd: Math.max(totalsOf(worst).costNanoUsd, sums.costNanoUsd.high),
    timeMs: rangeOf((level) => times.get(level)!.timeMs),
    boundBy: times.get("expected")!.boundBy,
    models: models
      .map((model) => ({ model, ...totalsOf(expected.filter((calls) => calls.model === model)) }))
      .toSorted((a, b) => b.costNanoUsd - a.costNanoUsd),
    unableRows: Math.round(scale * groups.reduce((sum, { path, rows }) => (path.length === 0 ? sum + rows : sum), 0)),
    unpriced: models.filter((model) => fleet.models.get(model)?.price === undefined),
  };
}

/** What a judge, and who is asked for the complexity, may answer: their requests' own limits (src/quality/judge.ts, src/routing/ask-complexity.ts). */
const MOST_TOKENS: Partial<Record<Purpose, number>> = { judge: 1_000, analyse: 400 };
/** Of a long request only so much is shown to who is asked for its complexity. */
const MOST_ANALYSED_TOKENS = 2_000;

interface Place {
  readonly group: RowGroup;
  readonly path: PathKnowledge;
  readonly level: Level;
  /** Rows of the file for each one estimated. */
  readonly scale: number;
  readonly options: FiguresOptions;
}

/** Means stand for rows: within a group a call's cost goes straight with its tokens. */
function toGroupCalls(calls: ExpectedCalls, { group, path, level, scale, options }: Place): GroupCalls {
  const { fleet, scan } = options;
  const { model, depth, purpose } = calls;
  const variant = scan.variantOf(model);
  const rows = group.rows * scale;
  const meanTokens = group.inputTokens[variant]! / group.rows;
  const ownTokens = purpose === "analyse" ? Math.min(meanTokens, MOST_ANALYSED_TOKENS) : meanTokens;
  const inputTokens = calls.inputFactor * ownTokens + calls.moreInputTokens;
  const isOwn = purpose === "answer" || purpose === "agree";
  const chargedTokens = isOwn ? group.chargedTokens[variant]! / group.rows : inputTokens;
  const maxOutputTokens = isOwn && group.limitedRows > 0 ? group.maxOutputTokens / group.limitedRows : undefined;
  const known = path.steps[depth]?.models.find((each) => each.model === model) ?? path.steps[depth]?.judge ?? path.analysis;
  return {
    model,
    depth,
    requests: calls.requests * rows,
    answers: calls.answers * rows,
    inputTokens,
    outputTokens: calls.outputTokens,
    costNanoUsd: calls.answers * rows * meanCost(fleet, model, inputTokens, calls.outputTokens),
    charge: chargeOf(fleet, model, { inputTokens, chargedTokens, outputTokens: calls.outputTokens, maxOutputTokens }),
    latencyMs: known?.latencyMs[level] ?? 0,
    slowLatencyMs: known?.slowLatencyMs[level] ?? 0,
  };
}

/** For whole tokens a call's cost is exact; between them it goes evenly. */
function meanCost({ models }: Pick<Fleet, "models">, id: ModelId, inputTokens: number, outputTokens: number): number {
  const price = models.get(id)?.price;
  if (!price) return 0;
  const cost = (input: number, output: number) => callCostNanoUsd({ ...NO_USAGE, inputTokens: input, outputTokens: output }, price);
  const [input, output] = [Math.floor(inputTokens), Math.floor(outputTokens)];
  const whole = cost(input, output);
  return whole + (inputTokens - input) * (cost(input + 1, output) - whole) + (outputTokens - output) * (cost(input, output + 1) - whole);
}

const CHARACTERS_PER_TOKEN = 4;

/** What remains of a call's charge when it is over. */
function chargeOf(
  { models, providers }: Pick<Fleet, "models" | "providers">,
  id: ModelId,
  call: { inputTokens: number; chargedTokens: number; outputTokens: number; maxOutputTokens: number | undefined },
): Charge {
  const policy = chargingPolicy(providers.get(models.get(id)!.provider)!);
  const { inputTokens, chargedTokens, outputTokens, maxOutputTokens } = call;
  const final = finalCharge(policy, { call: "", model: id, ending: "answered", usage: { ...NO_USAGE, inputTokens, outputTokens } });
  if (final.kind === "used") return final.used;
  const limit = maxOutputTokens === undefined ? {} : { maxOutputTokens };
  return upFrontCharge(policy, { inputTokens, inputCharacters: chargedTokens * CHARACTERS_PER_TOKEN, outputTokens, ...limit });
}

/** Of the limits: at most all of it, by the limiter's promise (98 %), or where calls are large and few. */
const USED_SHARE: Range = { low: 1, expected: 0.98, high: 0.9 };

function timeOf(calls: readonly GroupCalls[], fleet: FiguresOptions["fleet"], usedShare: number) {
  const loads = calls.map(({ model, depth, requests, charge, latencyMs, slowLatencyMs }): Load => ({
    model,
    depth,
    calls: requests,
    latencyMs,
    slowLatencyMs,
    amounts: Object.fromEntries(DIMENSIONS.map((dimension) => [dimension, charge[dimension] * requests])),
  }));
  return reckonTime(loads, lanesOf(loads, fleet, usedShare));
}

function totalsOf(calls: readonly GroupCalls[]): Totals {
  const sum = (of: (each: GroupCalls) => number) => Math.round(calls.reduce((total, each) => total + of(each), 0));
  return {
    calls: sum(({ requests }) => requests),
    inputTokens: sum(({ answers, inputTokens }) => answers * inputTokens),
    outputTokens: sum(({ answers, outputTokens }) => answers * outputTokens),
    costNanoUsd: sum(({ costNanoUsd }) => costNanoUsd),
  };
}

function rangeOfTotals(of: (level: Level) => Totals): Pick<PlannedRoute, "calls" | "inputTokens" | "outputTokens" | "costNanoUsd"> {
  const totals = new Map(LEVELS.map((level) => [level, of(level)]));
  const range = (key: keyof Totals) => rangeOf((level) => totals.get(level)![key]);
  return {
    calls: range("calls"),
    inputTokens: range("inputTokens"),
    outputTokens: range("outputTokens"),
    costNanoUsd: range("costNanoUsd"),
  };
}
