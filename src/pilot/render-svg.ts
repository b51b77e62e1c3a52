// The pilot's chart as a picture that stands alone: cost against quality with intervals, the line of random mixing, and what is recommended.

import { layOutChart, type Chart, type ChartPoint } from "./chart.ts";
import { describeRoute, percent, roundUsd, shortName, usdPerThousand } from "./describe-route.ts";
import type { CostQuality, PilotReport } from "./pilot.ts";
import { placeLabels, type Box } from "./place-labels.ts";

const WIDTH = 860;
const HEIGHT = 500;
const PLOT: Box = { x: 64, y: 56, width: WIDTH - 64 - 24, height: HEIGHT - 56 - 66 };
const FONT_SIZE = 12;
const RADIUS = { model: 5, cascade: 3, recommended: 8 };
/** Of a letter in the chart's font; enough to keep labels apart. */
const LETTER_WIDTH = 6.8;
const BOLD_LETTER_WIDTH = 8.4;

/** Follows the reader's preference for light or dark, inside a page and alone. */
const STYLE = `
.pilot { --ink: #1c2430; --soft: #5d6877; --grid: #e3e7ec; --paper: #ffffff; --model: #3567b5; --cascade: #9aa7b8; --chosen: #0b7a4b; --line: #c26a1a; }
@media (prefers-color-scheme: dark) { .pilot { --ink: #e8ecf2; --soft: #9fabbb; --grid: #2c3440; --paper: #151a21; --model: #7aa7f0; --cascade: #66748a; --chosen: #3fce8e; --line: #eba15c; } }
.pilot text { font: ${FONT_SIZE}px system-ui, "Segoe UI", Roboto, "Liberation Sans", sans-serif; fill: var(--ink); }
.pilot .soft { fill: var(--soft); }
.pilot .heading { font-size: 15px; font-weight: 600; }
.pilot .chosen-text { fill: var(--chosen); font-weight: 600; }
.pilot .halo { paint-order: stroke; stroke: var(--paper); stroke-width: 3px; stroke-linejoin: round; }`;

/** Empty where there is nothing to draw. */
export function renderSvg(report: PilotReport): string {
  const chart = layOutChart(report);
  const { best, recommended } = report;
  if (!chart || !best || !recommended) return "";
  const summary =
    `Share of right answers against cost on ${report.rows} rows. Best single model: ${shortName(best.model)}, ${percent(best.quality)} at ` +
    `${usdPerThousand(best.costNanoUsd)} per 1,000 jobs. Recommended: ${describeRoute(recommended.steps)}, ${percent(recommended.quality)} at ` +
    `${usdPerThousand(recommended.costNanoUsd)}.`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="pilot" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="pilot-title pilot-summary">`,
    `<title id="pilot-title">Cost against quality of models and routes</title>`,
    `<desc id="pilot-summary">${escapeXml(summary)}</desc>`,
    `<style>${STYLE}</style>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="var(--paper)"/>`,
    `<text class="heading" x="${PLOT.x}" y="26">${escapeXml(truncate(`Recommended: ${describeRoute(recommended.steps)}`, 100))}</text>`,
    `<text class="soft" x="${PLOT.x}" y="44">${percent(recommended.costShare)} of the best single model’s cost · ${report.rows} rows · bars: 95 % intervals</text>`,
    ...axes(chart),
    path(report.mixing, chart, 'stroke="var(--line)" stroke-width="1.5" stroke-dasharray="2 4" stroke-linecap="round"'),
    path(report.hull, chart, 'stroke="var(--chosen)" stroke-opacity="0.5" stroke-width="1.5"'),
    ...points(chart),
    ...labels(chart),
    legend(chart),
    "</svg>",
    "",
  ].join("\n");
}

export function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

function left(x: number): number {
  return round(PLOT.x + x * PLOT.width);
}

function top(y: number): number {
  return round(PLOT.y + (1 - Math.min(1, Math.max(0, y))) * PLOT.height);
}

function axes({ cost, quality }: Chart): readonly string[] {
  const bottom = PLOT.y + PLOT.height;
  return [
    ...quality.ticks.map((tick) => {
      const y = top(quality.at(tick));
      return `<path d="M${PLOT.x} ${y}H${PLOT.x + PLOT.width}" stroke="var(--grid)"/><text class="soft" x="${PLOT.x - 8}" y="${y + 4}" text-anchor="end">${percent(tick)}</text>`;
    }),
    ...cost.ticks.map((tick) => {
      const x = left(cost.at(tick));
      return `<path d="M${x} ${bottom}v5" stroke="var(--soft)"/><text class="soft" x="${x}" y="${bottom + 19}" text-anchor="middle">${roundUsd(tick)}</text>`;
    }),
    `<path d="M${PLOT.x} ${bottom}H${PLOT.x + PLOT.width}" stroke="var(--soft)"/>`,
    `<text class="soft" x="${PLOT.x + PLOT.width}" y="${bottom + 36}" text-anchor="end">cost per 1,000 jobs, logarithmic</text>`,
  ];
}

/** Random mixing is straight in dollars, so it bends on the logarithmic axis. */
function path(corners: readonly CostQuality[], { cost, quality }: Chart, style: string): string {
  const places = corners.flatMap((to, index) => {
    const from = corners[index - 1];
    if (!from) return quality.at(to.quality) < 0 ? [] : [`${left(cost.at(to.costNanoUsd))} ${top(quality.at(to.quality))}`];
    return Array.from({ length: 24 }, (_, step) => {
      const spent = from.costNanoUsd * (to.costNanoUsd / from.costNanoUsd) ** ((step + 1) / 24);
      const share = (spent - from.costNanoUsd) / (to.costNanoUsd - from.costNanoUsd);
      return { spent, y: quality.at(from.quality + share * (to.quality - from.quality)) };
    }).flatMap(({ spent, y }) => (y < 0 ? [] : [`${left(cost.at(spent))} ${top(y)}`]));
  });
  return places.length < 2 ? "" : `<path d="M${places.join("L")}" fill="none" ${style}/>`;
}

function points({ points, quality }: Chart): readonly string[] {
  const order = { cascade: 0, model: 1, recommended: 2 };
  return points
    .toSorted((a, b) => order[a.kind] - order[b.kind])
    .map(({ kind, route, x, y }) => {
      const [cx, cy] = [left(x), top(y)];
      const tip = `<title>${escapeXml(`${describeRoute(route.steps)}: ${percent(route.quality)} at ${usdPerThousand(route.costNanoUsd)} per 1,000 jobs`)}</title>`;
      const colour = kind === "recommended" ? "var(--chosen)" : kind === "model" ? "var(--model)" : "var(--cascade)";
      const { low, high } = route.interval;
      const bar =
        kind === "cascade"
          ? ""
          : `<path d="M${cx} ${top(quality.at(high))}V${top(quality.at(low))}" stroke="${colour}" stroke-opacity="0.35" stroke-width="2"/>`;
      const r = RADIUS[kind];
      const mark =
        kind === "recommended"
          ? `<path d="M${cx} ${cy - r}l${r} ${r}l${-r} ${r}l${-r} ${-r}z" fill="${colour}" stroke="var(--paper)" stroke-width="1.5"/>`
          : `<circle cx="${cx}" cy="${cy}" r="${r}" fill="${colour}" stroke="var(--paper)"/>`;
      return `<g>${tip}${bar}${mark}</g>`;
    });
}

function labels({ points }: Chart): readonly string[] {
  const named = points
    .filter((point): point is ChartPoint & { label: string } => point.label !== undefined)
    .toSorted((a, b) => Number(b.kind === "recommended") - Number(a.kind === "recommended") || b.y - a.y);
  const requests = named.map(({ label, kind, x, y }) => {
    return {
      x: left(x),
      y: top(y),
      radius: RADIUS[kind],
      width: label.length * (kind === "recommended" ? BOLD_LETTER_WIDTH : LETTER_WIDTH),
      height: FONT_SIZE + 2,
    };
  });
  const obstacles = points.map(({ kind, x, y }): Box => {
    const r = RADIUS[kind];
    return { x: left(x) - r, y: top(y) - r, width: 2 * r, height: 2 * r };
  });
  return placeLabels(requests, obstacles, PLOT).map((box, index) => {
    const { label, kind } = named[index]!;
    const { x, y, radius } = requests[index]!;
    // A label that had to move away is tied to its point.
    const middle = { x: Math.min(box.x + box.width, Math.max(box.x, x)), y: Math.min(box.y + box.height, Math.max(box.y, y)) };
    const isFar = Math.hypot(middle.x - x, middle.y - y) > radius + 8;
    const tie = isFar ? `<path d="M${x} ${y}L${round(middle.x)} ${round(middle.y)}" stroke="var(--soft)" stroke-opacity="0.6"/>` : "";
    const style = kind === "recommended" ? "halo chosen-text" : "halo";
    return `${tie}<text class="${style}" x="${round(box.x + box.width / 2)}" y="${round(box.y + FONT_SIZE - 1)}" text-anchor="middle">${escapeXml(label)}</text>`;
  });
}

function legend({ below }: Chart): string {
  const y = HEIGHT - 12;
  const line = (x: number, style: string): string => `<path d="M${PLOT.x + x} ${y - 4}h22" ${style} stroke-width="1.5"/>`;
  const text = (x: number, words: string): string => `<text class="soft" x="${PLOT.x + x}" y="${y}">${words}</text>`;
  return [
    `<circle cx="${PLOT.x + 5}" cy="${y - 4}" r="5" fill="var(--model)"/>${text(16, "single model")}`,
    `<circle cx="${PLOT.x + 107}" cy="${y - 4}" r="3" fill="var(--cascade)"/>${text(116, "cascade")}`,
    `${line(180, 'stroke="var(--line)" stroke-dasharray="2 4" stroke-linecap="round"')}${text(208, "random mixing of single models")}`,
    `${line(414, 'stroke="var(--chosen)" stroke-opacity="0.5"')}${text(442, "the same with cascades")}`,
    below.length === 0
      ? ""
      : `<text class="soft" x="${PLOT.x}" y="${PLOT.y + PLOT.height + 36}">${escapeXml(truncate(`below the chart: ${below.join(", ")}`, 75))}</text>`,
  ].join("\n");
}

function truncate(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
