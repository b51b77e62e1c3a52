// A spending report as one page that needs nothing else: the figures, the charts, and the groups in a table. Drawn here, so that it needs no scripts.

import { renderBarsChart } from "./charts/bars.ts";
import { renderDaysChart } from "./charts/days.ts";
import { renderLatencyChart } from "./charts/latency.ts";
import { parseDimension, type Dimension } from "./dimension.ts";
import { wastedNanoUsd, type Figures } from "./figures.ts";
import { formatCount, formatDuration, formatShare, formatUsd } from "./format.ts";
import { baselineAssumption, missingWords, NOTHING, savingWords, shownValue, USE_WORDS } from "./report-words.ts";
import type { Division, Group, SpendingReport } from "./spending-report.ts";
import { MONEY_USES, type MoneyUse } from "./money-uses.ts";
import { CHART_STYLE, escapeMarkup, renderLegend } from "./charts/svg-figure.ts";

export interface PageOptions {
  readonly title: string;
  /** What is in it: batches, days. */
  readonly subtitle: string;
  readonly baseline?: string;
}

/** What the charts are drawn from; `report.divisions` begins with these, and what the reader asked for follows. */
export const PAGE_DIVISIONS: readonly (readonly Dimension[])[] = [["day", "model"], ["model"]].map((by) =>
  by.flatMap((name) => parseDimension(name) ?? []),
);

const MOST_MODELS = 12;
const MOST_LINES = 500;
/** Columns of names beside which the numbers have room at their usual size, in a window of 1,000 pixels. */
const MOST_ROOMY = 1;
const USE_COLOURS: Readonly<Record<MoneyUse, string>> = {
  answers: "var(--s3)",
  agreement: "var(--s5)",
  judging: "var(--s1)",
  repairs: "var(--s2)",
  analysis: "var(--rest)",
  failures: "var(--bad)",
  duplicates: "var(--s4)",
  uncertain: "var(--rest)",
  undivided: "var(--rest)",
};

const STYLE = `
:root { color-scheme: light dark; }
body { margin: 0 auto; max-width: 66rem; padding: 2rem 1.25rem 4rem; background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.1rem; margin: 0 0 .6rem; } p.soft { color: var(--soft); font-size: .9rem; margin: .25rem 0; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(12.5rem, 1fr)); gap: 1rem 1.5rem; margin: 1.5rem 0; padding: 1rem 0; border: solid var(--grid); border-width: 1px 0; }
.facts div { display: flex; flex-direction: column; } dt { color: var(--soft); font-size: .85rem; } dd { margin: 0; } .fact { font-size: 1.35rem; font-weight: 600; font-variant-numeric: tabular-nums; } .note { color: var(--soft); font-size: .8rem; }
figure, section { margin: 2.25rem 0 0; } figure { overflow-x: auto; } figure > svg { width: 100%; min-width: 36rem; height: auto; display: block; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: .75rem; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .3rem; text-align: right; border-bottom: 1px solid var(--grid); white-space: nowrap; } th { color: var(--soft); font-weight: 500; } th[scope=col] { white-space: normal; vertical-align: bottom; line-height: 1.25; } .name { text-align: left; white-space: normal; } th.name[scope=row] { color: var(--ink); font-weight: 400; }
.dense table { font-size: .66rem; } .dense th, .dense td { padding: .3rem .13rem; }
tfoot td, tfoot th { font-weight: 600; border-bottom: 0; }
@media (max-width: 32rem) { .facts { grid-template-columns: 1fr 1fr; } }
@media print { :root { color-scheme: light; } body { max-width: none; padding: 0; font-size: 10pt; } figure, section, .facts { break-inside: avoid; } table, .dense table { font-size: 6pt; } th, td { padding: .2rem .18rem; } .wide, figure { overflow: visible; } figure > svg { min-width: 0; } * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }`;

export function renderReportPage(report: SpendingReport, options: PageOptions): string {
  const { baseline } = options;
  const title = escapeMarkup(options.title);
  const [byDay, byModel, ...asked] = report.divisions;
  const missing = missingWords(report);
  return [
    "<!doctype html>",
    '<html lang="en">',
    `<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title><style>${CHART_STYLE}${STYLE}\n</style></head>`,
    `<body>\n<main>\n<h1>${title}</h1>\n<p class="soft">${escapeMarkup(options.subtitle)}</p>`,
    facts(report.total, baseline),
    ...(byDay ? [renderDaysChart(byDay)] : []),
    usesChart(report.total),
    ...(byModel ? [modelsChart(byModel), renderLatencyChart(byModel)] : []),
    ...asked.map((division) => table(division, report.total)),
    '<section>\n<p class="soft">Days are of UTC. A call counts in the group of its own model and of the day on which it began, a job in that of the model that answered it and of the day on which it ended. Latency: of calls that were answered. Wasted: calls that led to no answer, duplicates, and calls that were cut off, at their estimates. Estimated: those, and calls whose vendor answered and didn’t say what it took.</p>',
    ...(baseline === undefined ? [] : [`<p class="soft">${escapeMarkup(baselineAssumption(baseline))}</p>`]),
    ...(missing === "" ? [] : [`<p class="soft">${escapeMarkup(missing)}</p>`]),
    "</section>\n</main>\n</body>\n</html>\n",
  ].join("\n");
}

function facts(total: Figures, baseline: string | undefined): string {
  const { jobs, answered, calls, reroutes, usage, costNanoUsd, costPerAnsweredNanoUsd, checks, latencyMs, unpricedCalls, estimated } =
    total;
  const wasted = wastedNanoUsd(total);
  const shown: [name: string, value: string, note: string][] = [
    [
      "cost",
      formatUsd(costNanoUsd),
      [
        unpricedCalls > 0 ? `${formatCount(unpricedCalls)} calls without a price` : `${formatCount(calls)} calls`,
        ...(estimated.calls > 0 ? [`${formatUsd(estimated.costNanoUsd)} of it estimated`] : []),
      ].join(", "),
    ],
    ["answered jobs", formatCount(answered), `${formatShare(answered, jobs)} of ${formatCount(jobs)}`],
    [
      "per answered job",
      costPerAnsweredNanoUsd === undefined ? NOTHING : formatUsd(costPerAnsweredNanoUsd),
      `${formatCount(reroutes)} reroutes`,
    ],
    ["wasted", formatUsd(wasted), `${formatShare(wasted, costNanoUsd)} of the cost`],
    [
      "tokens",
      formatCount(usage.inputTokens + usage.outputTokens),
      `${formatShare(usage.cachedInputTokens, usage.inputTokens)} of the input cached`,
    ],
    ["checks passed", formatShare(checks.passed, checks.answers), `of ${formatCount(checks.answers)} answers`],
    [
      "latency, p50",
      latencyMs ? formatDuration(latencyMs.p50) : NOTHING,
      latencyMs ? `p95 ${formatDuration(latencyMs.p95)}, p99 ${formatDuration(latencyMs.p99)}` : "",
    ],
  ];
  if (total.baseline && baseline !== undefined) {
    shown.push([`${baseline} alone`, formatUsd(total.baseline.costNanoUsd), savingWords(total.baseline.savedNanoUsd)]);
  }
  const items = shown.map(
    ([name, value, note]) =>
      `<div><dt>${escapeMarkup(name)}</dt><dd class="fact">${escapeMarkup(value)}</dd><dd class="note">${escapeMarkup(note)}</dd></div>`,
  );
  return `<dl class="facts">\n${items.join("\n")}\n</dl>`;
}

function usesChart({ spent, costNanoUsd }: Figures): string {
  const lines = MONEY_USES.filter((use) => spent[use].costNanoUsd > 0).map((use) => {
    const { calls, costNanoUsd: cost } = spent[use];
    const figures = `${formatUsd(cost)}, ${formatShare(cost, costNanoUsd)}`;
    const tip = `${formatCount(calls)} ${USE_WORDS[use].meaning}: ${figures}`;
    return { name: USE_WORDS[use].name, figures, parts: [{ value: cost, colour: USE_COLOURS[use], tip }] };
  });
  const description = lines.map(({ name, figures }) => `${name}: ${figures}`).join("; ");
  return renderBarsChart({ id: "uses", heading: "Where the money went", description, lines });
}

function modelsChart({ groups }: Division): string {
  const spent = groups.filter(({ costNanoUsd }) => costNanoUsd > 0);
  const lines = spent.slice(0, MOST_MODELS).map((group) => modelLine(group));
  const others = spent.slice(MOST_MODELS);
  const left = others.reduce((sum, { costNanoUsd }) => sum + costNanoUsd, 0);
  if (others.length > 0) {
    const parts = [{ value: left, colour: "var(--rest)", tip: formatUsd(left) }];
    lines.push({ name: `${others.length} others`, figures: formatUsd(left), parts });
  }
  return renderBarsChart({
    id: "by-model",
    heading: "Spend by model",
    description: lines.map(({ name, figures }) => `${name}: ${figures}`).join("; "),
    lines,
    legend: renderLegend([
      ["led to answers, or saw to them", "var(--s1)"],
      ["wasted", "var(--bad)"],
      ...(spent.some((group) => group.spent.undivided.costNanoUsd > 0) ? [["not divided", "var(--rest)"] as const] : []),
    ]),
  });
}

function modelLine(group: Group) {
  const name = shownValue(group.values[0] ?? null);
  const wasted = wastedNanoUsd(group);
  const undivided = group.spent.undivided.costNanoUsd;
  const good = group.costNanoUsd - wasted - undivided;
  return {
    name,
    figures: `${formatUsd(group.costNanoUsd)}, ${formatCount(group.calls)} calls`,
    parts: [
      { value: good, colour: "var(--s1)", tip: `${name}: ${formatUsd(good)} led to answers, or saw to them` },
      { value: wasted, colour: "var(--bad)", tip: `${name}: ${formatUsd(wasted)} wasted` },
      { value: undivided, colour: "var(--rest)", tip: `${name}: ${formatUsd(undivided)} not divided` },
    ],
  };
}

function table({ by, groups }: Division, total: Figures): string {
  const numbers = [
    "jobs",
    "answered",
    "reroutes",
    "calls",
    "tokens in",
    "tokens out",
    "cost",
    "per answer",
    "wasted",
    "checks",
    "p50",
    "p95",
    "p99",
  ];
  const heads = [...numbers, ...(total.baseline ? ["saved"] : [])].map((cell) => `<th scope="col">${cell}</th>`);
  const names = by.map((name) => `<th scope="col" class="name">${escapeMarkup(name)}</th>`);
  const rows = groups.slice(0, MOST_LINES).map((group) => {
    const values = group.values.map((value) => `<th scope="row" class="name">${escapeMarkup(shownValue(value))}</th>`);
    return `<tr>${values.join("")}${cells(group)}</tr>`;
  });
  const left = groups.length - rows.length;
  return [
    `<section>\n<h2>By ${escapeMarkup(by.join(" and "))}</h2>`,
    `<div class="wide${by.length > MOST_ROOMY ? " dense" : ""}"><table><thead><tr>${names.join("")}${heads.join("")}</tr></thead><tbody>\n${rows.join("\n")}\n</tbody>`,
    `<tfoot><tr><th scope="row" class="name" colspan="${by.length}">all</th>${cells(total)}</tr></tfoot></table></div>`,
    ...(left > 0 ? [`<p class="soft">${formatCount(left)} further groups are not shown: --csv has them all.</p>`] : []),
    "</section>",
  ].join("\n");
}

function cells(figures: Figures): string {
  const { usage, latencyMs, costPerAnsweredNanoUsd, checks, baseline } = figures;
  return [
    formatCount(figures.jobs),
    formatCount(figures.answered),
    formatCount(figures.reroutes),
    formatCount(figures.calls),
    formatCount(usage.inputTokens),
    formatCount(usage.outputTokens),
    formatUsd(figures.costNanoUsd),
    costPerAnsweredNanoUsd === undefined ? NOTHING : formatUsd(costPerAnsweredNanoUsd),
    formatUsd(wastedNanoUsd(figures)),
    formatShare(checks.passed, checks.answers),
    ...(latencyMs ? [latencyMs.p50, latencyMs.p95, latencyMs.p99].map(formatDuration) : [NOTHING, NOTHING, NOTHING]),
    ...(baseline ? [baseline.savedNanoUsd === undefined ? NOTHING : formatUsd(baseline.savedNanoUsd)] : []),
  ]
    .map((cell) => `<td>${escapeMarkup(cell)}</td>`)
    .join("");
}
