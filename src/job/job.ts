// A job: one row of input with its task type, and the identity its queue jobs carry.

import type { JsonObject } from "./json.ts";
import type { ModelId } from "./names.ts";

/** The place of a row: rows are numbered from 0 in the order of the input. */
export interface RowId {
  readonly batch: string;
  readonly row: number;
}

/** What holds for a job beside its row: it goes with the row wherever that is made a job anew. */
export interface JobTerms {
  readonly tags?: Readonly<Record<string, string>>;
  /** On whose account it is, where several share the fleet. */
  readonly tenant?: string;
  /** The class of its data, where it is not what its task or its row says. */
  readonly dataClass?: string;
  /** The only models that may be called for it, and those that may not; judges included. */
  readonly allow?: readonly ModelId[];
  readonly deny?: readonly ModelId[];
  /**
   * A trial asks each of the models in `allow` once, in their order until one answers, whatever the route says. An answer is repaired where the task would have it; but
   * nothing leads on: a failed check ends the row. `judged`: by the task's judge too, every answer; `checked`: by the checks alone.
   */
  readonly trial?: "checked" | "judged";
}

export interface Job extends RowId, JobTerms {
  readonly task: string;
  /** The row as read: what the task's input schema describes and the prompt's template sees as `input`. */
  readonly input: JsonObject;
  /** An OpenAI chat-completions body (an OpenAI-batch line's `body`): used in place of the task's prompt. */
  readonly body?: JsonObject;
  /** The user's own label (`id` or `custom_id`), copied to the output. */
  readonly id?: string;
  /** Physical line number in the input file, from 1. */
  readonly line?: number;
  /** Unix milliseconds after which the row ends as `expired`. */
  readonly deadline?: number;
  /** Its batch has a budget of its own, beside the fleet's (`run --max-cost`): as its last claim said. */
  readonly isCapped?: true;
}

/** The terms that are there, and nothing else. */
export function termsOf({ tags, tenant, dataClass, allow, deny, trial }: JobTerms): JobTerms {
  return {
    ...(tags === undefined ? {} : { tags }),
    ...(tenant === undefined ? {} : { tenant }),
    ...(dataClass === undefined ? {} : { dataClass }),
    ...(allow === undefined ? {} : { allow }),
    ...(deny === undefined ? {} : { deny }),
    ...(trial === undefined ? {} : { trial }),
  };
}

/** What there is of the row: an OpenAI body may come alone, or beside the row that says of which class its data is. */
export function contentOf({ input, body }: Pick<Job, "input" | "body">): Partial<Pick<Job, "input" | "body">> {
  return { ...(body ? { body } : {}), ...(body && Object.keys(input).length === 0 ? {} : { input }) };
}

/** `batch.row.hop.part`: the id of the QueueJob that carries a row. `hop` only grows over a row's whole life, so an id never has two purposes. */
export function queueJobId(rowId: RowId, hop: number, part = 0): string {
  return `${rowId.batch}.${rowId.row}.${hop}.${part}`;
}

/** The id of one call: its queue job and the number of the attempt there, from 1. */
export function callId(jobId: string, attempt: number): string {
  return `${jobId}.${attempt}`;
}
