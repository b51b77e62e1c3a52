// Stands in for gold labels: the answer that the models together hold most likely, row by row.
//
// Votes are weighted by how often a model is in line with the others, found by turns of "which answers are likely" and "who gives them"
// (Dawid and Skene, 1979, with one rate per model). Models of one vendor share training and so mistakes: for an answer a vendor has one
// vote, that of its best model that gave it.

const TURNS = 10;
/** Added to the counts of agreement and of disagreement, so that no model is held infallible or worthless. */
const DOUBT = 1;

/** Per row the number of the likeliest answer, or -1 where no model gave one. `given` as in sample.ts: by model, then row. */
export function consensus(given: readonly Int32Array[], providers: readonly string[], rows: number): Int32Array {
  let weights: readonly number[] = given.map(() => 1);
  let chosen = new Int32Array(rows);
  for (let turn = 0; turn < TURNS; turn++) {
    chosen = Int32Array.from({ length: rows }, (_, row) => likeliest(given, providers, weights, row));
    weights = given.map((answers) => {
      const agreed = answers.reduce((sum, value, row) => sum + Number(value >= 0 && value === chosen[row]), 0);
      const rate = (agreed + DOUBT) / (rows + 2 * DOUBT);
      return Math.max(0.01, Math.log(rate / (1 - rate)));
    });
  }
  return chosen;
}

function likeliest(given: readonly Int32Array[], providers: readonly string[], weights: readonly number[], row: number): number {
  const votes = new Map<number, Map<string, number>>();
  for (const [model, answers] of given.entries()) {
    const value = answers[row]!;
    if (value < 0) continue;
    const byVendor = votes.get(value) ?? new Map<string, number>();
    byVendor.set(providers[model]!, Math.max(byVendor.get(providers[model]!) ?? 0, weights[model]!));
    votes.set(value, byVendor);
  }
  let best = { value: -1, weight: 0 };
  for (const [value, byVendor] of votes) {
    const weight = [...byVendor.values()].reduce((sum, vote) => sum + vote, 0);
    if (weight > best.weight) best = { value, weight };
  }
  return best.value;
}
