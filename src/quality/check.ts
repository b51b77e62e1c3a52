// The check of an answer: does it say what its task's output schema asks for?

import type { JsonValue } from "../job/json.ts";
import type { Answer } from "../job/outcome.ts";
import type { TaskSpec } from "../job/task.ts";
import { compileSchema } from "../job/json-schema.ts";

export type CheckResult =
  /** With the parsed value in `answer.json`, where the task has an output schema. */
  { readonly kind: "passed"; readonly answer: Answer } | { readonly kind: "failed"; readonly reason: string };

export type Checker = (answer: Answer) => CheckResult;

/** A task's checker; its schema is compiled here, once. Throws when the schema is wrong (the configuration has seen to that). */
export function createChecker(task: TaskSpec): Checker {
  if (task.output === undefined) return (answer) => ({ kind: "passed", answer });
  const mustFit = task.checks.some((check) => check.kind === "schema");
  const whyWrong = mustFit ? compileSchema(task.output, "the answer") : () => undefined;

  return (answer) => {
    const parsed = parseAnswer(answer.text);
    if (parsed === undefined) {
      return mustFit ? { kind: "failed", reason: `the answer is not JSON: ${opening(answer.text)}` } : { kind: "passed", answer };
    }
    const reason = whyWrong(parsed.json);
    if (reason !== undefined) return { kind: "failed", reason: `the answer doesn't fit its schema: ${reason}` };
    return { kind: "passed", answer: { ...answer, json: parsed.json } };
  };
}

/** Reads JSON, with white space around it and at most one Markdown code fence: models add both, unasked. */
function parseAnswer(text: string): { readonly json: JsonValue } | undefined {
  try {
    return { json: JSON.parse(unfence(text.trim())) as JsonValue };
  } catch {
    return undefined;
  }
}

/** Not a regular expression: on a model's endless white space one would take quadratic time. */
function unfence(text: string): string {
  const firstLineEnd = text.indexOf("\n");
  const isFenced = text.startsWith("```") && text.endsWith("```") && firstLineEnd !== -1 && firstLineEnd < text.length - 3;
  return isFenced ? text.slice(firstLineEnd + 1, -3) : text;
}

function opening(text: string): string {
  const start = text.trim().slice(0, 60);
  return start === "" ? "it is empty" : JSON.stringify(start);
}
