// What is known of a job before any model has seen it.

import type { JsonValue } from "./json.ts";
import type { ModelId } from "./names.ts";

export interface Analysis {
  /** 0: trivial, 1: as hard as it gets. */
  readonly complexity: number;
  /** Each with what it adds, in words. */
  readonly reasons: readonly string[];
  /** ISO 639-1, where it can be told. */
  readonly language?: string;
}

/** A row, as a configuration's own function sees it. */
export type ComplexityFunction = (input: JsonValue) => number;

/** By what a task's jobs are analysed; absent: by the rules. */
export type Analyse =
  | { readonly kind: "model"; readonly model: ModelId }
  | { readonly kind: "function"; readonly complexity: ComplexityFunction };
