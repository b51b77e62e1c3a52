// The checks of an answer: does it say what its task asks for? One file per kind of check; here they are put together.

import { readAnswerJson } from "../job/answer-json.ts";
import type { CheckSpec, OnFail } from "../job/check-spec.ts";
import { compileSchema, type SchemaValidator } from "../job/json-schema.ts";
import type { JsonValue } from "../job/json.ts";
import type { Answer } from "../job/outcome.ts";
import type { TaskSpec } from "../job/task.ts";
import { createArithmeticCheck } from "./arithmetic-check.ts";
import { createContainsCheck, createNotContainsCheck } from "./contains-check.ts";
import { createCustomCheck } from "./custom-check.ts";
import { createLanguageCheck } from "./language-check.ts";
import { createLengthCheck } from "./length-check.ts";
import { createPatternCheck } from "./pattern-check.ts";
import { createRefusalCheck } from "./refusal-check.ts";
import { createSchemaCheck } from "./schema-check.ts";
import { quote, type Check, type Subject } from "./subject.ts";
import { createValuesCheck } from "./values-check.ts";

export type CheckResult =
  /** With the value read in `answer.json`, where the task has an output schema, or a check looks at one and the text is JSON. */
  { readonly kind: "passed"; readonly answer: Answer } | { readonly kind: "failed"; readonly reason: string; readonly onFail: OnFail };

/** `input`: the row. A promise only where a custom check gives one, or a language check waits for its detector. */
export type Checker = (answer: Answer, input: JsonValue) => CheckResult | Promise<CheckResult>;

/**
 * A task's checker. Checks run in the order given, and the first that fails counts. Everything is compiled here, once; throws when a schema, pattern or
 * expression is wrong (the configuration has seen to that).
 */
export function createChecker({ output, checks }: Pick<TaskSpec, "output" | "checks">): Checker {
  const whyUnfit = output === undefined ? () => undefined : compileSchema(output, "the answer");
  const compiled = checks.map((spec) => ({ check: compile(spec, whyUnfit), onFail: spec.onFail }));
  const readsJson = output !== undefined || checks.some(looksAtJson);
  const fits = output === undefined ? undefined : (json: JsonValue) => whyUnfit(json) === undefined;

  return (answer, input) => {
    const subject = toSubject(answer, input, readsJson, fits);
    const passed: CheckResult = { kind: "passed", answer: subject.json === undefined ? answer : { ...answer, json: subject.json } };
    return runFrom(0, subject, passed);
  };

  function runFrom(first: number, subject: Subject, passed: CheckResult): CheckResult | Promise<CheckResult> {
    for (let i = first; i < compiled.length; i++) {
      const each = compiled[i];
      const reason = each?.check(subject);
      if (!each || reason === undefined) continue;
      if (typeof reason === "string") return { kind: "failed", reason, onFail: each.onFail };
      return reason.then((late) =>
        late === undefined ? runFrom(i + 1, subject, passed) : { kind: "failed", reason: late, onFail: each.onFail },
      );
    }
    return passed;
  }
}

function compile(spec: CheckSpec, whyUnfit: SchemaValidator): Check {
  switch (spec.kind) {
    case "schema":
      return createSchemaCheck(whyUnfit);
    case "values":
      return createValuesCheck(spec);
    case "length":
      return createLengthCheck(spec);
    case "pattern":
      return createPatternCheck(spec);
    case "contains":
      return createContainsCheck(spec);
    case "not-contains":
      return createNotContainsCheck(spec);
    case "language":
      return createLanguageCheck(spec);
    case "refusal":
      return createRefusalCheck();
    case "arithmetic":
      return createArithmeticCheck(spec);
    case "custom":
      return createCustomCheck(spec);
    default:
      return spec satisfies never;
  }
}

function looksAtJson(spec: CheckSpec): boolean {
  return spec.kind === "schema" || spec.kind === "arithmetic" || spec.kind === "custom" || ("field" in spec && spec.field !== undefined);
}

function toSubject(
  { text, finish }: Answer,
  input: JsonValue,
  readsJson: boolean,
  fits: ((json: JsonValue) => boolean) | undefined,
): Subject {
  const without = (whyNoJson: string): Subject => ({ text, finish, input, json: undefined, whyNoJson });
  if (!readsJson) return without("the answer was not read as JSON");
  // However whole its brackets look: the model had more to say.
  if (finish.unified === "length") return without("the answer was cut off at its token limit");
  const read = readAnswerJson(text, fits);
  switch (read.kind) {
    case "read":
      return { text, finish, input, json: read.json, whyNoJson: "" };
    case "cut-off":
      return without(`the answer's JSON is cut off or broken: it ends in ${quote(text.trim().slice(-60))}`);
    case "none":
      return without(`the answer is not JSON: ${text.trim() === "" ? "it is empty" : quote(text.trim())}`);
    default:
      return read satisfies never;
  }
}
