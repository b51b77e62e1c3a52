// What lies in the queues. Task queues take a public, versioned payload from any BullMQ client (docs/payloads.md); the queues behind
// them carry envelopes that only the fleet writes.

import { z } from "zod";
import type { JsonObject } from "../src/job/json.ts";
import { contentOf, type Job, type JobTerms } from "../src/job/job.ts";
import { BATCH_PATTERN, ROW_LIMIT, type ModelId } from "../src/job/names.ts";
import type { Outcome } from "../src/job/outcome.ts";
import { freshProgress, plausibleTime, type Progress } from "../src/job/progress.ts";
import type { Step } from "../src/job/task.ts";
import { issuesOf, rowShape } from "./check-row.ts";

export const PAYLOAD_VERSION = 1;
/** Rows of jobs that name neither batch nor row go into inbox batches of this many. */
export const INBOX_ROWS = 1_000_000;

const publicPayload = z
  .object({
    v: z.literal(PAYLOAD_VERSION, { error: "unknown payload version: this fleet reads version 1" }).default(PAYLOAD_VERSION),
    batch: z.string().regex(BATCH_PATTERN, "must match ^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$").optional(),
    row: z.int().min(0).lt(ROW_LIMIT).optional(),
    /** Rows in the whole batch, where the sender knows it: the batch then ends by itself. */
    total: z.int().min(1).lt(ROW_LIMIT).optional(),
    ...rowShape,
  })
  .refine((payload) => (payload.batch === undefined) === (payload.row === undefined), "give both `batch` and `row`, or neither")
  .refine((payload) => payload.input !== undefined || payload.body !== undefined, "give `input` (or `body`, an OpenAI request)");

/** A job on its way through the fleet. */
export interface Envelope {
  readonly job: Job;
  readonly hop: number;
  readonly round: number;
  readonly progress: Progress;
}

/** In a model queue: one call of a step. */
export interface CallEnvelope extends Envelope {
  readonly step: Step;
  readonly part: number;
  readonly model: ModelId;
  /** Calls made from this queue job so far. */
  readonly calls: number;
  /** Those of them that ended `transient`. */
  readonly transients: number;
}

export interface PartOutcome {
  readonly part: number;
  readonly model: ModelId;
  readonly outcome: Outcome;
}

/** In the reroute queue: a job whose step is over; with the outcomes of its parts where the step had several. */
export interface RerouteEnvelope extends Envelope {
  readonly joined?: { readonly step: Step; readonly parts: readonly (PartOutcome & { readonly trail: Progress["trail"] })[] };
}

/** In the dead-letter queue: a view of the last rows that ended without an answer. */
export interface DeadLetter {
  readonly reason: string;
  readonly code: string;
  readonly envelope: Envelope;
}

/** The wire form of a task queue's job: the public payload, and what only the fleet writes. */
export interface TaskPayload {
  readonly v: typeof PAYLOAD_VERSION;
  readonly batch: string;
  readonly row: number;
  readonly input?: JsonObject;
  readonly body?: JsonObject;
  readonly id?: string;
  readonly line?: number;
  readonly tags?: Readonly<Record<string, string>>;
  readonly deadline?: number;
  readonly tenant?: string;
  readonly dataClass?: string;
  readonly allow?: readonly ModelId[];
  readonly deny?: readonly ModelId[];
  readonly trial?: JobTerms["trial"];
  /** What only the fleet writes: a foreign client leaves it out. Empty for a row on its first way, to keep millions of them small. */
  readonly fleet?: { readonly hop?: number; readonly round?: number; readonly progress?: Progress };
}

export function toTaskPayload({ job, hop, round, progress }: Envelope): TaskPayload {
  const { task: _task, isCapped: _claimed, input, body, ...rest } = job;
  const { trail, excluded, unavailableSince } = progress;
  const isFirstWay = hop === 0 && round === 0 && trail.length === 0 && excluded.length === 0 && unavailableSince === undefined;
  return {
    v: PAYLOAD_VERSION,
    ...rest,
    ...contentOf({ input, ...(body ? { body } : {}) }),
    fleet: isFirstWay ? {} : { hop, round, progress },
  };
}

export type ParsedPayload =
  /** `foreign`: sent by a client that is not of the fleet, so nothing of it has been checked. */
  | { readonly kind: "job"; readonly envelope: Envelope; readonly foreign: boolean; readonly total?: number }
  /** Not a payload: `envelope` holds what could be read, so that the row still ends in an error result. */
  | { readonly kind: "bad"; readonly envelope: Envelope; readonly reason: string };

/**
 * Reads a task queue's job. One that names neither batch nor row is given its place from its own BullMQ number n: batch `inbox-<task>-<n div 1,000,000>`,
 * row n mod 1,000,000. A job whose client gave it an id of its own has no such number: see {@link needsPlace}. `timestamp` is the client's word, too:
 * where it can't be, the job was enqueued `now` (unix ms).
 */
export function parseTaskPayload(
  task: string,
  queueJob: { readonly id?: string; readonly data: unknown; readonly timestamp: number },
  now: number,
): ParsedPayload {
  const { id: jobId = "0", data } = queueJob;
  const timestamp = plausibleTime(queueJob.timestamp, now);
  const own = data as TaskPayload | undefined;
  if (own?.fleet) {
    const { v: _v, fleet, input = {}, ...rest } = own;
    const { hop = 0, round = 0, progress = freshProgress(timestamp) } = fleet;
    return { kind: "job", envelope: { job: { task, input, ...rest }, hop, round, progress }, foreign: false };
  }
  const parsed = publicPayload.safeParse(data);
  const place = placeOf(task, jobId, data);
  const base = { hop: 0, round: 0, progress: freshProgress(timestamp) };
  if (!parsed.success) {
    const reason = issuesOf(parsed.error, "payload");
    const input = typeof data === "object" && data !== null && !Array.isArray(data) ? (data as JsonObject) : { payload: data as never };
    return { kind: "bad", envelope: { job: { task, ...place, input }, ...base }, reason };
  }
  const { v: _v, batch: _b, row: _r, total, input = {}, ...rest } = parsed.data;
  const envelope: Envelope = { job: { task, ...place, input, ...rest }, ...base };
  return { kind: "job", envelope, foreign: true, ...(total === undefined ? {} : { total }) };
}

/** True for a job that names neither batch nor row, and has no number of BullMQ's to take them from. */
export function needsPlace({ id = "", data }: { readonly id?: string; readonly data: unknown }): boolean {
  return !isRunningNumber(id) && namedPlace(data) === undefined;
}

/** BullMQ numbers jobs from 1; a client's own id may look much like it (`0042`, or digits beyond what a number holds). */
function isRunningNumber(id: string): boolean {
  return Number.isSafeInteger(Number(id)) && String(Number(id)) === id;
}

/** The payload with a place in the task's inbox; what is no payload is kept under `input`. */
export function withPlace(task: string, data: unknown, number: number): object {
  const isObject = typeof data === "object" && data !== null && !Array.isArray(data);
  return { ...(isObject ? data : { input: data }), ...inboxPlace(task, number) };
}

/** Where the task's job of this running number belongs. */
export function inboxPlace(task: string, number: number): { readonly batch: string; readonly row: number } {
  return { batch: `inbox-${task}-${Math.floor(number / INBOX_ROWS)}`, row: number % INBOX_ROWS };
}

function placeOf(task: string, jobId: string, data: unknown): { readonly batch: string; readonly row: number } {
  return namedPlace(data) ?? inboxPlace(task, Number(jobId));
}

function namedPlace(data: unknown): { readonly batch: string; readonly row: number } | undefined {
  if (typeof data !== "object" || data === null) return undefined;
  const { batch, row } = data as { batch?: unknown; row?: unknown };
  const isRow = typeof row === "number" && Number.isInteger(row) && row >= 0 && row < ROW_LIMIT;
  return typeof batch === "string" && BATCH_PATTERN.test(batch) && isRow ? { batch, row } : undefined;
}
