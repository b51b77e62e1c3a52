// What goes into which column, for both tables. A value that PostgreSQL would refuse is put right: one that it refuses would keep all that come after from being stored.

import type { LedgerEntry } from "../../job/ledger.ts";
import type { JsonValue } from "../../job/json.ts";
import type { Result } from "../../job/result.ts";
import { outputOf } from "../../job/result-answer.ts";
import { soundCount, soundMeasure, soundTime } from "../../job/sound-number.ts";
import { soundJson, soundText } from "../../job/sound-text.ts";
import { totalCostNanoUsd } from "../../job/trail.ts";

type Cell = string | number | boolean | null;

export interface Column<Item> {
  readonly name: string;
  /** PostgreSQL's name of its type. */
  readonly type: string;
  readonly of: (item: Item) => Cell;
}

/** A result with its JSON, which is made once. */
export interface RecordedResult {
  readonly result: Result;
  readonly record: string;
}

export const RESULT_COLUMNS: readonly Column<RecordedResult>[] = [
  { name: "row", type: "integer", of: ({ result }) => integer(result.row) },
  { name: "round", type: "integer", of: ({ result }) => integer(result.round) },
  { name: "task", type: "text", of: ({ result }) => text(result.task) },
  { name: "status", type: "text", of: ({ result }) => result.status },
  { name: "model", type: "text", of: ({ result }) => (result.status === "answered" ? text(result.model) : null) },
  { name: "output", type: "jsonb", of: ({ result }) => (result.status === "answered" ? json(outputOf(result)) : null) },
  { name: "error_code", type: "text", of: ({ result }) => (result.status === "error" ? text(result.error.code) : null) },
  { name: "error_message", type: "text", of: ({ result }) => (result.status === "error" ? text(result.error.message) : null) },
  { name: "label", type: "text", of: ({ result }) => text(result.id) },
  { name: "line", type: "bigint", of: ({ result }) => (result.line === undefined ? null : soundCount(result.line)) },
  { name: "tags", type: "jsonb", of: ({ result }) => json(result.tags) },
  { name: "tenant", type: "text", of: ({ result }) => text(result.tenant) },
  { name: "calls", type: "integer", of: ({ result }) => integer(result.trail.length) },
  { name: "reroutes", type: "integer", of: ({ result }) => integer(result.reroutes) },
  { name: "cost_nano_usd", type: "bigint", of: ({ result }) => soundCount(totalCostNanoUsd(result.trail)) },
  { name: "enqueued_at", type: "timestamptz", of: ({ result }) => time(result.enqueuedAt) },
  { name: "finished_at", type: "timestamptz", of: ({ result }) => time(result.finishedAt) },
  { name: "record", type: "json", of: ({ record }) => record },
  { name: "record_bytes", type: "integer", of: ({ record }) => Buffer.byteLength(record) },
];

export const LEDGER_COLUMNS: readonly Column<LedgerEntry>[] = [
  { name: "row", type: "integer", of: (entry) => integer(entry.row) },
  { name: "call", type: "text", of: (entry) => text(entry.call) },
  { name: "at", type: "timestamptz", of: (entry) => time(entry.at) },
  { name: "task", type: "text", of: (entry) => text(entry.task) },
  { name: "tags", type: "jsonb", of: (entry) => json(entry.tags) },
  { name: "tenant", type: "text", of: (entry) => text(entry.tenant) },
  { name: "provider", type: "text", of: (entry) => text(entry.provider) },
  { name: "model", type: "text", of: (entry) => text(entry.model) },
  { name: "attempt", type: "integer", of: (entry) => integer(entry.attempt) },
  { name: "purpose", type: "text", of: (entry) => text(entry.purpose) },
  { name: "outcome", type: "text", of: (entry) => text(entry.outcome) },
  { name: "is_duplicate", type: "boolean", of: (entry) => entry.isDuplicate },
  { name: "latency_ms", type: "double precision", of: (entry) => soundMeasure(entry.latencyMs) },
  { name: "input_tokens", type: "bigint", of: (entry) => soundCount(entry.usage.inputTokens) },
  { name: "cached_input_tokens", type: "bigint", of: (entry) => soundCount(entry.usage.cachedInputTokens) },
  { name: "cache_write_tokens", type: "bigint", of: (entry) => soundCount(entry.usage.cacheWriteTokens) },
  { name: "output_tokens", type: "bigint", of: (entry) => soundCount(entry.usage.outputTokens) },
  { name: "reasoning_tokens", type: "bigint", of: (entry) => soundCount(entry.usage.reasoningTokens) },
  { name: "price", type: "jsonb", of: (entry) => json(entry.price) },
  { name: "cost_nano_usd", type: "bigint", of: (entry) => soundCount(entry.costNanoUsd) },
  { name: "is_estimated", type: "boolean", of: (entry) => entry.isEstimated },
];

/** A ledger line as the driver gives it: bigint as text, `at` in milliseconds. */
export interface LedgerLine {
  readonly batch: string;
  readonly row: number;
  readonly call: string;
  readonly at: number;
  readonly task: string;
  readonly tags: LedgerEntry["tags"] | null;
  readonly tenant: string | null;
  readonly provider: string;
  readonly model: LedgerEntry["model"];
  readonly attempt: number;
  readonly purpose: LedgerEntry["purpose"];
  readonly outcome: LedgerEntry["outcome"];
  readonly is_duplicate: boolean;
  readonly latency_ms: number;
  readonly input_tokens: string;
  readonly cached_input_tokens: string;
  readonly cache_write_tokens: string;
  readonly output_tokens: string;
  readonly reasoning_tokens: string;
  readonly price: LedgerEntry["price"] | null;
  readonly cost_nano_usd: string;
  readonly is_estimated: boolean;
}

export function toLedgerEntry(line: LedgerLine): LedgerEntry {
  return {
    call: line.call,
    at: Math.round(line.at),
    batch: line.batch,
    row: line.row,
    task: line.task,
    ...(line.tags === null || line.tags === undefined ? {} : { tags: line.tags }),
    ...(line.tenant === null ? {} : { tenant: line.tenant }),
    provider: line.provider,
    model: line.model,
    attempt: line.attempt,
    purpose: line.purpose,
    outcome: line.outcome,
    isDuplicate: line.is_duplicate,
    latencyMs: line.latency_ms,
    usage: {
      inputTokens: Number(line.input_tokens),
      cachedInputTokens: Number(line.cached_input_tokens),
      cacheWriteTokens: Number(line.cache_write_tokens),
      outputTokens: Number(line.output_tokens),
      reasoningTokens: Number(line.reasoning_tokens),
    },
    ...(line.price === null || line.price === undefined ? {} : { price: line.price }),
    costNanoUsd: Number(line.cost_nano_usd),
    isEstimated: line.is_estimated,
  };
}

const LARGEST_INTEGER = 2 ** 31 - 1;

function integer(value: number): number {
  return soundCount(value, LARGEST_INTEGER);
}

/** A foreign client's text may be none. */
function text(value: unknown): string | null {
  return value === undefined || value === null ? null : soundText(typeof value === "string" ? value : JSON.stringify(value));
}

function json(value: object | JsonValue | undefined): string | null {
  return value === undefined ? null : soundJson(value);
}

function time(unixMs: number): string {
  return new Date(soundTime(unixMs)).toISOString();
}
