// A spending report as JSON, in pieces: of a million groups it would be longer than a string can be.

import type { Division } from "./spending-report.ts";

/** A piece is handed out when this much text is in it. */
const PIECE_CHARACTERS = 256 * 1024;

/** What `JSON.stringify({ ...head, groups }, undefined, 2)` makes, and a line end. `head` has no `groups`. */
export function* renderReportJson(head: object, { by, groups }: Division): Generator<string> {
  const whole = JSON.stringify({ ...head, groups: [] }, undefined, 2);
  if (groups.length === 0) return yield `${whole}\n`;
  let piece = whole.slice(0, -"]\n}".length);
  for (const [i, { values, ...figures }] of groups.entries()) {
    const group = Object.fromEntries(by.map((name, at) => [name, values[at] ?? null]));
    // No text within JSON has a line end of its own.
    const lines = JSON.stringify({ group, ...figures }, undefined, 2).replaceAll("\n", "\n    ");
    piece += `${i === 0 ? "" : ","}\n    ${lines}`;
    if (piece.length < PIECE_CHARACTERS) continue;
    yield piece;
    piece = "";
  }
  yield `${piece}\n  ]\n}\n`;
}
