// The custom check: a function of the user's configuration.

import type { CheckSpec } from "../job/check-spec.ts";
import type { Check } from "./subject.ts";

/** What the function throws, or its promise rejects with, fails the answer: a check that can't be made is not passed. */
export function createCustomCheck({ name, check }: Extract<CheckSpec, { kind: "custom" }>): Check {
  const reasonOf = (verdict: unknown) =>
    verdict === true ? undefined : typeof verdict === "string" ? `${name}: ${verdict}` : `${name}: the answer failed this check`;
  const thrown = (error: unknown) => `${name}: ${error instanceof Error ? error.message : String(error)}`;
  return ({ text, json, input }) => {
    try {
      const verdict = check({ text, input, ...(json === undefined ? {} : { json }) });
      return isPromise(verdict) ? Promise.resolve(verdict).then(reasonOf, thrown) : reasonOf(verdict);
    } catch (error) {
      return thrown(error);
    }
  };
}

/** Whatever a function without types may return. */
function isPromise(verdict: unknown): verdict is PromiseLike<unknown> {
  return typeof verdict === "object" && verdict !== null && "then" in verdict;
}
