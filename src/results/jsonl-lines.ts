// Output as JSONL: one line per row.

import type { Result } from "../job/result.ts";
import { answeringCall, outputOf } from "../job/result-answer.ts";
import { costUsdOf, shortTrail } from "./result-view.ts";

/** `{id, row, line, status, output, model, costUsd, calls, latencyMs, tags}` or, for an error, `{id, row, line, status, error, input, calls, costUsd, trail, tags}`; fields without a value are left out. `latencyMs` is the answering call's. */
export function toJsonLine(result: Result): string {
  const { id, row, line, tags, trail } = result;
  const base = { id, row, line, status: result.status };
  const view =
    result.status === "answered"
      ? {
          ...base,
          output: outputOf(result),
          model: result.model,
          costUsd: costUsdOf(result),
          calls: trail.length,
          latencyMs: answeringCall(result)?.latencyMs,
          tags,
        }
      : {
          ...base,
          error: { code: result.error.code, message: result.error.message },
          input: result.body ?? result.input,
          calls: trail.length,
          costUsd: costUsdOf(result),
          trail: shortTrail(result),
          tags,
        };
  return `${JSON.stringify(view)}\n`;
}
