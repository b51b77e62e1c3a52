// A spending report's groups as one CSV table: a line for each group, whole numbers, money in nano-dollars.

import { stringify } from "csv-stringify/sync";
import { spreadsheetText } from "../job/spreadsheet-text.ts";
import type { GroupValue } from "./dimension.ts";
import type { Division, Group } from "./spending-report.ts";
import { MONEY_USES } from "./money-uses.ts";

type Cell = string | number;

/** Empty cells: there is no such value. Values that a spreadsheet would take for formulas have a `'` before them. */
export function renderReportCsv({ by, groups }: Division): string {
  const lines = groups.map((group) => [...group.values.map(valueCell), ...COLUMNS.map(([, of]) => of(group) ?? "")]);
  return stringify([[...by.map(spreadsheetText), ...COLUMNS.map(([name]) => name)], ...lines]);
}

/** An empty value is `""`, for no value is an empty cell; one that begins with a quotation mark is written as JSON, too, so that no two are alike. */
function valueCell(value: GroupValue): string {
  if (value === null) return "";
  return spreadsheetText(value === "" || value.startsWith('"') ? JSON.stringify(value) : value);
}

const COLUMNS: readonly (readonly [name: string, of: (group: Group) => Cell | undefined])[] = [
  ["jobs", ({ jobs }) => jobs],
  ["answered", ({ answered }) => answered],
  ["failed", ({ failed }) => failed],
  ["reroutes", ({ reroutes }) => reroutes],
  ["calls", ({ calls }) => calls],
  ["inputTokens", ({ usage }) => usage.inputTokens],
  ["cachedInputTokens", ({ usage }) => usage.cachedInputTokens],
  ["cacheWriteTokens", ({ usage }) => usage.cacheWriteTokens],
  ["outputTokens", ({ usage }) => usage.outputTokens],
  ["reasoningTokens", ({ usage }) => usage.reasoningTokens],
  ["costNanoUsd", ({ costNanoUsd }) => costNanoUsd],
  ["costPerAnsweredNanoUsd", ({ costPerAnsweredNanoUsd }) => costPerAnsweredNanoUsd],
  ...MONEY_USES.flatMap((use) => [
    [`${use}Calls`, ({ spent }: Group) => spent[use].calls] as const,
    [`${use}NanoUsd`, ({ spent }: Group) => spent[use].costNanoUsd] as const,
  ]),
  ["unpricedCalls", ({ unpricedCalls }) => unpricedCalls],
  ["estimatedCalls", ({ estimated }) => estimated.calls],
  ["estimatedNanoUsd", ({ estimated }) => estimated.costNanoUsd],
  ["checkedAnswers", ({ checks }) => checks.answers],
  ["passedAnswers", ({ checks }) => checks.passed],
  ["p50LatencyMs", ({ latencyMs }) => latencyMs?.p50],
  ["p95LatencyMs", ({ latencyMs }) => latencyMs?.p95],
  ["p99LatencyMs", ({ latencyMs }) => latencyMs?.p99],
  ["baselineNanoUsd", ({ baseline }) => baseline?.costNanoUsd],
  ["savedNanoUsd", ({ baseline }) => baseline?.savedNanoUsd],
];
