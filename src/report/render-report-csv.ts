// A spending report's groups as one CSV table: a line for each group, whole numbers, money in nano-dollars.

import { stringify } from "csv-stringify/sync";
import type { Division, Group } from "./spending-report.ts";
import { USES } from "./spending.ts";

type Cell = string | number;

/** Empty cells: there is no such value. */
export function renderReportCsv({ by, groups }: Division): string {
  const lines = groups.map((group) => [...group.values.map((value) => value ?? ""), ...COLUMNS.map(([, of]) => of(group) ?? "")]);
  return stringify([[...by, ...COLUMNS.map(([name]) => name)], ...lines]);
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
  ...USES.flatMap((use) => [
    [`${use}Calls`, ({ spent }: Group) => spent[use].calls] as const,
    [`${use}NanoUsd`, ({ spent }: Group) => spent[use].costNanoUsd] as const,
  ]),
  ["unpricedCalls", ({ unpricedCalls }) => unpricedCalls],
  ["checkedAnswers", ({ checks }) => checks.answers],
  ["passedAnswers", ({ checks }) => checks.passed],
  ["p50LatencyMs", ({ latencyMs }) => latencyMs?.p50],
  ["p95LatencyMs", ({ latencyMs }) => latencyMs?.p95],
  ["p99LatencyMs", ({ latencyMs }) => latencyMs?.p99],
  ["baselineNanoUsd", ({ baseline }) => baseline?.costNanoUsd],
  ["savedNanoUsd", ({ baseline }) => baseline?.savedNanoUsd],
];
