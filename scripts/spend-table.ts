// The day's spend in `modelfleet status`: by task and model, the dearest.

import { formatCount, formatUsd } from "../src/report/format.ts";
import type { SpendToday } from "../queues/spend-today.ts";
import { table } from "./table.ts";

const MOST_LINES = 8;

export function spendTable(spend: SpendToday): string {
  const shown = spend.byTaskAndModel.slice(0, MOST_LINES);
  const rest = spend.byTaskAndModel.length - shown.length;
  const cutOff = spend.uncertainCalls > 0 ? `; ${formatCount(spend.uncertainCalls)} were cut off` : "";
  const estimated =
    spend.estimatedCalls > 0
      ? `, ${formatCount(spend.estimatedCalls)} of them booked at estimates (${formatUsd(spend.estimatedNanoUsd)}${cutOff})`
      : "";
  const rows = shown.map(({ task, model, calls, inputTokens, outputTokens, costNanoUsd }) => [
    task,
    model,
    formatCount(calls),
    formatCount(inputTokens),
    formatCount(outputTokens),
    formatUsd(costNanoUsd),
  ]);
  return [
    `spent on ${spend.day} (UTC): ${formatUsd(spend.costNanoUsd)} in ${formatCount(spend.calls)} calls${estimated}\n`,
    table(["task", "model", "calls", "tokens in", "tokens out", "cost"], rows),
    ...(rest > 0 ? [`and ${formatCount(rest)} more: modelfleet status --json\n`] : []),
  ].join("");
}
