// How much of a store is read at most: so many rows, and so long.

export interface ReadingLimits {
  /** Default 20,000. */
  readonly mostRows?: number;
  /** Milliseconds after which no further row is read. Default 10 s. */
  readonly patienceMs?: number;
}

export interface ReadingAllowance {
  isUsedUp(): boolean;
  /** Rows. */
  left(): number;
  countRow(): void;
}

const MOST_ROWS = 20_000;
const PATIENCE_MS = 10_000;

/** The time begins to run at once. */
export function createReadingAllowance({ mostRows = MOST_ROWS, patienceMs = PATIENCE_MS }: ReadingLimits = {}): ReadingAllowance {
  const until = performance.now() + patienceMs;
  let left = mostRows;
  return {
    isUsedUp: () => left <= 0 || performance.now() > until,
    left: () => left,
    countRow: () => void left--,
  };
}
