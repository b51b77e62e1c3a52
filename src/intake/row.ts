// A row as the intake delivers it: readable or not, with its number and its physical line.

import type { JsonObject } from "../job/json.ts";

interface RowBase {
  /** From 0, in order, one per non-blank line (or CSV record). */
  readonly row: number;
  /** Physical line number in the file, from 1: where the record begins. */
  readonly line: number;
  /** Size in bytes, as read. */
  readonly bytes: number;
  /** Digest of the row's bytes (hex, 16 characters or more), so that a changed file is noticed. */
  readonly digest: string;
}

export type Row =
  | (RowBase & { readonly kind: "good"; readonly input: JsonObject; readonly body?: JsonObject; readonly id?: string })
  /** Unreadable or wrong: `reason` says what, for the error result; `input` and `body` are what could be read of it. */
  | (RowBase & {
      readonly kind: "bad";
      readonly reason: string;
      readonly id?: string;
      readonly input?: JsonObject;
      readonly body?: JsonObject;
    });

export type RowFormat = "jsonl" | "csv" | "openai";
