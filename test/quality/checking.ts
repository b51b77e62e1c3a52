// Answers and checkers for the tests of checks.

import { expect } from "vitest";
import type { CheckSpec, OnFail } from "../../src/job/check-spec.ts";
import type { JsonSchema, JsonValue } from "../../src/job/json.ts";
import type { Answer } from "../../src/job/outcome.ts";
import { createChecker, type CheckResult } from "../../src/quality/check.ts";

type Each<Spec> = Spec extends unknown ? Omit<Spec, "onFail"> & { readonly onFail?: OnFail } : never;
export type Check = Each<CheckSpec>;

export function says(text: string, unified: Answer["finish"]["unified"] = "stop"): Answer {
  return { text, finish: { unified, raw: unified } };
}

export function saysJson(json: JsonValue): Answer {
  return says(JSON.stringify(json));
}

/** Why the check fails the answer; undefined where it passes. */
export async function whyFailed(check: Check, answer: Answer, input: JsonValue = {}): Promise<string | undefined> {
  const result = await checkWith([check], answer, { input });
  return result.kind === "failed" ? result.reason : undefined;
}

export function checkWith(
  checks: readonly Check[],
  answer: Answer,
  { input = {}, output }: { readonly input?: JsonValue; readonly output?: JsonSchema } = {},
): CheckResult | Promise<CheckResult> {
  const specs = checks.map((check): CheckSpec => ({ onFail: "escalate", ...check }));
  return createChecker({ checks: specs, ...(output === undefined ? {} : { output }) })(answer, input);
}

/** For toEqual: the reason itself, or one that matches. */
export function saying(reason: string | RegExp): unknown {
  return typeof reason === "string" ? reason : expect.stringMatching(reason);
}
