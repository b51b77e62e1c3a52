// Cost against latency: a point for each model, where its price and its pace put it. Both axes are logarithmic, for models lie a hundredfold apart.

import { logarithmicAxis } from "./axis.ts";
import { formatCount, formatDuration, formatUsd } from "../format.ts";
import { shownValue } from "../report-words.ts";
import type { Division } from "../spending-report.ts";
import { CHART_WIDTH, escapeMarkup, LETTER_WIDTH, renderFigure, rounded, shortened, textAt } from "./svg-figure.ts";

const HEIGHT = 340;
const PLOT = { left: 64, top: 14, right: CHART_WIDTH - 24, bottom: HEIGHT - 48 };
const LABEL_HEIGHT = 14;
/** What a model is paid for its own answers: judgements that it makes of others' are not among them. */
const ASKING = ["answers", "agreement", "failures", "repairs", "undivided"] as const;
const LARGEST = 14;
const SMALLEST = 4;

interface Point {
  readonly name: string;
  readonly costNanoUsd: number;
  readonly p50: number;
  readonly p95: number;
  readonly calls: number;
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** `byModel`: a division by model. Empty with fewer than two models that have answered and cost something. */
export function renderLatencyChart({ groups }: Division): string {
  const points = groups.flatMap(({ values, spent, latencyMs, checks, costNanoUsd }): readonly Point[] => {
    const calls = checks.passed;
    if (!latencyMs || calls === 0 || costNanoUsd === 0) return [];
    const { p50, p95 } = latencyMs;
    const own = ASKING.reduce((sum, use) => sum + spent[use].costNanoUsd, 0);
    return own === 0
      ? []
      : [{ name: shownValue(values[0] ?? null), costNanoUsd: own / calls, p50: Math.max(1, p50), p95: Math.max(1, p95), calls }];
  });
  if (points.length < 2) return "";
  const cost = logarithmicAxis(points.map(({ costNanoUsd }) => costNanoUsd));
  const latency = logarithmicAxis(points.flatMap(({ p50, p95 }) => [p50, p95]));
  const most = Math.max(...points.map(({ calls }) => calls));
  const placed = points.map((point) => ({
    ...point,
    x: PLOT.left + cost.at(point.costNanoUsd) * (PLOT.right - PLOT.left),
    y: top(latency.at(point.p50)),
    highY: top(latency.at(point.p95)),
    radius: Math.max(SMALLEST, LARGEST * Math.sqrt(point.calls / most)),
  }));
  return renderFigure({
    id: "cost-latency",
    heading: "Cost against latency",
    description: `Cost of an answer that passed its checks, and median latency, by model: ${points
      .map(({ name, costNanoUsd, p50 }) => `${name} ${formatUsd(Math.round(costNanoUsd))} in ${formatDuration(p50)}`)
      .join("; ")}.`,
    height: HEIGHT,
    body: [
      ...latency.ticks.map((tick) => {
        const y = rounded(top(latency.at(tick)));
        return `<path class="grid" d="M${PLOT.left} ${y}H${PLOT.right}"/>${textAt(PLOT.left - 8, y + 4, "soft end", formatDuration(tick))}`;
      }),
      ...cost.ticks.map((tick) => {
        const x = rounded(PLOT.left + cost.at(tick) * (PLOT.right - PLOT.left));
        return `<path class="axis" d="M${x} ${PLOT.bottom}v5"/>${textAt(x, PLOT.bottom + 19, "soft middle", formatUsd(tick))}`;
      }),
      `<path class="axis" d="M${PLOT.left} ${PLOT.bottom}H${PLOT.right}"/>`,
      textAt(
        PLOT.right,
        HEIGHT - 10,
        "soft end",
        "cost of an answer that passed · dot: p50, the larger the more calls · line: to p95 · both axes logarithmic",
      ),
      ...placed.map(({ name, x, y, highY, radius, calls, costNanoUsd, p50, p95 }) => {
        const tip = `${name}: ${formatUsd(Math.round(costNanoUsd))} an answer, p50 ${formatDuration(p50)}, p95 ${formatDuration(p95)}, ${formatCount(calls)} answers`;
        const line = `<path d="M${rounded(x)} ${rounded(y)}V${rounded(highY)}" stroke="var(--s1)" stroke-opacity=".4" stroke-width="2"/>`;
        return `<g><title>${escapeMarkup(tip)}</title>${line}<circle cx="${rounded(x)}" cy="${rounded(y)}" r="${rounded(radius)}" fill="var(--s1)" stroke="var(--paper)"/></g>`;
      }),
      ...labels(placed),
    ],
  });
}

function top(share: number): number {
  return PLOT.bottom - share * (PLOT.bottom - PLOT.top);
}

/** Beside its point, where no other label or point is; the most used models first. One without room is told by pointing at its dot. */
function labels(points: readonly (Point & { readonly x: number; readonly y: number; readonly radius: number })[]): readonly string[] {
  const taken: Box[] = points.map(({ x, y, radius }) => ({ x: x - radius, y: y - radius, width: 2 * radius, height: 2 * radius }));
  return points
    .toSorted((a, b) => b.calls - a.calls)
    .flatMap(({ name, x, y, radius }) => {
      const text = shortened(name, 40);
      const width = text.length * LETTER_WIDTH;
      const size = { width, height: LABEL_HEIGHT };
      const box = [
        { x: x + radius + 4, y: y - LABEL_HEIGHT / 2 },
        { x: x - radius - 4 - width, y: y - LABEL_HEIGHT / 2 },
        { x: x - width / 2, y: y + radius + 3 },
        { x: x - width / 2, y: y - radius - 3 - LABEL_HEIGHT },
      ]
        .map((corner): Box => ({ ...corner, ...size }))
        .find((each) => each.x >= 0 && each.x + width <= CHART_WIDTH && taken.every((other) => !overlap(each, other)));
      if (!box) return [];
      taken.push(box);
      return [textAt(box.x, box.y + LABEL_HEIGHT - 3, "halo", text)];
    });
}

function overlap(a: Box, b: Box): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}
