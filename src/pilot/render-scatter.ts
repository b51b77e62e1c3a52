// The pilot's chart in characters: cost to the right, quality upwards, a letter per model and the names below.

import { layOutChart, type ChartPoint } from "./chart.ts";
import { describeRoute, percent, roundUsd } from "./describe-route.ts";
import type { PilotReport } from "./pilot.ts";
import { PLAIN, type Palette } from "./render-table.ts";

const MARGIN = 8;
const LEAST_WIDTH = 40;

/** Lines joined; empty where there is nothing to draw. `height`: lines of the plot. */
export function renderScatter(
  report: PilotReport,
  { width, height = 16, palette = PLAIN }: { readonly width: number; readonly height?: number; readonly palette?: Palette },
): string {
  const chart = layOutChart(report);
  if (!chart) return "";
  const columns = Math.max(LEAST_WIDTH, width) - MARGIN - 1;
  const column = (x: number): number => Math.min(columns - 1, Math.max(0, Math.round(x * (columns - 1))));
  const line = (y: number): number => Math.min(height - 1, Math.max(0, Math.round((1 - y) * (height - 1))));
  const cells = Array.from({ length: height }, () => Array.from({ length: columns }, () => " "));
  const put = (x: number, y: number, mark: string): void => void (cells[line(y)]![column(x)] = mark);

  drawLine(report, chart, columns, (x, y) => put(x, y, palette.dim("·")));
  const models = chart.points.filter(({ route }) => "model" in route);
  // What matters more is drawn later, and so stays visible.
  for (const { x, y, kind } of chart.points) if (kind === "cascade") put(x, y, palette.dim("+"));
  for (const [index, { x, y }] of models.entries()) put(x, y, letter(index));
  for (const { x, y, kind } of chart.points) if (kind === "recommended") put(x, y, palette.good("◆"));

  const scale = new Map(chart.quality.ticks.map((tick) => [line(chart.quality.at(tick)), percent(tick)]));
  const plot = cells.map((row, index) => `${(scale.get(index) ?? "").padStart(MARGIN - 1)} │${row.join("")}`.trimEnd());
  const ruler = Array.from({ length: columns }, () => "─");
  let labels = "";
  for (const tick of chart.cost.ticks) {
    const [at, text] = [column(chart.cost.at(tick)), roundUsd(tick)];
    ruler[at] = "┬";
    if (at >= labels.length && at + text.length <= columns) labels = `${labels.padEnd(at)}${text} `;
  }
  return [
    "right, by cost per 1,000 jobs (logarithmic)",
    ...plot,
    `${" ".repeat(MARGIN)}└${ruler.join("")}`,
    `${" ".repeat(MARGIN + 1)}${labels.trimEnd()}`,
    ...legend(models, chart.points, Math.max(LEAST_WIDTH, width), palette),
    ...(chart.below.length > 0 ? [palette.dim(`below the chart: ${chart.below.join(", ")}`)] : []),
  ].join("\n");
}

/** The line of random mixing: straight in dollars, bent on the logarithmic axis. */
function drawLine(
  { mixing }: PilotReport,
  { cost, quality }: NonNullable<ReturnType<typeof layOutChart>>,
  steps: number,
  put: (x: number, y: number) => void,
): void {
  for (const [index, to] of mixing.entries()) {
    const from = mixing[index - 1];
    if (!from) continue;
    for (let step = 0; step <= steps; step++) {
      const spent = from.costNanoUsd * (to.costNanoUsd / from.costNanoUsd) ** (step / steps);
      const share = (spent - from.costNanoUsd) / (to.costNanoUsd - from.costNanoUsd);
      const y = quality.at(from.quality + share * (to.quality - from.quality));
      if (y >= 0) put(cost.at(spent), y);
    }
  }
}

function legend(models: readonly ChartPoint[], points: readonly ChartPoint[], width: number, palette: Palette): readonly string[] {
  const chosen = points.find(({ kind }) => kind === "recommended");
  const names = models.map(({ label }, index) => `${letter(index)} ${label}`);
  const lines: string[] = [];
  for (const name of names) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 3 + name.length <= width) lines[lines.length - 1] = `${last}   ${name}`;
    else lines.push(name);
  }
  return [
    ...(chosen ? [palette.good(`◆ recommended: ${describeRoute(chosen.route.steps)}`)] : []),
    ...lines,
    palette.dim("+ other cascades   · random mixing of single models"),
  ];
}

function letter(index: number): string {
  return String.fromCharCode((index < 26 ? 65 : 71) + index);
}
