// From the rows' ways and what is known of their steps to a route's figures: calls, tokens, cost, and the time that it takes the fleet.

import type { ModelId } from "../job/names.ts";
import type { TaskSpec } from "../job/task.ts";
import type { Purpose } from "../job/trail.ts";
import { expectCalls, worstCalls } from "./expect-calls.ts";
import {
  KINDS,
  LEVELS,
  rangeOf,
  type ExpectedCalls,
  type Kind,
  type Level,
  type PathKnowledge,
  type PlannedRoute,
  type Range,
  type ReadFigure,
  type PlannedFleet,
} from "./plan.ts";
import { longestAnswer } from "./assumptions.ts";
import { dearestParts, MOST_TOKENS, toGroupCalls, type GroupCalls } from "./group-calls.ts";
import type { Knowledge } from "./knowledge.ts";
import type { RowGroup, RowScan } from "./scan-rows.ts";
import type { SeenLimits } from "./scene.ts";
import { playGroups, type Choice, type GroupStep, type PlayedTime, type WayRows } from "./play-groups.ts";

export interface FiguresOptions {
  readonly fleet: PlannedFleet;
  readonly task: TaskSpec;
  readonly knowledge: Knowledge;
  readonly scan: RowScan;
  readonly seen: SeenLimits;
}

type Totals = Pick<PlannedRoute["models"][number], "calls" | "inputTokens" | "outputTokens" | "costNanoUsd">;

interface KnownGroup {
  readonly group: RowGroup;
  /** Rows of the file. */
  readonly rows: number;
  readonly paths: readonly PathKnowledge[];
  /** Of the ways, where it isn't the fleet that says which one a row takes. */
  readonly shares: readonly number[] | undefined;
}

export function planRoute(
  { name, kind }: Pick<PlannedRoute, "name" | "kind">,
  groups: readonly RowGroup[],
  choice: Choice,
  options: FiguresOptions,
): PlannedRoute {
  const { fleet, task, knowledge, scan, seen } = options;
  const scale = scan.estimated === 0 ? 1 : scan.good / scan.estimated;
  const known = groups.flatMap((group): readonly KnownGroup[] => {
    if (group.ways.length === 0) return [];
    const paths = group.ways.map((way) => knowledge.of(way, group));
    return [{ group, rows: group.rows * scale, paths, shares: sharesOf(group, knowledge) }];
  });
  const stepsAt = (read: ReadFigure) =>
    known.map(({ group, paths, ...each }) => ({
      ...each,
      firsts: group.firsts,
      ways: paths.map((path) => stepsOf(path, group, read, options)),
    }));

  const times = new Map(LEVELS.map((level) => [level, playGroups(stepsAt(atLevel(level)), { level, choice, fleet, seen })]));
  const { taken, boundBy } = times.get("expected")!;
  const totalsAt = (read: ReadFigure, rows = taken) => totalsOf(callsOf(stepsAt(read), rows));
  const expected = callsOf(stepsAt(atLevel("expected")), taken);
  const sums = rangesOf(
    totalsAt,
    [...times.values()].map((each) => each.taken),
  );
  const worst = known.flatMap(({ group, rows, paths }) => {
    const limit = group.limitedRows === group.rows ? group.maxOutputTokens / group.rows : undefined;
    const longest = (model: ModelId, purpose: Purpose) => {
      const most = MOST_TOKENS[purpose];
      const spec = fleet.models.get(model);
      return most === undefined ? longestAnswer(spec, limit, group.answers / group.rows) : longestAnswer(spec, most);
    };
    const toWorst = (calls: ExpectedCalls) => ({ calls: toGroupCalls(calls, group, { fleet, scan, partsAt: dearestParts }), rows });
    const costs = paths.map((path) => worstCalls(task, path, longest).map(toWorst));
    return costs.reduce((most, each) => (totalsOf(each).costNanoUsd > totalsOf(most).costNanoUsd ? each : most), []);
  });
  return {
    name,
    kind,
    ...sums,
    worstCostNanoUsd: Math.max(Math.round(totalsOf(worst).costNanoUsd), sums.costNanoUsd.high),
    timeMs: widened(
      rangeOf((level) => times.get(level)!.timeMs),
      times.get("expected")!,
    ),
    boundBy,
    models: Array.from(new Set(expected.map(({ calls }) => calls.model)))
      .map((model) => ({ model, ...wholeTotals(totalsOf(expected.filter(({ calls }) => calls.model === model))) }))
      .filter(({ calls, costNanoUsd }) => calls > 0 || costNanoUsd > 0)
      .toSorted((a, b) => b.costNanoUsd - a.costNanoUsd),
    unableRows: Math.round(scale * groups.reduce((sum, { ways, rows }) => (ways.length === 0 ? sum + rows : sum), 0)),
    unpriced: modelsIn(known).filter((model) => fleet.models.get(model)?.price === undefined),
  };
}

/** However well all is known, a fleet takes now a little more, now a little less: where no rate holds it, as long as the longest of some calls happens to take. */
const TIME_ERROR = { isRate: 0.05, isNot: 0.12 };
const TIME_ERROR_MS = 300;

function widened({ low, high }: Range, { timeMs: expected, isRateBound }: PlayedTime): Range {
  const off = expected > 0 ? (isRateBound ? TIME_ERROR.isRate : TIME_ERROR.isNot) * expected + TIME_ERROR_MS : 0;
  return {
    low: Math.round(Math.max(0, Math.min(low, expected - off))),
    expected: Math.round(expected),
    high: Math.round(Math.max(high, expected + off)),
  };
}

/** Whom a row may come to, at worst. */
function modelsIn(groups: readonly KnownGroup[]): readonly ModelId[] {
  const all = groups.flatMap(({ paths }) =>
    paths.flatMap(({ steps, analysis }) => [
      ...(analysis ? [analysis] : []),
      ...steps.flatMap(({ models, judge, otherJudges = [] }) => [
        ...models,
        ...[judge ?? [], otherJudges].flat().map(({ model }) => model),
      ]),
    ]),
  );
  return [...new Set(all.map(({ model }) => model))];
}

function atLevel(level: Level): ReadFigure {
  return (known) => known[level];
}

/** Where a model says which way a row takes: as it was said before, else by the rules. */
function sharesOf({ ways, isTold }: RowGroup, knowledge: Knowledge): readonly number[] | undefined {
  return isTold ? (knowledge.firstShares(ways) ?? ways.map((_, i) => (i === 0 ? 1 : 0))) : undefined;
}

function stepsOf(path: PathKnowledge, group: RowGroup, read: ReadFigure, { task, fleet, scan }: FiguresOptions): readonly GroupStep[] {
  return expectCalls(task, path, read).map(({ reach, calls }) => ({
    reach,
    calls: calls.map((each) => toGroupCalls(each, group, { fleet, scan })),
  }));
}

interface RowsCalls {
  readonly calls: GroupCalls;
  readonly rows: number;
}

function callsOf(groups: readonly WayRows[], taken: readonly (readonly number[])[]): readonly RowsCalls[] {
  return groups.flatMap(({ ways }, group) =>
    ways.flatMap((steps, way) => steps.flatMap(({ calls }) => calls.map((each) => ({ calls: each, rows: taken[group]?.[way] ?? 0 })))),
  );
}

function totalsOf(all: readonly RowsCalls[]): Totals {
  const sum = (of: (each: GroupCalls) => number) => all.reduce((total, { calls, rows }) => total + rows * of(calls), 0);
  return {
    calls: sum(({ requests }) => requests),
    inputTokens: sum(({ answers, inputTokens }) => answers * inputTokens),
    outputTokens: sum(({ answers, outputTokens }) => answers * outputTokens),
    costNanoUsd: sum(({ answers, costNanoUsd }) => answers * costNanoUsd),
  };
}

type Totalled = Pick<PlannedRoute, keyof Totals>;

function wholeTotals({ calls, inputTokens, outputTokens, costNanoUsd }: Totals): Totals {
  return {
    calls: Math.round(calls),
    inputTokens: Math.round(inputTokens),
    outputTokens: Math.round(outputTokens),
    costNanoUsd: Math.round(costNanoUsd),
  };
}

/**
 * Figures of different kinds are off each by itself, so that they add up as errors do, by their squares; so does whoever may take the rows. What was merely
 * supposed may lie at its ends all at once.
 */
function rangesOf(
  totalsAt: (read: ReadFigure, taken?: readonly (readonly number[])[]) => Totals,
  takens: readonly (readonly (readonly number[])[])[],
): Totalled {
  const expected = totalsAt(atLevel("expected"));
  const seen =
    (level: Level, kinds: readonly Kind[]): ReadFigure =>
    (known, kind) =>
      known[kinds.includes(kind) && !known.isAssumed ? level : "expected"];
  const sides = { low: [] as Totals[], high: [] as Totals[] };
  for (const side of ["low", "high"] as const) for (const kind of KINDS) sides[side].push(totalsAt(seen(side, [kind])));
  const spread = takens.map((taken) => totalsAt(atLevel("expected"), taken));
  const jointly = { low: totalsAt(seen("low", KINDS)), high: totalsAt(seen("high", KINDS)) };
  const all = { low: totalsAt(atLevel("low")), high: totalsAt(atLevel("high")) };

  const range = (key: keyof Totals): Range => {
    const off = (side: "low" | "high") => {
      const sign = side === "low" ? -1 : 1;
      const beyond = (totals: Totals) => Math.max(0, sign * (totals[key] - expected[key]));
      const byChance = Math.hypot(...sides[side].map(beyond), Math.max(...spread.map(beyond)));
      return byChance + Math.max(0, sign * (all[side][key] - jointly[side][key]));
    };
    const [low, middle, high] = [expected[key] - off("low"), expected[key], expected[key] + off("high")].map(Math.round);
    return { low: Math.max(0, low!), expected: middle!, high: high! };
  };
  return {
    calls: range("calls"),
    inputTokens: range("inputTokens"),
    outputTokens: range("outputTokens"),
    costNanoUsd: range("costNanoUsd"),
  };
}
