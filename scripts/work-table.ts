// The table of work in `modelfleet status`: how each model has done on each task of late.

import { formatCount, formatDuration, formatUsd } from "../src/report/format.ts";
import type { WorkStatus } from "../queues/work-status.ts";
import { table } from "./table.ts";

const NOTHING = "–";

export function workTable(work: readonly WorkStatus[]): string {
  const rows = work.map(({ task, purpose, model, stats, fallenFrom }) => {
    const isAgreement = purpose === "agreement";
    return [
      purpose === "answer" || isAgreement ? task : `${task} (${purpose})`,
      model.replaceAll("+", " + "),
      formatCount(Math.round(stats.calls)),
      isAgreement ? NOTHING : percent(stats.answerRate),
      `${percent(stats.passRate)}${isAgreement ? " agree" : ""}${fallenFrom === undefined ? "" : `, was ${percent(fallenFrom)}`}`,
      isAgreement || stats.p50Ms === undefined ? NOTHING : `${formatDuration(stats.p50Ms)} / ${formatDuration(stats.p95Ms ?? stats.p50Ms)}`,
      isAgreement || stats.costNanoUsd === undefined ? NOTHING : formatUsd(Math.round(stats.costNanoUsd)),
    ];
  });
  return table(["task", "model", "calls of late", "answered", "passed checks", "p50 / p95", "cost each"], rows);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
