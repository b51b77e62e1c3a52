// The rows of a batch as they are read, and read again.

import type { Row } from "./row.ts";

export interface JobInput {
  readonly name: string;
  /** Standard input and pipes can be read once only: a resume needs the same rows again, and missing rows can't be found in them. */
  readonly isFile: boolean;
  /** Derived from the task's definition and the file's head, tail and size; undefined for what can be read once only. */
  readonly derivedBatch: string | undefined;
  rows(): AsyncIterable<Row>;
  /** Ends a wait for rows that may never come: standard input is closed. */
  leave(): void;
}
