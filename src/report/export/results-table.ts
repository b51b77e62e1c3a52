// Results as a table: a row for every row of the batch that has ended, that of its last round. Names as in PostgreSQL's.

import type { Result } from "../../job/result.ts";
import { answeringCall, outputOf } from "../../job/result-answer.ts";
import { totalCostNanoUsd, totalUsage } from "../../job/trail.ts";
import type { TableColumn } from "./table.ts";

/** Tokens and cost are of all calls of the row's last round; `latency_ms` is the answering call's. */
export const RESULTS_TABLE: readonly TableColumn<Result>[] = [
  { name: "batch", type: "text", of: ({ batch }) => batch },
  { name: "row", type: "int32", of: ({ row }) => row },
  { name: "round", type: "int32", of: ({ round }) => round },
  { name: "task", type: "text", of: ({ task }) => task },
  { name: "status", type: "text", of: ({ status }) => status },
  { name: "model", type: "text", isOptional: true, of: (result) => (result.status === "answered" ? result.model : undefined) },
  {
    name: "output",
    type: "json",
    isOptional: true,
    of: (result) => (result.status === "answered" ? outputOf(result) : undefined),
  },
  { name: "error_code", type: "text", isOptional: true, of: (result) => (result.status === "error" ? result.error.code : undefined) },
  { name: "error_message", type: "text", isOptional: true, of: (result) => (result.status === "error" ? result.error.message : undefined) },
  { name: "label", type: "text", isOptional: true, of: ({ id }) => id },
  { name: "line", type: "int64", isOptional: true, of: ({ line }) => line },
  { name: "tags", type: "json", isOptional: true, of: ({ tags }) => tags },
  { name: "tenant", type: "text", isOptional: true, of: ({ tenant }) => tenant },
  { name: "calls", type: "int32", of: ({ trail }) => trail.length },
  { name: "reroutes", type: "int32", of: ({ reroutes }) => reroutes },
  { name: "input_tokens", type: "int64", of: ({ trail }) => totalUsage(trail).inputTokens },
  { name: "output_tokens", type: "int64", of: ({ trail }) => totalUsage(trail).outputTokens },
  { name: "latency_ms", type: "double", isOptional: true, of: (result) => answeringCall(result)?.latencyMs },
  { name: "cost_nano_usd", type: "int64", of: ({ trail }) => totalCostNanoUsd(trail) },
  { name: "enqueued_at", type: "time", of: ({ enqueuedAt }) => enqueuedAt },
  { name: "finished_at", type: "time", of: ({ finishedAt }) => finishedAt },
];
