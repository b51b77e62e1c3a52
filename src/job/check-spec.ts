// What an answer must pass, as a task declares it.

import type { JsonValue } from "./json.ts";
import type { ModelId } from "./names.ts";

/**
 * What a failed check leads to. `repair`: the same model is asked once more, with the reason; then as `escalate`. `escalate`: the next
 * better model of the route. `fail`: the row ends without an answer.
 */
export type OnFail = "repair" | "escalate" | "fail";

/** What a custom check is given. */
export interface CheckedAnswer {
  readonly text: string;
  /** Where the task has an output schema, or the text is JSON. */
  readonly json?: JsonValue;
  /** The row. */
  readonly input: JsonValue;
}

/** True passes; false or a reason fails. A rejected promise or a thrown error fails with its message. */
export type CheckFunction = (answer: CheckedAnswer) => boolean | string | Promise<boolean | string>;

/** `field`: a property of the JSON answer (dots lead inside); absent: the answer's text. */
export type CheckSpec = { readonly onFail: OnFail } & (
  | { readonly kind: "schema" }
  | { readonly kind: "values"; readonly field?: string; readonly values: readonly JsonValue[] }
  | {
      readonly kind: "length";
      readonly field?: string;
      readonly unit: "characters" | "words" | "items";
      readonly min?: number;
      readonly max?: number;
    }
  | { readonly kind: "pattern"; readonly field?: string; readonly pattern: string; readonly flags?: string }
  | { readonly kind: "contains"; readonly field?: string; readonly all: readonly string[]; readonly ignoreCase: boolean }
  | { readonly kind: "not-contains"; readonly field?: string; readonly any: readonly string[]; readonly ignoreCase: boolean }
  /** ISO 639-1 codes. */
  | { readonly kind: "language"; readonly field?: string; readonly languages: readonly string[] }
  | { readonly kind: "refusal" }
  /** An expression over the answer's JSON and `input` that must be true, such as `sum(lines.amount) == total`. */
  | { readonly kind: "arithmetic"; readonly expression: string; readonly tolerance: number }
  | { readonly kind: "custom"; readonly name: string; readonly check: CheckFunction }
);

/** Another model reads the answer and scores it. */
export interface JudgeSpec {
  /** In order of preference; models of the answering model's own vendor come last, itself never. */
  readonly models: readonly ModelId[];
  readonly rubric: string;
  /** From 0 to 10; an answer with less fails. */
  readonly passMark: number;
  /** Share of the answers that are judged, 0 to 1; which ones depends on batch and row alone. */
  readonly sample: number;
  readonly onFail: OnFail;
}
