// Rows that become text, some at a time: neither a write for each, nor more in one string than memory, and V8, hold with ease.

/** Rows turned into text at once. */
const PIECE_ROWS = 200;
/** Rows may be long: a piece ends early when this much text is in it. */
const PIECE_CHARACTERS = 256 * 1024;

/** What `make` makes of each, in their order; `lengthOf`: in characters. A piece is longer than a quarter of a million by its last row only. */
export async function* inPieces<Item, Made>(
  items: AsyncIterable<Item>,
  make: (item: Item) => Made,
  lengthOf: (made: Made) => number,
): AsyncGenerator<readonly Made[]> {
  let piece: Made[] = [];
  let characters = 0;
  for await (const item of items) {
    const made = make(item);
    piece.push(made);
    characters += lengthOf(made);
    if (piece.length < PIECE_ROWS && characters < PIECE_CHARACTERS) continue;
    yield piece;
    piece = [];
    characters = 0;
  }
  if (piece.length > 0) yield piece;
}
