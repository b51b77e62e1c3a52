// JSONL: one JSON object a line. `id` or `custom_id` is the row's label.

import { labelOf, parseJsonObject } from "./json-object.ts";
import type { Reading } from "./record.ts";

/** Reads one JSONL line: the whole object is the input. */
export function readJsonLine(content: Buffer): Reading {
  const parsed = parseJsonObject(content);
  if ("reason" in parsed) return { kind: "bad", reason: parsed.reason };
  const label = labelOf(parsed.object);
  if ("reason" in label) return { kind: "bad", reason: label.reason };
  return { kind: "good", input: parsed.object, ...label };
}
