// What batches came to: figures in all and by groups. Fed with results and ledger entries one by one, it keeps sums only: memory goes with the number of groups.

import type { LedgerEntry } from "../job/ledger.ts";
import type { ModelId } from "../job/names.ts";
import type { Result } from "../job/result.ts";
import type { Usage } from "../job/usage.ts";
import { dimensionName, valueIn, type Dimension, type GroupValue, type Placed } from "./dimension.ts";
import { createFiguresTally, type Figures, type FiguresTally } from "./figures.ts";
import { answeringCall, usefulCalls } from "./spending.ts";

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
  /** Unix ms of the first and the last call; undefined without calls. */
  readonly firstCallAt: number | undefined;
  readonly lastCallAt: number | undefined;
}

export interface ReportSource {
  read(batch: string): AsyncIterable<Result>;
  ledger(batch: string): AsyncIterable<LedgerEntry>;
}

/**
 * A job is in the group of the model that answered it, and of the day on which it ended; a call in those of its own model, and of the day on which it began. Results are
 * read first, so that in a batch that still runs no call that led to an answer is missing in the ledger.
 */
export async function createSpendingReport(
  source: ReportSource,
  batches: readonly string[],
  options: ReportOptions,
): Promise<SpendingReport> {
  const { by, since = -Infinity, until = Infinity, baseline } = options;
  const kind = { hasBaseline: baseline !== undefined };
  const total = createFiguresTally(kind);
  const divisions = by.map((dimensions) => createDivision(dimensions, () => createFiguresTally(kind)));
  const isIn = (at: number) => at >= since && at < until;
  const tallies = (place: Placed) => [total, ...divisions.map((division) => division.tallyOf(place))];
  let firstCallAt = Infinity;
  let lastCallAt = -Infinity;

  const addResult = (result: Result) => {
    const { task, tags, tenant, finishedAt } = result;
    const terms = { task, ...(tags ? { tags } : {}), ...(tenant === undefined ? {} : { tenant }) };
    for (const { use, entry } of usefulCalls(result)) {
      if (!isIn(entry.startedAt)) continue;
      for (const tally of tallies({ ...terms, model: entry.model, at: entry.startedAt })) tally.addUseful(use, entry);
    }
    if (!isIn(finishedAt)) return;
    const answering = answeringCall(result);
    const cost = baseline && answering ? baseline.costNanoUsd(answering.usage) : 0;
    const model = result.status === "answered" ? result.model : undefined;
    for (const tally of tallies({ ...terms, model, at: finishedAt })) tally.addJob(result, cost);
  };
  const addCall = (entry: LedgerEntry) => {
    if (!isIn(entry.at)) return;
    firstCallAt = Math.min(firstCallAt, entry.at);
    lastCallAt = Math.max(lastCallAt, entry.at);
    for (const tally of tallies(entry)) tally.addCall(entry);
  };

  for (const batch of batches) {
    for await (const result of source.read(batch)) addResult(result);
    for await (const entry of source.ledger(batch)) addCall(entry);
  }
  return {
    total: total.read(),
    divisions: divisions.map((division) => division.read()),
    firstCallAt: firstCallAt === Infinity ? undefined : firstCallAt,
    lastCallAt: lastCallAt === -Infinity ? undefined : lastCallAt,
  };
}

interface DivisionTally {
  tallyOf(place: Placed): FiguresTally;
  read(): Division;
}

function createDivision(by: readonly Dimension[], createTally: () => FiguresTally): DivisionTally {
  const groups = new Map<string, { readonly values: readonly GroupValue[]; readonly tally: FiguresTally }>();
  const day = by.findIndex(({ kind }) => kind === "day");
  return {
    tallyOf(place) {
      const values = by.map((dimension) => valueIn(dimension, place));
      const key = JSON.stringify(values);
      const known = groups.get(key);
      if (known) return known.tally;
      const tally = createTally();
      groups.set(key, { values, tally });
      return tally;
    },
    read: () => ({
      by: by.map(dimensionName),
      groups: Array.from(groups.values(), ({ values, tally }): Group => ({ values, ...tally.read() })).toSorted(
        (a, b) =>
          compare(a.values[day] ?? "", b.values[day] ?? "") ||
          b.costNanoUsd - a.costNanoUsd ||
          b.calls - a.calls ||
          compare(JSON.stringify(a.values), JSON.stringify(b.values)),
      ),
    }),
  };
}

function compare(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
