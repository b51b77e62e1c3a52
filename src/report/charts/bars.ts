// Amounts side by side: a line for each, its name, its bar, its figures. For models, and for what the money was spent on.

import { CHART_WIDTH, bar, LETTER_WIDTH, renderFigure, shortened, textAt } from "./svg-figure.ts";

export interface BarLine {
  readonly name: string;
  /** What stands behind the bar. */
  readonly figures: string;
  /** Side by side in this order. */
  readonly parts: readonly { readonly value: number; readonly colour: string; readonly tip: string }[];
}

export interface BarsChart {
  readonly id: string;
  readonly heading: string;
  readonly description: string;
  readonly lines: readonly BarLine[];
  readonly legend?: string;
}

const LINE_HEIGHT = 28;
const BAR_HEIGHT = 16;
const LONGEST_NAME = 36;
const GAP = 10;

/** Empty where there are no lines. */
export function renderBarsChart({ lines, ...figure }: BarsChart): string {
  if (lines.length === 0) return "";
  const names = lines.map(({ name }) => shortened(name, LONGEST_NAME));
  const left = LETTER_WIDTH * Math.max(...names.map((name) => name.length)) + GAP;
  const right = CHART_WIDTH - LETTER_WIDTH * Math.max(...lines.map(({ figures }) => figures.length)) - GAP;
  const highest = Math.max(...lines.map(({ parts }) => parts.reduce((sum, { value }) => sum + value, 0)), 1);
  const body = lines.flatMap(({ figures, parts }, i) => {
    const y = i * LINE_HEIGHT + (LINE_HEIGHT - BAR_HEIGHT) / 2;
    let x = left;
    const bars = parts.map(({ value, colour, tip }) => {
      const width = ((right - left) * value) / highest;
      const drawn = bar({ x, y, width, height: BAR_HEIGHT }, colour, tip);
      x += width;
      return drawn;
    });
    return [
      textAt(left - GAP, y + BAR_HEIGHT - 4, "end", names[i] ?? ""),
      ...bars,
      textAt(x + GAP - 2, y + BAR_HEIGHT - 4, "soft", figures),
    ];
  });
  return renderFigure({
    ...figure,
    height: lines.length * LINE_HEIGHT,
    body: [...body, `<path class="axis" d="M${left} 0V${lines.length * LINE_HEIGHT}"/>`],
  });
}
