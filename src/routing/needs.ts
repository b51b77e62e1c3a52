// What a job asks of a model, roughly: enough to choose one. The pool estimates the rendered request for its permit.

import type { Job } from "../job/job.ts";
import type { TaskSpec } from "../job/task.ts";

/** Tokens are estimates. */
export interface Needs {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly jsonSchema: boolean;
  readonly images: boolean;
  readonly tools: boolean;
}

const BYTES_PER_TOKEN = 4;
/** A flat thousand tokens, as the pools estimate it. */
const BYTES_PER_IMAGE = 4_000;
const ASSUMED_OUTPUT_TOKENS = 256;

export function needsOf(job: Job, task: Pick<TaskSpec, "prompt" | "output" | "maxOutputTokens">): Needs {
  const bytes =
    Buffer.byteLength(JSON.stringify(job.body ?? job.input, withoutImages)) +
    (task.prompt?.user.length ?? 0) +
    (task.prompt?.system?.length ?? 0);
  return {
    inputTokens: Math.ceil(bytes / BYTES_PER_TOKEN),
    outputTokens: task.maxOutputTokens ?? ASSUMED_OUTPUT_TOKENS,
    jsonSchema: task.output !== undefined,
    images: holdsImage(job.body?.["messages"]),
    tools: Array.isArray(job.body?.["tools"]) && job.body["tools"].length > 0,
  };
}

/** An image counts about as much as its address written out, however it is brought. */
function withoutImages(key: string, value: unknown): unknown {
  return key === "image_url" ? "x".repeat(BYTES_PER_IMAGE) : value;
}

/** An OpenAI body's messages bring images as parts of their content. */
function holdsImage(messages: unknown): boolean {
  if (!Array.isArray(messages)) return false;
  return messages.some((message: unknown) => {
    const content = (message as { readonly content?: unknown } | null)?.content;
    return Array.isArray(content) && content.some((part: unknown) => (part as { readonly type?: unknown } | null)?.type === "image_url");
  });
}
