// The pilot's report as one page that needs nothing else: the reasons, the chart, the figures in tables, and the route to copy.

import { describeRoute, differenceInPoints, percent, shortName, usdPerThousand } from "./describe-route.ts";
import type { MeasuredRoute, PilotReport } from "./pilot.ts";
import { renderRoute, type RouteOptions } from "./render-route.ts";
import { escapeXml, renderSvg } from "./render-svg.ts";
import { routeKey } from "./render-table.ts";

const STYLE = `
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5d6877; --rule: #e3e7ec; --paper: #ffffff; --chosen: #0b7a4b; --tint: #eef7f2; --code: #f5f7f9; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ecf2; --soft: #9fabbb; --rule: #2c3440; --paper: #151a21; --chosen: #3fce8e; --tint: #17271f; --code: #1c232c; } }
body { margin: 0 auto; max-width: 60rem; padding: 2rem 1.25rem 4rem; background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 1rem; } h2 { font-size: 1.1rem; margin: 2.25rem 0 .5rem; }
.reasons { padding-left: 1.1rem; } .reasons li { margin: .3rem 0; } .chosen { color: var(--chosen); font-weight: 600; }
figure { margin: 1.5rem 0; } svg { width: 100%; height: auto; display: block; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .6rem; text-align: right; border-bottom: 1px solid var(--rule); white-space: nowrap; } th { color: var(--soft); font-weight: 500; }
th:first-child, td:first-child { text-align: left; white-space: normal; } tr.picked td { background: var(--tint); font-weight: 600; }
pre { background: var(--code); padding: 1rem; overflow-x: auto; border-radius: .4rem; font-size: .85rem; } .soft { color: var(--soft); font-size: .9rem; }`;

export function renderHtml(report: PilotReport, options: RouteOptions & { readonly title?: string } = {}): string {
  const title = escapeXml(options.title ?? "Pilot: cost against quality");
  const svg = renderSvg(report);
  const yaml = renderRoute(report, options);
  return [
    "<!doctype html>",
    '<html lang="en">',
    `<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title><style>${STYLE}\n</style></head>`,
    `<body>\n<main>\n<h1>${title}</h1>`,
    `<ul class="reasons">${report.reasons.map(reason).join("")}</ul>`,
    ...(svg ? [`<figure>\n${svg}</figure>`] : []),
    ...(report.models.length > 0 ? ["<h2>Single models</h2>", table(report, report.models, (model) => shortName(model.model))] : []),
    ...(report.cascades.length > 0
      ? [
          "<h2>Cascades</h2>",
          '<p class="soft">As good as what is to be held or above random mixing, and beaten by no other in both cost and expected quality. ✓: expected to be as good as what is to be held.</p>',
          table(report, report.cascades, (cascade) => `${describeRoute(cascade.steps)}${cascade.isAcceptable ? " ✓" : ""}`),
        ]
      : []),
    ...(yaml ? ["<h2>The route</h2>", `<pre><code>${escapeXml(yaml)}</code></pre>`] : []),
    `<p class="soft">${report.rows} rows. Intervals: Wilson for shares, Bonett and Price for paired differences, 95 %.</p>`,
    "</main>\n</body>\n</html>\n",
  ].join("\n");
}

function reason(text: string): string {
  return `<li${text.startsWith("Recommended") ? ' class="chosen"' : ""}>${escapeXml(text)}</li>`;
}

function table<T extends MeasuredRoute>(report: PilotReport, routes: readonly T[], name: (route: T) => string): string {
  const picked = report.recommended && routeKey(report.recommended);
  const head = ["route", "right", "95 % interval", "per 1,000 jobs", "p50", "against the best, points"];
  const rows = routes.map((route) => {
    const { quality, interval, costNanoUsd, p50LatencyMs, toBest } = route;
    const cells = [
      name(route),
      percent(quality),
      `${(100 * interval.low).toFixed(1)}–${(100 * interval.high).toFixed(1)}`,
      usdPerThousand(costNanoUsd),
      `${(p50LatencyMs / 1000).toFixed(1)} s`,
      differenceInPoints(toBest),
    ];
    return `<tr${routeKey(route) === picked ? ' class="picked"' : ""}>${cells.map((cell) => `<td>${escapeXml(cell)}</td>`).join("")}</tr>`;
  });
  const heads = head.map((cell) => `<th scope="col">${cell}</th>`).join("");
  return `<div class="wide"><table><thead><tr>${heads}</tr></thead><tbody>\n${rows.join("\n")}\n</tbody></table></div>`;
}
