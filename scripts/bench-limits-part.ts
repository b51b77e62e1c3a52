// The contract of a part of bench:limits.

import type { PartReport } from "./bench-limits-report.ts";
import type { Cap } from "./bench-limits-caps.ts";
import type { Stage } from "./bench-stage.ts";

export interface PartContext {
  /** Shorter, smaller, less exact. */
  readonly isQuick: boolean;
  /** Only these caps and numbers of pool processes, where a part has them. */
  readonly caps?: readonly Cap[];
  readonly pools?: readonly number[];
  /** Only these faults, where a part has them. */
  readonly faults?: readonly string[];
  /** Plays on a stage of its own, which is taken down afterwards. */
  readonly onStage: <Result>(play: (stage: Stage) => Promise<Result>) => Promise<Result>;
  /** Tells the person at the terminal what is being done. */
  readonly tell: (line: string) => void;
}

export type Part = (context: PartContext) => Promise<PartReport>;
