// Leaves a translation from any depth, with the outcome of the call that can't be made.

import type { Outcome } from "../job/outcome.ts";

export class Untranslatable extends Error {
  readonly outcome: Outcome;
  constructor(outcome: Outcome & { readonly reason: string }) {
    super(outcome.reason);
    this.name = "Untranslatable";
    this.outcome = outcome;
  }
}

/** The vendor has nothing of the kind; another vendor's model may. */
export function noCounterpart(what: string): Untranslatable {
  return new Untranslatable({ kind: "unfit", cause: "capability", reason: `${what} has no counterpart in Anthropic's Messages API` });
}

/** No vendor would take it. */
export function malformed(what: string): Untranslatable {
  return new Untranslatable({ kind: "invalid", reason: `the request body is malformed: ${what}` });
}
