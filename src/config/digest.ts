// Digests of configuration: the same for the same meaning, whatever the order in which it was written.

import { createHash } from "node:crypto";
import type { TaskSpec } from "../job/task.ts";

/** SHA-256 (hex) of a JSON value, its objects' keys sorted and absent values left out; a function counts as its source text. */
export function digest(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value, sortKeys)).digest("hex");
}

/**
 * What an answer depends on: the task's prompt, schemas and checks. Limits, prices and routes may
 * change and the batch is still the same work.
 */
export function taskHash(task: TaskSpec): string {
  const { prompt, input, output, checks, judge } = task;
  return digest({ prompt, input, output, checks, judge });
}

function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value === "function") return String(value);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}
