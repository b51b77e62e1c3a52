// What a pilot says: on standard error what it is about to do and how it went, on standard output what it found.

import { stripVTControlCharacters, styleText } from "node:util";
import type { PilotReport } from "../src/pilot/pilot.ts";
import { renderScatter } from "../src/pilot/render-scatter.ts";
import { PLAIN, renderTable, type Palette } from "../src/pilot/render-table.ts";
import { formatCount, formatUsd } from "../src/report/format.ts";
import type { PilotNumbers } from "./pilot-options.ts";
import type { PilotPlan } from "./pilot-plan.ts";
import type { Gathered } from "./pilot-report.ts";
import type { PilotEnd } from "./pilot-run.ts";
import { say } from "./terminal.ts";

const WIDTH = { piped: 110, most: 140 };
const MOST_REASONS = 3;

/** Before anything is called. `asked`: calls that are still to be made. */
export function tellPlan(
  plan: PilotPlan,
  {
    asked,
    estimateNanoUsd,
    maxCostNanoUsd,
  }: Pick<PilotNumbers, "maxCostNanoUsd"> & { readonly asked: number; readonly estimateNanoUsd: number },
): void {
  const { sample, rows, models, leftOut, inputName, comparing } = plan;
  const besides = [
    sample.badRows > 0 ? `${formatCount(sample.badRows)} bad` : "",
    sample.rowsWithoutGold > 0 ? `${formatCount(sample.rowsWithoutGold)} without a right answer` : "",
  ].filter((each) => each !== "");
  const without = besides.length > 0 ? ` (left out: ${besides.join(", ")})` : "";
  say(
    `${formatCount(sample.rows.length)} of ${count(sample.of, "row")} of ${inputName} drawn${without}, for ${count(models.length, "model")}`,
  );
  say(basisOf(comparing.basis, comparing.field));
  for (const { model, reason } of leftOut) say(`left out: ${model}: ${reason}`);
  if (rows.length < sample.rows.length)
    say(`left out: ${count(sample.rows.length - rows.length, "row")} that not every model may or can take`);
  if (asked === 0) {
    say("all of it was asked before: nothing is called again");
    return;
  }
  const cap = maxCostNanoUsd === undefined ? "no cap (--max-cost sets one)" : `capped at ${formatUsd(maxCostNanoUsd)}`;
  say(`${count(asked, "call")} to make, about ${formatUsd(estimateNanoUsd)} (prompts counted, the length of answers guessed); ${cap}`);
}

/** Says which models brought no answer to rows, and why; answers with the number of answers that are missing. */
export function tellGaps({ trials }: PilotPlan, { answers, askedRows }: Gathered): number {
  let missing = 0;
  for (const [i, { model }] of trials.entries()) {
    const { answers: given, gaps } = answers[i]!;
    const without = askedRows - Array.from(given.keys()).filter((row) => row < askedRows).length;
    if (without === 0) continue;
    missing += without;
    const reasons = Array.from(gaps).toSorted((a, b) => b[1] - a[1]);
    const told = reasons.slice(0, MOST_REASONS).map(([reason, times]) => `${formatCount(times)} × ${reason}`);
    say(`${model.id}: no answer to ${count(without, "row")}${told.length > 0 ? ` (${told.join("; ")})` : ""}`);
  }
  return missing;
}

/** `nowNanoUsd`: of what the pilot has cost in all, what was spent by this command. */
export function tellEnd(
  end: PilotEnd,
  { allNanoUsd, nowNanoUsd, askedRows }: { readonly allNanoUsd: number; readonly nowNanoUsd: number; readonly askedRows: number },
): void {
  const now = nowNanoUsd === allNanoUsd ? "" : `, ${formatUsd(nowNanoUsd)} of it now`;
  say(`the pilot has cost ${formatUsd(allNanoUsd)}${now}`);
  if (end === "too-dear") {
    say(
      `stopped by --max-cost: the report rests on the ${count(askedRows, "row")} that every model was asked. A higher cap goes on from there.`,
    );
  }
  say();
}

/** The report for people, on standard output. `yaml`: the route, where it isn't written to a file. */
export function printReport(report: PilotReport, yaml: string | undefined): void {
  const width = Math.min(WIDTH.most, process.stdout.columns ?? WIDTH.piped);
  const palette = process.stdout.isTTY && process.stdout.hasColors() ? COLOURS : PLAIN;
  const scatter = renderScatter(report, { width, palette });
  const parts = [
    renderTable(report, { width, palette }),
    scatter,
    yaml === undefined ? "" : `${palette.dim("# into the task:")}\n${yaml.trimEnd()}`,
  ];
  process.stdout.write(`${parts.filter((part) => part !== "").join("\n\n")}\n`);
}

const COLOURS: Palette = {
  strong: (text) => styleText("bold", text),
  good: (text) => styleText(["bold", "green"], stripVTControlCharacters(text)),
  dim: (text) => styleText("dim", text),
};

function basisOf(basis: PilotReport["basis"], field: string | undefined): string {
  const compared = field === undefined ? "the whole answers" : `the field "${field}" of the answers`;
  switch (basis) {
    case "gold":
      return `right is what matches the gold answer, by ${compared}`;
    case "judge":
      return "right is what the task's judge passes: there is no gold answer";
    case "agreement":
      return `right is what the models agree on, by ${compared}: there is neither a gold answer nor a judge`;
    default:
      return basis satisfies never;
  }
}

function count(n: number, what: string): string {
  return `${formatCount(n)} ${what}${n === 1 ? "" : "s"}`;
}
