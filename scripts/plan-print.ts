// A plan for people: what it rests on, what the routes compared come to, and what its own route spends on whom.

import type { PlannedRoute, Range, Plan } from "../src/plan/plan.ts";
import { formatCount, formatDuration, formatShare, formatUsd } from "../src/report/format.ts";
import { ASSUMED_INPUT, LONGEST_ASSUMED } from "../src/plan/assumptions.ts";
import { table } from "./table.ts";

/** Ranges narrower than this are not shown beside the number expected. */
const NARROW = 0.02;

export function renderPlan(plan: Plan): string {
  const [own] = plan.routes;
  const parts = [rowsLine(plan), historyLines(plan), routesTable(plan.routes), own ? modelsTable(own) : "", notes(plan)];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

function rowsLine({ input, task, rows }: Plan): string {
  const { total, good, bad, isBadEstimated, estimated, sampleError, firstBad, done } = rows;
  const lines = [
    `${input} for ${task}: ${count(total, "row")}${bad > 0 ? `, ${isBadEstimated ? "about " : ""}${formatCount(bad)} of them bad (${firstBad})` : ""}`,
  ];
  if (estimated < good) {
    lines.push(
      `tokens estimated on ${formatCount(estimated)} rows drawn at random: the input may be off by ${(100 * sampleError).toFixed(1)} % for that`,
    );
  }
  if (done > 0)
    lines.push(
      `${count(done, "row")} of its batch ${done === 1 ? "has" : "have"} a result already: a run of this file calls only the others, with --fresh all of them`,
    );
  return lines.join("\n");
}

function historyLines({ history, assumptions, sampleRows }: Plan): string {
  const { answers, unseen, trialRows, trialsAt, formerRows, formerBatches, formerAt } = history;
  const former =
    formerRows > 0 ? `${count(formerRows, "row")} of ${count(formerBatches, "former run")} (the last of ${timeOf(formerAt)})` : "";
  const trials = trialRows > 0 ? `trials of ${count(trialRows, "row")} (${timeOf(trialsAt)})` : "";
  const seen = [former, trials].filter((each) => each !== "");
  const others = unseen.length === 0 ? "" : ` but ${unseen.join(" and ")}`;
  const learned = answers > 0 ? `what ${formatCount(answers)} or more earlier answers of each model asked first${others} took` : "";
  const basis = seen.length > 0 ? seen.join(" and ") : learned;
  if (basis === "" && unseen.length === 0) return ""; // no row asks a model
  const promise = seen.length > 0 ? "the cost is known to ±10 % after" : "a sample of answers makes the ranges narrow";
  const wider = sampleRows === undefined ? [] : [`${promise}: --sample ${sampleRows}`];
  if (basis !== "" && assumptions.length === 0) return [`by ${basis}; ranges: two standard errors`, ...wider].join("\n");
  return [
    basis === "" ? `by the prompts: no answer of ${unseen.join(" and ")} was seen yet, so each figure is a range` : `by ${basis}; but:`,
    ...assumptions.map((each) => `  ${each}`),
    `  assumed: answers from a few tokens to the request's limit (without one ${formatCount(LONGEST_ASSUMED)}), or to three times those of the other models;`,
    `  the vendor's count of the input ${ASSUMED_INPUT.low} to ${ASSUMED_INPUT.high} times ours; from all checks passed to none, from all answers alike to none`,
    ...wider.map((each) => `  ${each}`),
  ].join("\n");
}

function timeOf(unixMs: number | undefined): string {
  return `${new Date(unixMs ?? 0).toISOString().slice(0, 16)}Z`;
}

function routesTable(routes: readonly PlannedRoute[]): string {
  const head = ["", "calls", "tokens in", "tokens out", "cost", "from … to", "worst case", "time", "from … to", "bound by"];
  const rows = routes.map((route) => [
    route.name,
    formatCount(route.calls.expected),
    formatCount(route.inputTokens.expected),
    formatCount(route.outputTokens.expected),
    `${formatUsd(route.costNanoUsd.expected)}${route.unpriced.length > 0 ? " + ?" : ""}`,
    span(route.costNanoUsd, formatUsd),
    formatUsd(route.worstCostNanoUsd),
    formatDuration(route.timeMs.expected),
    span(route.timeMs, formatDuration),
    route.boundBy,
  ]);
  return table(head, rows).trimEnd();
}

function modelsTable({ name, models, costNanoUsd }: PlannedRoute): string {
  const called = models.filter(({ calls }) => calls > 0);
  if (called.length < 2) return "";
  const rows = called.map((each) => [
    each.model,
    formatCount(each.calls),
    formatCount(each.inputTokens),
    formatCount(each.outputTokens),
    formatUsd(each.costNanoUsd),
    formatShare(each.costNanoUsd, costNanoUsd.expected),
  ]);
  return `${name}, by model\n${table(["model", "calls", "tokens in", "tokens out", "cost", "share"], rows).trimEnd()}`;
}

function notes({ routes, rows, omissions, baseline }: Plan): string {
  const [own] = routes;
  const against = routes.find(({ name }) => name === baseline);
  const lines = routes.flatMap(({ name, unableRows }) =>
    unableRows > 0 ? [`${name}: ${count(unableRows, "row")} of ${formatCount(rows.good)} that no model of it can or may take`] : [],
  );
  for (const model of new Set(routes.flatMap(({ unpriced }) => unpriced)))
    lines.push(`${model} has no price: what it costs is not in here`);
  if (own && against && isComparable(own, against)) {
    lines.push(`the route costs ${formatShare(own.costNanoUsd.expected, against.costNanoUsd.expected)} of ${against.name} alone`);
  }
  lines.push(
    ...omissions,
    "time: from the first row to the last, as a fleet takes the rows that has the limits to itself; starting it takes some seconds more, and above some hundred calls a second a machine may be slower than they are",
    "worst case: every step of the route once, with its repairs and judgements, every answer as long as it may be; calls that fail without an answer cost nothing",
  );
  return lines.join("\n");
}

/** Both are of the same rows, with nothing left out. */
function isComparable(own: PlannedRoute, against: PlannedRoute): boolean {
  return own.unableRows === against.unableRows && own.unpriced.length + against.unpriced.length === 0 && against.costNanoUsd.expected > 0;
}

function span({ low, expected, high }: Range, format: (value: number) => string): string {
  if (high - low <= NARROW * expected) return "";
  return `${format(low)} … ${format(high)}`;
}

function count(n: number, what: string): string {
  return `${formatCount(n)} ${what}${n === 1 ? "" : "s"}`;
}
