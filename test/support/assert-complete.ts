// What every end-to-end test wants of an output: each row once, in input order.

import { expect } from "vitest";

/** Every row from 0 to `count` − 1 exactly once, in order. */
export function expectEveryRowOnce(lines: readonly Record<string, unknown>[], count: number): void {
  const rows = lines.map((line) => line["row"]);
  expect(rows.length).toBe(count);
  const wrong = rows.findIndex((row, i) => row !== i);
  expect(wrong, `row ${String(rows[wrong])} stands at position ${wrong}`).toBe(-1);
}
