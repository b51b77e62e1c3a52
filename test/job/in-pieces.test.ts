import { describe, expect, it } from "vitest";
import { inPieces } from "../../src/job/in-pieces.ts";
import { collect, streamOf } from "../results/sample-results.ts";

/** Of rows with texts of these lengths. */
async function piecesOf(lengths: readonly number[]): Promise<readonly (readonly number[])[]> {
  const pieces = inPieces(
    streamOf(lengths),
    (length) => ({ length }),
    ({ length }) => length,
  );
  return (await collect(pieces)).map((piece) => piece.map(({ length }) => length));
}

describe("rows in pieces", () => {
  it("are few at a time, in their order, and none is left out", async () => {
    const lengths = Array.from({ length: 450 }, (_, i) => i);
    const pieces = await piecesOf(lengths);
    expect(pieces.flat()).toEqual(lengths);
    expect(pieces.map(({ length }) => length)).toEqual([200, 200, 50]);
    expect(await piecesOf([])).toEqual([]);
  });

  it("are fewer where they are long, and one by one where each is longer than a piece", async () => {
    expect(await piecesOf([200_000, 100_000, 5, 300_000, 300_000, 1])).toEqual([[200_000, 100_000], [5, 300_000], [300_000], [1]]);
  });
});
