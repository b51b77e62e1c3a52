// How long a route takes, and which rows take which of its ways: played as the fleet would take them.

import type { ModelId } from "../job/names.ts";
import { DIMENSIONS, NO_CHARGE, type Charge, type Dimension } from "../limits/charging.ts";
import type { PlannedFleet, Level, Range } from "./plan.ts";
import { meanLatency } from "./latencies.ts";
import { playFile } from "./play/file.ts";
import type { PlayedLimit } from "./play/limits.ts";
import type { PlayedCall, PlayedModel } from "./play/models.ts";
import type { PlayedRows, PlayedStep, Scene } from "./play/route.ts";
import type { GroupCalls } from "./group-calls.ts";
import { busiestLimit, playedModels, type Load, type SeenLimits } from "./scene.ts";

export type Choice = Scene["choice"];

/** A step for the rows of a group: {@link ExpectedStep} with what its calls take. */
export interface GroupStep {
  readonly reach: number;
  readonly calls: readonly GroupCalls[];
}

export interface WayRows {
  readonly rows: number;
  readonly ways: readonly (readonly GroupStep[])[];
  readonly firsts: number;
  /** Of the ways; undefined: the fleet chooses. */
  readonly shares: readonly number[] | undefined;
}

export interface PlayedTime {
  readonly timeMs: number;
  /** The limit that works all the time. */
  readonly boundBy: string;
  /** It is one of a rate. */
  readonly isRateBound: boolean;
  /** Rows by group and way. */
  readonly taken: readonly (readonly number[])[];
}

/** Of the limits: at most all of it, by the limiter's promise (98 %), or where calls are large and few. */
const USED_SHARE: Range = { low: 1, expected: 0.98, high: 0.93 };
/** Of the calls that a vendor took while it refused others: it was held back now and then, and left free. */
const PACE_SHARE: Range = { low: 1.5, expected: 1, high: 0.5 };
/** A limit that is busy for less of the time is not what keeps it. */
const LEAST_BUSY = 0.5;
const CALLS_THEMSELVES = "the calls' own time";
const NO_CALLS = "no calls";

interface PlayOptions {
  readonly choice: Choice;
  readonly fleet: PlannedFleet;
  readonly seen: SeenLimits;
}

export function playGroups(
  groups: readonly WayRows[],
  { level, choice, fleet, seen }: { readonly level: Level } & PlayOptions,
): PlayedTime {
  const played = groups.flatMap((group, i) => toPlayedRows(group, level).map((rows) => ({ ...rows, group: i })));
  // Who takes how much is known only when it has been played; whoever may take a row is supposed to take his part of it.
  const evenly = groups.map(({ rows, ways, shares }) => ways.map((_, way) => rows * (shares?.[way] ?? 1 / ways.length)));
  const models = playedModels(loadsOf(groups, evenly, level), fleet, {
    seen,
    shares: { used: USED_SHARE[level], pace: PACE_SHARE[level] },
  });
  const rowsOf = played.map(({ rows }) => rows);
  const { timeMs: playedMs, taken } = playFile({
    groups: rowsOf,
    models: withoutWaits(models, rowsOf),
    windowRows: fleet.queues.windowRows,
    choice,
  });
  const found = groups.map(({ ways }) => ways.map(() => 0));
  for (const [i, { group, ways }] of played.entries()) for (const [at, way] of ways.entries()) found[group]![way]! += taken[i]![at]!;
  const { name, busyMs, stockMs, isRate } = busiestLimit(loadsOf(groups, found, level), models);
  const timeMs = Math.max(playedMs, stockMs);
  const isBound = busyMs > 0 && busyMs >= LEAST_BUSY * timeMs;
  return { timeMs, taken: found, boundBy: isBound ? name : timeMs > 0 ? CALLS_THEMSELVES : NO_CALLS, isRateBound: isBound && isRate };
}

/**
 * Days of waiting aren't played: what is beyond a day's requests takes as long as they grow back. But rows that may as well go to a model without such a limit
 * leave the others when that is used up, and wait for nothing.
 */
function withoutWaits(models: readonly PlayedModel[], groups: readonly PlayedRows[]): readonly PlayedModel[] {
  const stocks = new Map(models.map(({ model, limits }) => [model, limits.filter(({ rate }) => rate?.isStock)]));
  const passedBy = (calls: readonly PlayedCall[]) => calls.flatMap(({ model }) => stocks.get(model) ?? []);
  const evaded = new Set<PlayedLimit>();
  const waited = new Set<PlayedLimit>();
  for (const { before, ways } of groups) {
    const firsts = ways.map(([first]) => passedBy(first?.calls ?? []));
    const isEvaded = firsts.some((passed) => passed.length === 0);
    for (const limit of firsts.flat()) (isEvaded ? evaded : waited).add(limit);
    const later = ways.flatMap(([first, ...rest]) => [
      ...rest.flatMap(({ calls }) => calls),
      ...[...(first ? [first] : []), ...rest].flatMap(({ followUps }) => followUps.map(({ call }) => call)),
    ]);
    for (const limit of passedBy(before ? [before, ...later] : later)) waited.add(limit);
  }
  for (const limit of waited) evaded.delete(limit);
  return models.map((model) => ({ ...model, limits: model.limits.filter((limit) => !limit.rate?.isStock || evaded.has(limit)) }));
}

/** Where the shares are told, each way has rows of its own. `ways`: which of the group's. */
function toPlayedRows(
  { rows, ways, firsts, shares }: WayRows,
  level: Level,
): readonly { readonly rows: PlayedRows; readonly ways: readonly number[] }[] {
  const steps = ways.map((way) => toPlayedSteps(way, level));
  const analysis = ways[0]?.[0]?.calls.find(({ purpose }) => purpose === "analyse");
  const before = analysis ? { before: toPlayedCall(analysis, level) } : {};
  if (!shares) return [{ rows: { rows, ...before, ways: steps, firsts }, ways: [...ways.keys()] }];
  return steps.map((each, way) => ({ rows: { rows: rows * shares[way]!, ...before, ways: [each], firsts: 1 }, ways: [way] }));
}

const AT_ONCE: ReadonlySet<string> = new Set(["answer", "agree"]);

function toPlayedSteps(steps: readonly GroupStep[], level: Level): readonly PlayedStep[] {
  return steps.map(({ reach, calls }, i): PlayedStep => {
    const first = calls.filter(({ purpose }) => AT_ONCE.has(purpose));
    const behind = calls.filter(({ purpose }) => !AT_ONCE.has(purpose) && purpose !== "analyse");
    const again = first.filter(({ requests }) => requests > reach);
    return {
      calls: first.map((each) => toPlayedCall(each, level)),
      followUps: [
        ...again.flatMap((each) => toFollowUps(toPlayedCall(each, level), (each.requests - reach) / reach)),
        ...behind.flatMap((each) => toFollowUps(toPlayedCall(each, level), each.requests / reach)),
      ],
      over: (steps[i + 1]?.reach ?? 0) / reach,
    };
  });
}

/** A row has each follow-up at most once: what it has more often is several of them. */
function toFollowUps(call: PlayedCall, share: number): PlayedStep["followUps"] {
  return Array.from({ length: Math.ceil(share) }, (_, i) => ({ call, share: Math.min(1, share - i) }));
}

function toPlayedCall({ model, charge, knowledge }: GroupCalls, level: Level): PlayedCall {
  const { latenciesMs, latencyScale } = knowledge;
  const scale = latencyScale[level];
  return { model, charge: { ...charge }, latenciesMs: scale === 1 ? latenciesMs : latenciesMs.map((latencyMs) => latencyMs * scale) };
}

/** Model by model. */
function loadsOf(groups: readonly WayRows[], taken: readonly (readonly number[])[], level: Level): readonly Load[] {
  const sums = new Map<ModelId, { calls: number; latencyMs: number; charge: Record<Dimension, number> }>();
  for (const [i, { ways }] of groups.entries()) {
    for (const [way, steps] of ways.entries()) {
      for (const { model, requests, charge, knowledge } of steps.flatMap(({ calls }) => calls)) {
        const calls = requests * (taken[i]?.[way] ?? 0);
        const sum = sums.get(model) ?? { calls: 0, latencyMs: 0, charge: { ...NO_CHARGE } };
        sums.set(model, sum);
        sum.calls += calls;
        sum.latencyMs += calls * meanLatency(knowledge.latenciesMs) * knowledge.latencyScale[level];
        for (const dimension of DIMENSIONS) sum.charge[dimension] += calls * charge[dimension];
      }
    }
  }
  return Array.from(sums, ([model, { calls, latencyMs, charge }]): Load => {
    const mean = (dimension: Dimension) => (calls > 0 ? charge[dimension] / calls : 0);
    const means: Charge = { rpm: mean("rpm"), rpd: mean("rpd"), tpm: mean("tpm"), itpm: mean("itpm"), otpm: mean("otpm") };
    return { model, calls, charge: means, latencyMs: calls > 0 ? latencyMs / calls : 0 };
  });
}
