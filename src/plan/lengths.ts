// How long rows are, as sums over rows of about the same length: what doesn't go straight with a row's tokens, such as the price of a long input, is told of each
// of the sums by itself. Memory goes by how much the rows differ, not by how many there are.

/** By bin. */
export type Lengths = Map<number, { rows: number; inputTokens: number }>;

/** Rows that stand together differ by some four hundredths. */
const BINS_PER_DOUBLING = 16;

export function addLength(lengths: Lengths, inputTokens: number): void {
  const bin = Math.floor(BINS_PER_DOUBLING * Math.log2(1 + inputTokens));
  const found = lengths.get(bin) ?? { rows: 0, inputTokens: 0 };
  lengths.set(bin, found);
  found.rows++;
  found.inputTokens += inputTokens;
}

/** The mean over the rows of what comes of a row's tokens. */
export function meanOver(lengths: Lengths, of: (inputTokens: number) => number): number {
  let rows = 0;
  let sum = 0;
  for (const each of lengths.values()) {
    rows += each.rows;
    sum += each.rows * of(each.inputTokens / each.rows);
  }
  return rows > 0 ? sum / rows : 0;
}
