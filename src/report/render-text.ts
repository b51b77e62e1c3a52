// A summary as text for a terminal.

import { formatCount, formatDuration, formatRate, formatShare, formatUsd } from "./format.ts";
import type { ModelSummary, Summary } from "./summary.ts";
import { alignColumns } from "./align-columns.ts";

/** Aligned in columns, without colour, no line end at the end. `title` becomes the first line. */
export function renderText(summary: Summary, options: { title?: string } = {}): string {
  const blocks = [overview(summary), errors(summary), models(summary.models)].filter((lines) => lines.length > 0);
  const title = options.title === undefined ? [] : [[options.title]];
  return [...title, ...blocks].map((lines) => lines.join("\n")).join("\n\n");
}

function overview(summary: Summary): string[] {
  const { rows, answered, failed, rerouted, calls, uncertainCalls, usage, accuracy, wallMs } = summary;
  const facts: [name: string, value: string, note: string][] = [
    ["rows", formatCount(rows), ""],
    ["answered", formatCount(answered), formatShare(answered, rows)],
    ["failed", formatCount(failed), failed > 0 ? formatShare(failed, rows) : ""],
    ["rerouted", formatCount(rerouted), rerouted > 0 ? formatShare(rerouted, rows) : ""],
    ["calls", formatCount(calls), uncertainCalls > 0 ? `${formatCount(uncertainCalls)} cut off, perhaps paid twice` : ""],
    [
      "tokens",
      formatCount(usage.inputTokens + usage.outputTokens),
      `${formatCount(usage.inputTokens)} in, ${formatCount(usage.outputTokens)} out`,
    ],
    ["cost", formatUsd(summary.costNanoUsd), costNotes(summary)],
    ["time", formatDuration(wallMs), wallMs > 0 ? `${formatRate((rows * 1000) / wallMs)} rows` : ""],
  ];
  if (accuracy)
    facts.push([
      "accuracy",
      formatShare(accuracy.right, accuracy.checked),
      `${formatCount(accuracy.right)} of ${formatCount(accuracy.checked)} right`,
    ]);
  return alignColumns(
    facts.map((fact) => [...fact]),
    ["left", "right", "left"],
  );
}

function costNotes({ answered, costNanoUsd, estimatedNanoUsd }: Summary): string {
  return [
    ...(answered > 0 ? [`${formatUsd(costNanoUsd / answered)} per answer`] : []),
    ...(estimatedNanoUsd > 0 ? [`${formatUsd(estimatedNanoUsd)} of it estimated`] : []),
  ].join(", ");
}

function errors(summary: Summary): string[] {
  if (summary.errors.length === 0) return [];
  return [
    "errors",
    ...alignColumns(
      summary.errors.map(({ code, rows }) => [code, formatCount(rows)]),
      ["left", "right"],
    ),
  ];
}

function models(summaries: readonly ModelSummary[]): string[] {
  if (summaries.length === 0) return [];
  const head = ["model", "calls", "answered", "failed", "429", "tokens in", "tokens out", "p50", "p95", "cost"];
  const rows = summaries.map((model) => [
    model.model,
    formatCount(model.calls),
    formatCount(model.answered),
    formatCount(model.failed),
    formatCount(model.throttled),
    formatCount(model.usage.inputTokens),
    formatCount(model.usage.outputTokens),
    model.p50LatencyMs === undefined ? "–" : formatDuration(model.p50LatencyMs),
    model.p95LatencyMs === undefined ? "–" : formatDuration(model.p95LatencyMs),
    formatUsd(model.costNanoUsd),
  ]);
  return alignColumns([head, ...rows], ["left", ...head.slice(1).map(() => "right" as const)]);
}
