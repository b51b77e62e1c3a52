// What the page's charts have in common: a figure with its heading, an SVG that says in words what it shows, and the colours, which follow the reader's
// preference for light or dark.

export interface SvgFigure {
  /** Unique on its page. */
  readonly id: string;
  readonly heading: string;
  /** What the picture shows, for those who don't see it. */
  readonly description: string;
  readonly height: number;
  readonly body: readonly string[];
  /** HTML below the picture. */
  readonly legend?: string;
}

export const CHART_WIDTH = 1010;
/** Of a letter in the charts' font: enough to keep texts apart. */
export const LETTER_WIDTH = 7.4;

/** Told apart by all kinds of sight, side by side and in print; the last one is for what is left over. */
export const SERIES_COLOURS = ["var(--s1)", "var(--s2)", "var(--s3)", "var(--s4)", "var(--s5)", "var(--rest)"] as const;

export const CHART_STYLE = `
:root { --ink: #1c2430; --soft: #5d6877; --grid: #e3e7ec; --paper: #ffffff; --s1: #3567b5; --s2: #d98a1f; --s3: #0b8a6a; --s4: #b5477d; --s5: #7fb6dd; --rest: #9aa7b8; --bad: #c2452d; }
@media screen and (prefers-color-scheme: dark) { :root { --ink: #e8ecf2; --soft: #9fabbb; --grid: #2c3440; --paper: #151a21; --s1: #6f9fee; --s2: #eaa84e; --s3: #3fbf97; --s4: #e083b0; --s5: #a9d3ee; --rest: #66748a; --bad: #f0806a; } }
svg text { font: 12px system-ui, "Segoe UI", Roboto, "Liberation Sans", sans-serif; fill: var(--ink); font-variant-numeric: tabular-nums; }
svg .soft { fill: var(--soft); } svg .end { text-anchor: end; } svg .middle { text-anchor: middle; }
svg .grid { stroke: var(--grid); } svg .axis { stroke: var(--soft); } svg .halo { paint-order: stroke; stroke: var(--paper); stroke-width: 3px; stroke-linejoin: round; }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: .4rem 0 0; padding: 0; list-style: none; font-size: .85rem; color: var(--soft); }
.legend svg { width: .75rem; height: .75rem; margin-right: .4rem; display: inline-block; vertical-align: -.05rem; }`;

export function renderFigure({ id, heading, description, height, body, legend = "" }: SvgFigure): string {
  return [
    `<figure id="${id}">`,
    `<h2>${escapeMarkup(heading)}</h2>`,
    `<svg viewBox="0 0 ${CHART_WIDTH} ${height}" role="img" aria-labelledby="${id}-title ${id}-text">`,
    `<title id="${id}-title">${escapeMarkup(heading)}</title><desc id="${id}-text">${escapeMarkup(description)}</desc>`,
    ...body,
    "</svg>",
    legend,
    "</figure>",
  ].join("\n");
}

/** `entries`: names with their colours. */
export function renderLegend(entries: readonly (readonly [name: string, colour: string])[]): string {
  const items = entries.map(
    ([name, colour]) =>
      `<li><svg viewBox="0 0 12 12" aria-hidden="true"><rect width="12" height="12" rx="2" fill="${colour}"/></svg>${escapeMarkup(name)}</li>`,
  );
  return `<ul class="legend">${items.join("")}</ul>`;
}

export function textAt(x: number, y: number, style: string, text: string): string {
  return `<text class="${style}" x="${rounded(x)}" y="${rounded(y)}">${escapeMarkup(text)}</text>`;
}

/** A bar that tells what it stands for when it is pointed at. */
export function bar(place: { x: number; y: number; width: number; height: number }, colour: string, tip: string): string {
  const { x, y, width, height } = place;
  const size = `x="${rounded(x)}" y="${rounded(y)}" width="${rounded(width)}" height="${rounded(height)}"`;
  return `<rect ${size} fill="${colour}"><title>${escapeMarkup(tip)}</title></rect>`;
}

export function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}

export function shortened(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

export function escapeMarkup(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
