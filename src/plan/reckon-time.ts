// How long the calls of a plan take at the limits: the busiest limit works from the first row to the last, and what comes after it is added.
//
// Steps overlap: while the first step still takes rows, the second has those that it didn't end. So each limit has its own time: the first row's way to it, once;
// its work, which is what it must let through ÷ its rate, less what may go at once; and the last row's way from there to its end. The longest of these is the
// plan's, from the first row's beginning to the last one's end. (A fleet that has to be started takes a second or two before.)

import type { ModelId } from "../job/names.ts";

/** What one model's calls take of the limits, all rows together. */
export interface Load {
  readonly model: ModelId;
  /** Which step of the way, from 0. */
  readonly depth: number;
  readonly amounts: Readonly<Record<string, number>>;
  readonly calls: number;
  readonly latencyMs: number;
  readonly slowLatencyMs: number;
}

/** A limit that some models share. */
export interface Lane {
  /** For people. */
  readonly name: string;
  readonly models: ReadonlySet<ModelId>;
  /** `amount` of the loads per millisecond, and how much of that time may go at once. */
  readonly rate?: { readonly amount: string; readonly perMs: number; readonly burstMs: number };
  /** Or: calls in flight at once. */
  readonly concurrency?: number;
}

export interface ReckonedTime {
  readonly timeMs: number;
  /** The limit that takes longest. */
  readonly boundBy: string;
}

export function reckonTime(loads: readonly Load[], lanes: readonly Lane[]): ReckonedTime {
  const working = loads.filter(({ calls }) => calls > 0);
  const depths = [...new Set(working.map(({ depth }) => depth))].toSorted((a, b) => a - b);
  const latencyAt = (depth: number) => Math.max(0, ...working.filter((load) => load.depth === depth).map(({ latencyMs }) => latencyMs));
  const sumOf = (some: readonly number[]) => some.reduce((sum, depth) => sum + latencyAt(depth), 0);
  // What hardly a row comes to, the last row doesn't either.
  const isCommon = (depth: number) => callsAt(working, depth) >= 1;

  let longest: ReckonedTime = { timeMs: sumOf(depths.filter(isCommon)), boundBy: "the calls' own time" };
  for (const lane of lanes) {
    const own = working.filter(({ model }) => lane.models.has(model));
    const busyMs = busyTimeMs(own, lane);
    if (busyMs <= 0) continue;
    const first = Math.min(...own.map(({ depth }) => depth));
    const last = Math.max(...own.map(({ depth }) => depth));
    const tailMs = Math.max(...own.map(({ slowLatencyMs }) => slowLatencyMs));
    const beforeMs = sumOf(depths.filter((depth) => depth < first));
    const afterMs = sumOf(depths.filter((depth) => depth > last && isCommon(depth)));
    const timeMs = beforeMs + busyMs + tailMs + afterMs;
    if (timeMs > longest.timeMs) longest = { timeMs, boundBy: lane.name };
  }
  return longest;
}

function busyTimeMs(loads: readonly Load[], { rate, concurrency }: Lane): number {
  if (rate) {
    const amount = loads.reduce((sum, load) => sum + (load.amounts[rate.amount] ?? 0), 0);
    return amount / rate.perMs - rate.burstMs;
  }
  return loads.reduce((sum, { calls, latencyMs }) => sum + calls * latencyMs, 0) / (concurrency ?? Number.POSITIVE_INFINITY);
}

function callsAt(loads: readonly Load[], depth: number): number {
  return loads.reduce((sum, load) => (load.depth === depth ? sum + load.calls : sum), 0);
}
