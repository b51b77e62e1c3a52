// What both charts show, the terminal's and the SVG's: the points with their places on the axes. Cost is on a logarithmic axis, for candidates
// lie a hundredfold apart; quality is cut off below, for a poor model would press the good ones, which matter, into one line.

import { shortName } from "./describe-route.ts";
import type { Interval, MeasuredRoute, PilotReport } from "./pilot.ts";
import { routeKey } from "./render-table.ts";

export interface ChartPoint {
  readonly kind: "model" | "cascade" | "recommended";
  /** Absent for a cascade that has no label of its own. */
  readonly label?: string;
  readonly route: MeasuredRoute;
  /** 0 (left, bottom) to 1 (right, top). */
  readonly x: number;
  readonly y: number;
}

export interface Axis {
  /** 0 to 1; beyond for what lies outside. */
  readonly at: (value: number) => number;
  readonly ticks: readonly number[];
}

export interface Chart {
  readonly points: readonly ChartPoint[];
  /** Nano-dollars a job. */
  readonly cost: Axis;
  readonly quality: Axis;
  /** Models that lie below the quality axis. */
  readonly below: readonly string[];
}

/** Undefined where there is nothing to draw. */
export function layOutChart(report: PilotReport): Chart | undefined {
  const { best, recommended } = report;
  if (!best || !recommended) return undefined;
  const routes = [...report.models, ...report.cascades];
  // What is wrong three times as often as the best ones may be belongs to the footnote.
  const lowest = Math.min(best.interval.low, recommended.interval.low);
  const floor = Math.max(0, 1 - 3 * (1 - lowest));
  const shown = routes.filter(({ quality }) => quality >= floor);
  const cost = logarithmic(shown.map(({ costNanoUsd }) => costNanoUsd));
  const quality = linear({
    low: Math.min(...shown.map((route) => route.quality)),
    high: Math.max(best.interval.high, recommended.quality),
  });
  const chosen = routeKey(recommended);
  return {
    cost,
    quality,
    below: report.models.filter((model) => model.quality < floor).map(({ model }) => shortName(model)),
    points: shown.map((route) => {
      const isChosen = routeKey(route) === chosen;
      const isModel = "model" in route;
      const label = isModel ? shortName(route.model) : isChosen ? "recommended" : undefined;
      const kind = isChosen ? "recommended" : isModel ? "model" : "cascade";
      return { kind, ...(label === undefined ? {} : { label }), route, x: cost.at(route.costNanoUsd), y: quality.at(route.quality) };
    }),
  };
}

function logarithmic(values: readonly number[]): Axis {
  const [low, high] = [Math.min(...values) * 0.8, Math.max(...values) * 1.25];
  const span = Math.log(high / low);
  const ticks: number[] = [];
  // Where few decades are shown, their 2 and 5 as well.
  const steps = span > Math.log(1000) ? [1] : span > Math.log(30) ? [1, 3] : [1, 2, 5];
  for (let decade = 10 ** Math.floor(Math.log10(low)); decade <= high; decade *= 10) {
    ticks.push(...steps.map((step) => step * decade).filter((value) => value >= low && value <= high));
  }
  return { at: (value) => Math.log(value / low) / span, ticks };
}

function linear({ low, high }: Interval): Axis {
  const step = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2].find((size) => (high - low) / size <= 7) ?? 0.2;
  const from = Math.floor(low / step) * step;
  const to = Math.max(from + step, Math.ceil(high / step - 1e-9) * step);
  const ticks = Array.from({ length: Math.round((to - from) / step) + 1 }, (_, index) => from + index * step);
  return { at: (value) => (value - from) / (to - from), ticks };
}
