// A spending report as text for a terminal: what it came to, where the money went, and the groups.

import { formatCount, formatDuration, formatShare, formatUsd } from "./format.ts";
import { wastedNanoUsd, type Figures } from "./figures.ts";
import { baselineAssumption, estimatedWords, missingWords, NOTHING, savingWords, shownValue, USE_WORDS } from "./report-words.ts";
import type { Division, SpendingReport } from "./spending-report.ts";
import { MONEY_USES } from "./money-uses.ts";
import { alignColumns, type Side } from "./align-columns.ts";

const WIDTH = 100;

/** Aligned in columns, without colour, no line end at the end. */
export function renderReportText(report: SpendingReport, options: { readonly title: string; readonly baseline?: string }): string {
  const { baseline } = options;
  const blocks = [
    [options.title],
    overview(report.total, baseline),
    spending(report.total),
    ...report.divisions.map((division) => groups(division, baseline !== undefined)),
    baseline === undefined ? [] : wrapped(baselineAssumption(baseline)),
    wrapped(missingWords(report)),
  ];
  return blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n");
}

function overview(total: Figures, baseline: string | undefined): readonly string[] {
  const {
    jobs,
    answered,
    failed,
    reroutes,
    calls,
    usage,
    costNanoUsd,
    costPerAnsweredNanoUsd,
    checks,
    latencyMs,
    unpricedCalls,
    estimated,
  } = total;
  const parts = [
    [usage.cachedInputTokens, "in cached"],
    [usage.cacheWriteTokens, "in written to caches"],
    [usage.reasoningTokens, "out for reasoning"],
  ] as const;
  const facts: [name: string, value: string, note: string][] = [
    ["jobs", formatCount(jobs), ""],
    ["answered", formatCount(answered), formatShare(answered, jobs)],
    ["failed", formatCount(failed), failed > 0 ? formatShare(failed, jobs) : ""],
    ["reroutes", formatCount(reroutes), ""],
    ["calls", formatCount(calls), unpricedCalls > 0 ? `${formatCount(unpricedCalls)} of models without a price, booked at nothing` : ""],
    ["tokens in", formatCount(usage.inputTokens), tokenNotes(parts.slice(0, 2))],
    ["tokens out", formatCount(usage.outputTokens), tokenNotes(parts.slice(2))],
    [
      "checks passed",
      formatShare(checks.passed, checks.answers),
      `${formatCount(checks.passed)} of ${formatCount(checks.answers)} answers that came`,
    ],
    [
      "latency",
      latencyMs ? formatDuration(latencyMs.p50) : NOTHING,
      latencyMs ? `p95 ${formatDuration(latencyMs.p95)}, p99 ${formatDuration(latencyMs.p99)}` : "",
    ],
    ["cost", formatUsd(costNanoUsd), costPerAnsweredNanoUsd === undefined ? "" : `${formatUsd(costPerAnsweredNanoUsd)} per answered job`],
  ];
  if (estimated.calls > 0) facts.push(["estimated", formatUsd(estimated.costNanoUsd), estimatedWords(estimated.calls)]);
  if (total.baseline && baseline !== undefined) {
    const { costNanoUsd: alone, savedNanoUsd } = total.baseline;
    const share = savedNanoUsd !== undefined && savedNanoUsd > 0 ? `, ${formatShare(savedNanoUsd, alone)}` : "";
    facts.push([`${baseline} alone`, formatUsd(alone), `${savingWords(savedNanoUsd)}${share}`]);
  }
  return alignColumns(facts, ["left", "right", "left"]);
}

function tokenNotes(parts: readonly (readonly [tokens: number, words: string])[]): string {
  return parts
    .filter(([tokens]) => tokens > 0)
    .map(([tokens, words]) => `${formatCount(tokens)} ${words}`)
    .join(", ");
}

function spending({ spent, costNanoUsd }: Figures): readonly string[] {
  const rows = MONEY_USES.filter((use) => spent[use].calls > 0).map((use) => [
    USE_WORDS[use].name,
    formatUsd(spent[use].costNanoUsd),
    formatShare(spent[use].costNanoUsd, costNanoUsd),
    formatCount(spent[use].calls),
    USE_WORDS[use].meaning,
  ]);
  return rows.length === 0
    ? []
    : alignColumns([["spent on", "cost", "share", "calls", ""], ...rows], ["left", "right", "right", "right", "left"]);
}

function groups({ by, groups: all }: Division, hasBaseline: boolean): readonly string[] {
  const numbers = ["jobs", "answered", "reroutes", "calls", "tokens", "cost", "per answer", "wasted", "checks", "p50", "p95", "p99"];
  const head = [...by, ...numbers, ...(hasBaseline ? ["saved"] : [])];
  const rows = all.map((group) => {
    const { usage, latencyMs, costPerAnsweredNanoUsd, checks, baseline } = group;
    return [
      ...group.values.map(shownValue),
      formatCount(group.jobs),
      formatCount(group.answered),
      formatCount(group.reroutes),
      formatCount(group.calls),
      formatCount(usage.inputTokens + usage.outputTokens),
      formatUsd(group.costNanoUsd),
      costPerAnsweredNanoUsd === undefined ? NOTHING : formatUsd(costPerAnsweredNanoUsd),
      formatUsd(wastedNanoUsd(group)),
      formatShare(checks.passed, checks.answers),
      ...(latencyMs ? [latencyMs.p50, latencyMs.p95, latencyMs.p99].map(formatDuration) : [NOTHING, NOTHING, NOTHING]),
      ...(baseline ? [baseline.savedNanoUsd === undefined ? NOTHING : formatUsd(baseline.savedNanoUsd)] : []),
    ];
  });
  const sides = [...by.map((): Side => "left"), ...head.slice(by.length).map((): Side => "right")];
  return alignColumns([head, ...rows], sides);
}

/** Lines of at most {@link WIDTH} letters, indented by two. */
function wrapped(text: string): readonly string[] {
  if (text === "") return [];
  return text.split(" ").reduce<string[]>((lines, word) => {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length >= WIDTH) lines.push(`  ${word}`);
    else lines[lines.length - 1] = `${last} ${word}`;
    return lines;
  }, []);
}
