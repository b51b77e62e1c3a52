// The pilot's answers in columns, one per model, cheapest model first. What can't be compared is left out here, with the reason: models
// without a price or with too many gaps, and rows that not every remaining model was asked.

import type { ModelId } from "../job/names.ts";
import { consensus } from "./consensus.ts";
import type { Basis, PilotAnswer, PilotInput, PilotReport, PilotRow } from "./pilot.ts";

/** One model's answers, by row. */
export interface Column {
  readonly id: ModelId;
  readonly provider: string;
  readonly isRight: Uint8Array;
  /** Equal numbers in a row are equal answers; {@link UNUSABLE}: none that passed the checks. */
  readonly given: Int32Array;
  readonly hasPassed: Uint8Array;
  readonly costNanoUsd: Float64Array;
  readonly latencyMs: Float64Array;
  readonly quality: number;
  readonly meanCostNanoUsd: number;
  readonly passRate: number;
}

export interface Sample extends Pick<PilotReport, "basis" | "leftOutRows" | "leftOutModels"> {
  readonly rows: number;
  /** Cheapest first. */
  readonly columns: readonly Column[];
}

export const UNUSABLE = -1;

/** A model that was not asked in more rows than this is left out, so that it doesn't take those rows from all others. */
const MOST_GAPS = 0.1;

export function createSample(input: PilotInput): Sample {
  const judged = input.rows.filter((row) => Object.values(row.answers).some(({ correct }) => correct !== undefined));
  const basis: Basis = judged.length === 0 ? "agreement" : (input.correctBy ?? "gold");
  const eligible = basis === "agreement" ? input.rows : judged;

  const leftOutModels: { model: ModelId; reason: string }[] = [];
  const models = input.models.filter(({ id }) => {
    const reason = whyLeftOut(id, eligible);
    if (reason !== undefined) leftOutModels.push({ model: id, reason });
    return reason === undefined;
  });
  const rows = models.length === 0 ? [] : eligible.filter((row) => models.every(({ id }) => row.answers[id] !== undefined));

  const given = numberAnswers(
    rows,
    models.map(({ id }) => id),
  );
  const truth =
    basis === "agreement"
      ? consensus(
          given,
          models.map(({ provider }) => provider),
          rows.length,
        )
      : undefined;
  const columns = models.map(({ id, provider }, index): Column => {
    const answers = rows.map((row) => row.answers[id]!);
    const values = given[index]!;
    // An answer that fails its checks is never delivered, so it isn't right either, whatever it says.
    const isRight = Uint8Array.from(answers, ({ correct }, row) =>
      Number(values[row] !== UNUSABLE && (truth ? values[row] === truth[row] : correct === true)),
    );
    // At first try, as the fleet counts it as well.
    const hasPassed = Uint8Array.from(answers, ({ passed, isRepaired = false }) => Number(passed && !isRepaired));
    const costNanoUsd = Float64Array.from(answers, (answer) => answer.costNanoUsd);
    return {
      id,
      provider,
      isRight,
      given: values,
      hasPassed,
      costNanoUsd,
      latencyMs: Float64Array.from(answers, (answer) => answer.latencyMs),
      quality: mean(isRight),
      meanCostNanoUsd: mean(costNanoUsd),
      passRate: mean(hasPassed),
    };
  });
  return {
    basis,
    rows: rows.length,
    columns: columns.toSorted((a, b) => a.meanCostNanoUsd - b.meanCostNanoUsd || compareIds(a.id, b.id)),
    leftOutRows: input.rows.length - rows.length,
    leftOutModels,
  };
}

export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return values.length === 0 ? 0 : sum / values.length;
}

function whyLeftOut(id: ModelId, rows: readonly PilotRow[]): string | undefined {
  const answers = rows.flatMap((row) => row.answers[id] ?? []);
  if (answers.length < rows.length * (1 - MOST_GAPS) || answers.length === 0) {
    return `it was asked in ${answers.length} of ${rows.length} rows only`;
  }
  if (!answers.some(isUsable)) return "none of its answers passed the checks";
  // Also with a price list that lacks it: beside a model that seems free, every cascade would look cheap.
  if (answers.every(({ costNanoUsd }) => costNanoUsd === 0)) return "its calls cost nothing: give it a price to compare it";
  return undefined;
}

function isUsable({ value, passed }: PilotAnswer): boolean {
  return passed && value !== undefined;
}

/** By model: per row, the number of its answer among the row's different answers. */
function numberAnswers(rows: readonly PilotRow[], models: readonly ModelId[]): readonly Int32Array[] {
  const columns = models.map(() => new Int32Array(rows.length));
  for (const [row, { answers }] of rows.entries()) {
    const numbers = new Map<string, number>();
    for (const [index, model] of models.entries()) {
      const answer = answers[model]!;
      const value = isUsable(answer) ? answer.value : undefined;
      if (value !== undefined && !numbers.has(value)) numbers.set(value, numbers.size);
      columns[index]![row] = value === undefined ? UNUSABLE : numbers.get(value)!;
    }
  }
  return columns;
}

function compareIds(a: ModelId, b: ModelId): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
