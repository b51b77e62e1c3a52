// The ledger as a table: a row for every call. Names as in PostgreSQL's.

import type { LedgerEntry } from "../../job/ledger.ts";
import type { TableColumn } from "./table.ts";

export const LEDGER_TABLE: readonly TableColumn<LedgerEntry>[] = [
  { name: "batch", type: "text", of: ({ batch }) => batch },
  { name: "row", type: "int32", of: ({ row }) => row },
  { name: "call", type: "text", of: ({ call }) => call },
  { name: "at", type: "time", of: ({ at }) => at },
  { name: "task", type: "text", of: ({ task }) => task },
  { name: "tags", type: "json", isOptional: true, of: ({ tags }) => tags },
  { name: "tenant", type: "text", isOptional: true, of: ({ tenant }) => tenant },
  { name: "provider", type: "text", of: ({ provider }) => provider },
  { name: "model", type: "text", of: ({ model }) => model },
  { name: "attempt", type: "int32", of: ({ attempt }) => attempt },
  { name: "purpose", type: "text", of: ({ purpose }) => purpose },
  { name: "outcome", type: "text", of: ({ outcome }) => outcome },
  { name: "is_duplicate", type: "boolean", of: ({ isDuplicate }) => isDuplicate },
  { name: "latency_ms", type: "double", of: ({ latencyMs }) => latencyMs },
  { name: "input_tokens", type: "int64", of: ({ usage }) => usage.inputTokens },
  { name: "cached_input_tokens", type: "int64", of: ({ usage }) => usage.cachedInputTokens },
  { name: "cache_write_tokens", type: "int64", of: ({ usage }) => usage.cacheWriteTokens },
  { name: "output_tokens", type: "int64", of: ({ usage }) => usage.outputTokens },
  { name: "reasoning_tokens", type: "int64", of: ({ usage }) => usage.reasoningTokens },
  {
    name: "price",
    type: "json",
    isOptional: true,
    of: ({ price }) => price,
  },
  { name: "cost_nano_usd", type: "int64", of: ({ costNanoUsd }) => costNanoUsd },
  { name: "is_estimated", type: "boolean", of: ({ isEstimated }) => isEstimated },
];
