// The pilot's report as text for a terminal: what is recommended and why, then every single model and the cascades worth a look.

import { describeRoute, differenceInPoints, percent, shortName, usdPerThousand } from "./describe-route.ts";
import type { MeasuredRoute, PilotReport } from "./pilot.ts";

/** Wraps what is to stand out; the caller knows whether the terminal has colours. */
export interface Palette {
  readonly strong: (text: string) => string;
  readonly good: (text: string) => string;
  readonly dim: (text: string) => string;
}

export const PLAIN: Palette = { strong: (text) => text, good: (text) => text, dim: (text) => text };

const HEAD = ["", "route", "right", "95 % interval", "$/1,000 jobs", "p50", "to the best (points)"];
/** The columns of figures stand to the right. */
const RIGHT_FROM = 2;

/** Lines joined, no line end at the end. */
export function renderTable(
  report: PilotReport,
  { width, palette = PLAIN }: { readonly width: number; readonly palette?: Palette },
): string {
  const reasons = report.reasons.flatMap((reason) => {
    const lines = wrap(reason, width);
    return reason.startsWith("Recommended") ? lines.map(palette.strong) : lines;
  });
  if (!report.best) return reasons.join("\n");
  const recommended = report.recommended && routeKey(report.recommended);
  const mark = (route: MeasuredRoute): string => (routeKey(route) === recommended ? "→" : "");
  const singles = report.models.map((model) => [mark(model), shortName(model.model), ...figures(model)]);
  const cascades = report.cascades.map((cascade) => [
    mark(cascade) || (cascade.isAcceptable ? "✓" : ""),
    describeRoute(cascade.steps),
    ...figures(cascade),
  ]);
  const widths = HEAD.map((_, column) => Math.max(...[HEAD, ...singles, ...cascades].map((cells) => cells[column]!.length)));
  // Long routes give way, not the figures.
  const spare = width - widths.reduce((sum, cell) => sum + cell + 2, -2);
  widths[1] = Math.max(16, widths[1]! + Math.min(0, spare));
  const line = (cells: readonly string[]): string[] => {
    const [first = "", ...more] = wrap(cells[1]!, widths[1]!);
    const filled = cells.map((cell, index) =>
      index < RIGHT_FROM ? (index === 1 ? first : cell).padEnd(widths[index]!) : cell.padStart(widths[index]!),
    );
    const lines = [filled.join("  ").trimEnd(), ...more.map((rest) => `${" ".repeat(widths[0]! + 2)}  ${rest}`)];
    return cells[0] === "→" ? lines.map(palette.good) : lines;
  };
  const legend = "→ recommended   ✓ expected to be as good";
  return [
    ...reasons,
    "",
    ...line(HEAD).map(palette.strong),
    ...singles.flatMap(line),
    ...(cascades.length > 0
      ? [
          palette.dim("cascades, as good or above random mixing, beaten by no other in cost and expected quality"),
          ...cascades.flatMap(line),
        ]
      : []),
    "",
    palette.dim(`${report.rows} rows. ${legend}`),
  ].join("\n");
}

/** Equal for equal routes. */
export function routeKey({ steps }: Pick<MeasuredRoute, "steps">): string {
  return steps.map(({ models, agree }) => `${models.join("+")}/${agree?.need ?? models.length}`).join(" → ");
}

function figures(route: MeasuredRoute): readonly string[] {
  const { low, high } = route.interval;
  return [
    percent(route.quality),
    `${(100 * low).toFixed(1)}–${(100 * high).toFixed(1)}`,
    usdPerThousand(route.costNanoUsd),
    `${(route.p50LatencyMs / 1000).toFixed(1)} s`,
    differenceInPoints(route.toBest),
  ];
}

function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
