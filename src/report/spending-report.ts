// What batches came to: figures in all and by groups. Fed with results and ledger entries one by one, it keeps sums only: memory goes with the number of groups, and for
// one batch at a time with its rows, four bytes each.

import type { LedgerEntry } from "../job/ledger.ts";
import type { ModelId } from "../job/names.ts";
import { UsageError } from "../job/errors.ts";
import type { Result } from "../job/result.ts";
import { answeringCall } from "../job/result-answer.ts";
import type { Usage } from "../job/usage.ts";
import { createAnswerMarks } from "./answer-marks.ts";
import { dimensionName, valueIn, type Dimension, type GroupValue, type Placed } from "./dimension.ts";
import { addCall, addJob, createFigureSums, figuresOf, type Figures, type FigureSums } from "./figures.ts";
import { moneyUse } from "./money-uses.ts";

/** One model in place of all: what the answered jobs had cost if each had been answered by it at once, with the tokens that its answering call used. */
export interface Baseline {
  readonly model: ModelId;
  costNanoUsd(usage: Usage): number;
}

export interface ReportOptions {
  /** Each gives one division of the whole. */
  readonly by: readonly (readonly Dimension[])[];
  /** Unix milliseconds: calls that began, and jobs that ended, from `since` on and before `until`. */
  readonly since?: number;
  readonly until?: number;
  readonly baseline?: Baseline;
}

export interface Group extends Figures {
  /** In the order of the division's dimensions. */
  readonly values: readonly GroupValue[];
}

export interface Division {
  readonly by: readonly string[];
  /** By day in its order, else the dearest first. The parts of the groups add up to the whole's. */
  readonly groups: readonly Group[];
}

export interface SpendingReport {
  readonly total: Figures;
  readonly divisions: readonly Division[];
  /** Results whose answering call the ledger doesn't have (any more): what they cost is not in here. */
  readonly answersWithoutCall: number;
  /** Unix ms of the first and the last call; undefined without calls. */
  readonly firstCallAt: number | undefined;
  readonly lastCallAt: number | undefined;
}

export interface ReportSource {
  read(batch: string): AsyncIterable<Result>;
  ledger(batch: string): AsyncIterable<LedgerEntry>;
}

/** Some 700 bytes each. */
const MOST_GROUPS = 1_000_000;

/**
 * A job is in the group of the model that answered it, and of the day on which it ended; a call in those of its own model, and of the day on which it began. What was spent
 * is what the ledger says; results say what for. They are read first, so that in a batch that still runs no call that led to an answer is missing in the ledger.
 * @throws UsageError when there are more groups than can be kept.
 */
export async function createSpendingReport(
  source: ReportSource,
  batches: readonly string[],
  options: ReportOptions,
): Promise<SpendingReport> {
  const { by, since = -Infinity, until = Infinity, baseline } = options;
  const kind = { hasBaseline: baseline !== undefined };
  const total = createFigureSums();
  const divisions = by.map(createDivision);
  const isIn = (at: number) => at >= since && at < until;
  const sumsOf = (place: Placed) => [total, ...divisions.map((division) => division.sumsOf(place))];
  let answersWithoutCall = 0;
  let firstCallAt = Infinity;
  let lastCallAt = -Infinity;

  const addResult = (result: Result) => {
    const { batch, task, tags, tenant, finishedAt } = result;
    const answering = answeringCall(result);
    if (answering && isIn(answering.startedAt)) answersWithoutCall++;
    if (!isIn(finishedAt)) return;
    const cost = baseline && answering ? baseline.costNanoUsd(answering.usage) : 0;
    const model = result.status === "answered" ? result.model : undefined;
    const terms = { batch, task, ...(tags ? { tags } : {}), ...(tenant === undefined ? {} : { tenant }) };
    for (const sums of sumsOf({ ...terms, model, at: finishedAt })) addJob(sums, result, cost);
  };

  for (const batch of batches) {
    const marks = createAnswerMarks();
    for await (const result of source.read(batch)) {
      marks.add(result);
      addResult(result);
    }
    for await (const entry of source.ledger(batch)) {
      if (!isIn(entry.at)) continue;
      firstCallAt = Math.min(firstCallAt, entry.at);
      lastCallAt = Math.max(lastCallAt, entry.at);
      if (marks.roleOf(entry) === "answering") answersWithoutCall--;
      const use = moneyUse(entry, marks);
      const hasResult = marks.hasResult(entry.row);
      for (const sums of sumsOf(entry)) addCall(sums, entry, use, hasResult);
    }
  }
  return {
    total: figuresOf(total, kind),
    divisions: divisions.map((division) => division.read(kind)),
    answersWithoutCall: Math.max(0, answersWithoutCall),
    firstCallAt: firstCallAt === Infinity ? undefined : firstCallAt,
    lastCallAt: lastCallAt === -Infinity ? undefined : lastCallAt,
  };
}

interface DivisionSums {
  sumsOf(place: Placed): FigureSums;
  /** Once: each group's sums are let go as its figures are made. */
  read(kind: { readonly hasBaseline: boolean }): Division;
}

function createDivision(by: readonly Dimension[]): DivisionSums {
  const names = by.map(dimensionName);
  const groups = new Map<string, { readonly values: readonly GroupValue[]; readonly sums: FigureSums }>();
  const day = by.findIndex(({ kind }) => kind === "day");
  return {
    sumsOf(place) {
      const values = by.map((dimension) => valueIn(dimension, place));
      const key = JSON.stringify(values);
      const known = groups.get(key);
      if (known) return known.sums;
      if (groups.size === MOST_GROUPS) throw tooMany(names);
      const sums = createFigureSums();
      groups.set(key, { values, sums });
      return sums;
    },
    read(kind) {
      const made: Group[] = [];
      for (const [key, { values, sums }] of groups) {
        made.push({ values, ...figuresOf(sums, kind) });
        groups.delete(key);
      }
      made.sort(
        (a, b) =>
          compare(a.values[day] ?? "", b.values[day] ?? "") ||
          b.costNanoUsd - a.costNanoUsd ||
          b.calls - a.calls ||
          compareLists(a.values, b.values),
      );
      return { by: names, groups: made };
    },
  };
}

function tooMany(names: readonly string[]): UsageError {
  return new UsageError(
    `there are more than ${MOST_GROUPS.toLocaleString("en-US")} groups by ${names.join(", ")}`,
    "Group by something that many jobs share, or report fewer batches or days at once; modelfleet export has every call.",
  );
}

/** No value comes last. */
function compareLists(a: readonly GroupValue[], b: readonly GroupValue[]): number {
  for (const [i, value] of a.entries()) {
    const other = b[i] ?? null;
    if (value === other) continue;
    if (value === null || other === null) return value === null ? 1 : -1;
    return compare(value, other);
  }
  return 0;
}

function compare(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
