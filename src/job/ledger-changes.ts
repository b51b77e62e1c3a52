// What results do to the ledger, call by call: which entries are new, and which take another's place.

import { ledgerEntries, mergeLedgerEntries, type LedgerEntry } from "./ledger.ts";
import type { Result } from "./result.ts";

/** A result as it comes to the books. `isExtra`: a second one for its row, refused: only its calls count. */
export interface BookedResult {
  readonly id: string;
  readonly result: Result;
  readonly isExtra: boolean;
}

/** `after` is in the ledger from the result `id` on, in place of `before` where the call was booked already. */
export interface LedgerChange {
  readonly id: string;
  readonly before?: LedgerEntry;
  readonly after: LedgerEntry;
}

/**
 * What the results change, in their order. `known`: what the ledger held before the first of them, of the calls that occur in them; calls that are
 * missing there are taken for new.
 */
export function ledgerChanges(results: readonly BookedResult[], known: readonly LedgerEntry[]): readonly LedgerChange[] {
  const booked = new Map(known.map((entry) => [bookedAs(entry), entry]));
  const changes: LedgerChange[] = [];
  for (const { id, result, isExtra } of results) {
    for (const entry of ledgerEntries(result, isExtra)) {
      const place = bookedAs(entry);
      const before = booked.get(place);
      if (!before) {
        booked.set(place, entry);
        changes.push({ id, after: entry });
        continue;
      }
      const after = mergeLedgerEntries(before, entry);
      if (after.outcome === before.outcome && after.isDuplicate === before.isDuplicate) continue;
      booked.set(place, after);
      changes.push({ id, before, after });
    }
  }
  return changes;
}

/** A batch's entries are told apart by row and call. */
export function bookedAs({ row, call }: Pick<LedgerEntry, "row" | "call">): string {
  return `${row}|${call}`;
}
