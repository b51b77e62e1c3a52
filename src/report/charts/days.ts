// Spend by day: a bar for every day, the dearest models in colours of their own.

import { daysBetween } from "../../job/day.ts";
import { linearAxis } from "./axis.ts";
import { formatUsd } from "../format.ts";
import { shownValue } from "../report-words.ts";
import type { Division } from "../spending-report.ts";
import { bar, CHART_WIDTH, LETTER_WIDTH, renderFigure, renderLegend, rounded, SERIES_COLOURS, textAt } from "./svg-figure.ts";

const HEIGHT = 260;
const PLOT = { left: 64, top: 12, right: CHART_WIDTH - 12, bottom: HEIGHT - 28 };
const WIDEST_BAR = 56;
/** Beyond, a bar would be thinner than a pixel or two. */
const MOST_DAYS = 400;

interface Series {
  readonly name: string;
  readonly colour: string;
  /** Nano-dollars by day. */
  readonly byDay: ReadonlyMap<string, number>;
}

/** `byDayAndModel`: a division by day and model. Empty where nothing was spent. */
export function renderDaysChart({ groups }: Division): string {
  const costs = groups.flatMap(({ values: [day, model], costNanoUsd }) =>
    costNanoUsd > 0 ? [{ day: day ?? "", model: shownValue(model ?? null), costNanoUsd }] : [],
  );
  const earliest = costs.reduce((least, { day }) => (day < least ? day : least), costs[0]?.day ?? "");
  const last = costs.reduce((most, { day }) => (day > most ? day : most), "");
  if (last === "") return "";
  const days = daysBetween(earliest, last).slice(-MOST_DAYS);
  const first = days[0] ?? earliest;
  const series = seriesOf(costs.filter(({ day }) => day >= first));
  const totals = days.map((day) => series.reduce((sum, { byDay }) => sum + (byDay.get(day) ?? 0), 0));
  const highest = Math.max(...totals);
  const axis = linearAxis(highest);
  const top = (nanoUsd: number) => PLOT.bottom - axis.at(nanoUsd) * (PLOT.bottom - PLOT.top);
  const slot = (PLOT.right - PLOT.left) / days.length;
  const width = Math.min(WIDEST_BAR, slot * (slot > 6 ? 0.75 : 0.9));
  // A day's name takes some forty pixels.
  const every = Math.ceil((LETTER_WIDTH * 8) / slot);
  const body = days.flatMap((day, i) => {
    const x = PLOT.left + slot * (i + 0.5) - width / 2;
    let below = 0;
    const parts = series.flatMap(({ name, colour, byDay }) => {
      const nanoUsd = byDay.get(day) ?? 0;
      if (nanoUsd === 0) return [];
      const [from, to] = [top(below), top((below += nanoUsd))];
      return [bar({ x, y: to, width, height: from - to }, colour, `${day}, ${name}: ${formatUsd(nanoUsd)}`)];
    });
    const label = i % every === 0 ? [textAt(x + width / 2, PLOT.bottom + 18, "soft middle", shortDay(day))] : [];
    return [...parts, ...label];
  });
  return renderFigure({
    id: "by-day",
    heading: first === earliest ? "Spend by day" : `Spend by day, the last ${MOST_DAYS} days`,
    description: `Spend by day (UTC) from ${first} to ${last}; at most ${formatUsd(highest)}, on ${days[totals.indexOf(highest)]}.`,
    height: HEIGHT,
    body: [
      ...axis.ticks.map((tick) => {
        const y = rounded(top(tick));
        return `<path class="grid" d="M${PLOT.left} ${y}H${PLOT.right}"/>${textAt(PLOT.left - 8, y + 4, "soft end", formatUsd(tick))}`;
      }),
      ...body,
      `<path class="axis" d="M${PLOT.left} ${PLOT.bottom}H${PLOT.right}"/>`,
    ],
    legend: renderLegend(series.map(({ name, colour }) => [name, colour])),
  });
}

/** The dearest models, and the others together. */
function seriesOf(costs: readonly { readonly day: string; readonly model: string; readonly costNanoUsd: number }[]): readonly Series[] {
  const byModel = new Map<string, Map<string, number>>();
  const totals = new Map<string, number>();
  for (const { model, costNanoUsd } of costs) totals.set(model, (totals.get(model) ?? 0) + costNanoUsd);
  const ranked = [...totals].toSorted(([, a], [, b]) => b - a).map(([model]) => model);
  const own = ranked.length <= SERIES_COLOURS.length ? ranked : ranked.slice(0, SERIES_COLOURS.length - 1);
  const rest = `${ranked.length - own.length} others`;
  for (const { day, model, costNanoUsd } of costs) {
    const name = own.includes(model) ? model : rest;
    const byDay = byModel.get(name) ?? new Map<string, number>();
    byModel.set(name, byDay.set(day, (byDay.get(day) ?? 0) + costNanoUsd));
  }
  const names = own.length < ranked.length ? [...own, rest] : own;
  return names.map((name, i) => ({ name, colour: SERIES_COLOURS[i] ?? SERIES_COLOURS[0], byDay: byModel.get(name) ?? new Map() }));
}

/** `2026-11-23` → `Nov 23`. */
function shortDay(day: string): string {
  return new Date(day).toLocaleDateString("en-US", { month: "short", day: "numeric", timeZone: "UTC" });
}
