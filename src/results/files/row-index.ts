// Where each row's result lies: 16 bytes a row in typed arrays, for one range of rows at a time.

/** Position of a line in the segments of a batch, as one number: segment × 2^40 + offset. */
const SEGMENT_SPAN = 2 ** 40;

export interface LinePlace {
  readonly row: number;
  readonly segment: number;
  readonly offset: number;
  readonly bytes: number;
}

export interface RowIndex {
  /** Notes a line of a row of the range; of two lines of a row the one of the higher round stays. */
  note(line: { row: number; round: number; segment: number; offset: number; bytes: number }): void;
  /** The rows that have a line, in order. */
  places(): Generator<LinePlace>;
}

/** Rows from `firstRow` to `firstRow + maxRows - 1`; it grows with the rows that are noted. */
export function createRowIndex(options: { firstRow: number; maxRows: number }): RowIndex {
  const { firstRow, maxRows } = options;
  let capacity = Math.min(maxRows, 4096);
  let positions = new Float64Array(capacity);
  let sizes = new Uint32Array(capacity);
  /** Round + 1; 0: no line. */
  let rounds = new Uint32Array(capacity);

  const grow = (rows: number) => {
    while (capacity < rows) capacity = Math.min(maxRows, capacity * 2);
    positions = copyInto(new Float64Array(capacity), positions);
    sizes = copyInto(new Uint32Array(capacity), sizes);
    rounds = copyInto(new Uint32Array(capacity), rounds);
  };

  return {
    note({ row, round, segment, offset, bytes }) {
      const at = row - firstRow;
      if (at >= capacity) grow(at + 1);
      if (round + 1 <= (rounds[at] as number)) return;
      positions[at] = segment * SEGMENT_SPAN + offset;
      sizes[at] = bytes;
      rounds[at] = round + 1;
    },
    *places() {
      for (let at = 0; at < capacity; at++) {
        if (rounds[at] === 0) continue;
        const position = positions[at] as number;
        const segment = Math.floor(position / SEGMENT_SPAN);
        yield { row: firstRow + at, segment, offset: position - segment * SEGMENT_SPAN, bytes: sizes[at] as number };
      }
    },
  };
}

function copyInto<Numbers extends Float64Array<ArrayBuffer> | Uint32Array<ArrayBuffer>>(target: Numbers, source: Numbers): Numbers {
  target.set(source);
  return target;
}
