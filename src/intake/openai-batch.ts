// OpenAI-batch lines: `{custom_id, method, url, body}`, as OpenAI's Batch API takes them.

import type { JsonObject } from "../job/json.ts";
import { isObject, labelOf, parseJsonObject } from "./json-object.ts";
import type { Reading } from "./record.ts";

const CHAT_URL = "/v1/chat/completions";

/** Reads one OpenAI-batch line. The body takes the place of the task's prompt, so that the input is empty. */
export function readOpenAiLine(content: Buffer): Reading {
  const parsed = parseJsonObject(content);
  if ("reason" in parsed) return { kind: "bad", reason: parsed.reason };
  const line = parsed.object;
  const label = labelOf({ custom_id: line["custom_id"] ?? null });
  if ("reason" in label) return { kind: "bad", reason: label.reason };
  const reason = problemOf(line);
  if (reason !== undefined) return { kind: "bad", reason, ...label };
  return { kind: "good", input: {}, body: line["body"] as JsonObject, ...label };
}

function problemOf(line: JsonObject): string | undefined {
  const { custom_id: customId, method, url, body } = line;
  if (typeof customId !== "string" && typeof customId !== "number") return "custom_id: must be a string";
  if (method !== "POST") return `method: must be "POST"${found(method)}`;
  if (url !== CHAT_URL) return `url: must be "${CHAT_URL}"${found(url)}`;
  if (!isObject(body)) return "body: must be an object";
  const messages = body["messages"];
  if (!Array.isArray(messages) || messages.length === 0) return "body.messages: must be an array of at least one message";
  if (body["stream"] === true) return "body.stream: must not be true, a batch's answers are not streamed";
  return undefined;
}

function found(value: unknown): string {
  return value === undefined ? ", it is missing" : `, not ${JSON.stringify(value).slice(0, 80)}`;
}
