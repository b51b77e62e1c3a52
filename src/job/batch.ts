// A batch: jobs submitted together, and the states it goes through.

/**
 * `open` (rows are coming) → `sealed` (total known) → `finalizing` (every row has its result) → `finished` | `cancelled` (every result is stored).
 */
export type BatchState = "open" | "sealed" | "finalizing" | "finished" | "cancelled";

export interface BatchStatus {
  readonly batch: string;
  readonly task: string;
  readonly state: BatchState;
  readonly paused: boolean;
  readonly cancelling: boolean;
  readonly round: number;
  /** Rows in all; known once sealed. */
  readonly total: number | undefined;
  /** Rows enqueued so far. */
  readonly cursor: number;
  /** Rows with a result. */
  readonly done: number;
  readonly answered: number;
  readonly failed: number;
  readonly rerouted: number;
  /** Results written by the recorder. */
  readonly stored: number;
  readonly calls: number;
  /** Calls that may have been paid twice because a process was cut off. */
  readonly duplicateCalls: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costNanoUsd: number;
  readonly createdAt: number;
  readonly finishedAt: number | undefined;
}

export function isOver(state: BatchState): boolean {
  return state === "finished" || state === "cancelled";
}
