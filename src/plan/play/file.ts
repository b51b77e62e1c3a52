// Plays a file of any size: a small one row by row; of a large one so many rows that the fleet has come to its pace, and half as many: what the second half took,
// each further portion takes as well. Of a stock that may go at once each of them has its part.

import type { PlayedLimit } from "./limits.ts";
import { playRoute, type Played, type Scene } from "./route.ts";

/** The pace is reached after the queues are full (five seconds' work), jobs that were set aside have come back (ten more), and pools have all their slots. */
const PLAYED_SECONDS = 120;
/** And after the longest calls have ended so many times. */
const PLAYED_LATENCIES = 6;
const FEWEST_ROWS = 400;
const MOST_ROWS = 20_000;

export function playFile(scene: Scene): Pick<Played, "timeMs" | "taken"> {
  const { groups } = scene;
  const total = rowsOf(scene);
  const played = Math.min(MOST_ROWS, Math.max(FEWEST_ROWS, Math.ceil(rowsPerSecond(scene) * playedSeconds(scene))));
  if (total <= played) {
    const { timeMs, taken } = playRoute(scene);
    return { timeMs, taken: allRows(taken, groups) };
  }
  const whole = playRoute(scaled(scene, played / total));
  const half = playRoute(scaled(scene, played / 2 / total));
  const more = (total - played) / (played / 2);
  const taken = whole.taken.map((ways, group) => ways.map((rows, way) => Math.max(0, rows + more * (rows - half.taken[group]![way]!))));
  return {
    // How long the last calls happen to take counts once, not with each portion.
    timeMs: whole.timeMs + more * Math.max(0, whole.lastStartAt - half.lastStartAt),
    taken: allRows(taken, groups),
  };
}

/** Played are whole rows, and of a large file some: each group's are to be all that it has. */
function allRows(taken: Played["taken"], groups: Scene["groups"]): Played["taken"] {
  return taken.map((ways, group) => {
    const { rows } = groups[group]!;
    const sum = ways.reduce((total, each) => total + each, 0);
    return ways.map((each, way) => (sum > 0 ? (each * rows) / sum : way === 0 ? rows : 0));
  });
}

function rowsOf({ groups }: Pick<Scene, "groups">): number {
  return groups.reduce((sum, { rows }) => sum + rows, 0);
}

function playedSeconds({ groups }: Scene): number {
  const calls = groups.flatMap(({ before, ways }) => [
    ...(before ? [before] : []),
    ...ways.flat().flatMap((step) => [...step.calls, ...step.followUps.map(({ call }) => call)]),
  ]);
  const longestMs = calls.reduce((most, { latenciesMs }) => Math.max(most, latenciesMs.at(-1) ?? 0), 0);
  return Math.max(PLAYED_SECONDS, (PLAYED_LATENCIES * longestMs) / 1_000);
}

/** At which rows are taken at first, by whoever may take them. */
function rowsPerSecond({ groups, models }: Scene): number {
  const paces = new Map(models.map(({ model, perMs }) => [model, perMs * 1_000]));
  const firsts = groups.flatMap(({ before, ways }) => (before ? [[before]] : ways.map(([first]) => first?.calls ?? [])));
  const used = new Set(firsts.flat().map(({ model }) => model));
  return Array.from(used).reduce((sum, model) => sum + (paces.get(model) ?? 0), 0);
}

function scaled({ groups, models, ...scene }: Scene, share: number): Scene {
  const known = new Map<PlayedLimit, PlayedLimit>();
  const partOf = (limit: PlayedLimit): PlayedLimit => {
    if (!limit.rate?.isStock) return limit;
    const part = known.get(limit) ?? { ...limit, rate: { ...limit.rate, burstMs: limit.rate.burstMs * share } };
    known.set(limit, part);
    return part;
  };
  return {
    ...scene,
    groups: groups.map((group) => ({ ...group, rows: group.rows * share })),
    models: models.map((model) => ({ ...model, limits: model.limits.map(partOf) })),
  };
}
