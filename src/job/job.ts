// A job: one row of input with its task type, and the identity its queue jobs carry.

import type { JsonObject } from "./json.ts";

/** The place of a row: rows are numbered from 0 in the order of the input. */
export interface RowId {
  readonly batch: string;
  readonly row: number;
}

export interface Job extends RowId {
  readonly task: string;
  /** The row as read: what the task's input schema describes and the prompt's template sees as `input`. */
  readonly input: JsonObject;
  /** An OpenAI chat-completions body (an OpenAI-batch line's `body`): used in place of the task's prompt. */
  readonly body?: JsonObject;
  /** The user's own label (`id` or `custom_id`), copied to the output. */
  readonly id?: string;
  /** Physical line number in the input file, from 1. */
  readonly line?: number;
  readonly tags?: Readonly<Record<string, string>>;
  /** Unix milliseconds after which the row ends as `expired`. */
  readonly deadline?: number;
}

/** `batch.row.hop.part`: the id of the QueueJob that carries a row. `hop` only grows over a row's whole life, so an id never has two purposes. */
export function queueJobId(rowId: RowId, hop: number, part = 0): string {
  return `${rowId.batch}.${rowId.row}.${hop}.${part}`;
}

/** The id of one call: its queue job and the number of the attempt there, from 1. */
export function callId(jobId: string, attempt: number): string {
  return `${jobId}.${attempt}`;
}
