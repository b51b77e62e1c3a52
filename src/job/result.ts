// The final record of a job: an answer, or an error with its trail. Exactly one per row (and round).

import type { JsonObject } from "./json.ts";
import type { JobTerms, RowId } from "./job.ts";
import type { ModelId } from "./names.ts";
import type { Answer } from "./outcome.ts";
import type { TrailEntry } from "./trail.ts";

/**
 * Why a row has no answer.
 * `bad-input`: the row itself (broken JSON, wrong types, too large, repeated id) · `invalid`: no model would take it ·
 * `refused` · `unfit`: its answer failed a check, and its task says to leave it at that · `exhausted`: every able model was tried · `no-model`: none is able · `patience`: none was available for too long ·
 * `expired` · `cancelled` · `lost`: vanished from the queues · `crashed`: it took its worker down, or met a fault of ours, again and again
 */
export type ErrorCode =
  | "bad-input"
  | "invalid"
  | "refused"
  | "unfit"
  | "exhausted"
  | "no-model"
  | "patience"
  | "expired"
  | "cancelled"
  | "lost"
  | "crashed";

/** What `retry` may re-open: errors that another run could end otherwise. */
export const RETRYABLE: ReadonlySet<ErrorCode> = new Set([
  "refused",
  "unfit",
  "exhausted",
  "no-model",
  "patience",
  "expired",
  "cancelled",
  "lost",
  "crashed",
]);

export interface ResultError {
  readonly code: ErrorCode;
  readonly message: string;
}

interface ResultBase extends RowId {
  readonly task: string;
  readonly round: number;
  /** The last hop of the row's life so far: a retry goes on from here. */
  readonly hop: number;
  readonly id?: string;
  readonly line?: number;
  readonly tags?: Readonly<Record<string, string>>;
  readonly tenant?: string;
  readonly trail: readonly TrailEntry[];
  /** How often the job was moved to another model or step. */
  readonly reroutes: number;
  /** Unix milliseconds. */
  readonly enqueuedAt: number;
  readonly finishedAt: number;
}

export interface AnsweredResult extends ResultBase {
  readonly status: "answered";
  readonly model: ModelId;
  readonly answer: Answer;
}

/** Carries the job's input and terms, so that the store can be the source of a retry. A row that could not be read has no input. */
export interface ErrorResult extends ResultBase, JobTerms {
  readonly status: "error";
  readonly error: ResultError;
  /** Of a trial: the answer that its judge did not let pass. It is none of the row's, and tells a pilot or a plan what was said. */
  readonly unpassed?: Answer;
  readonly input?: JsonObject;
  readonly body?: JsonObject;
}

export type Result = AnsweredResult | ErrorResult;
