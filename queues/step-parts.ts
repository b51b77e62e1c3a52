// The outcomes of a step's calls, in the batch's slot until all are there.

import type { Redis } from "ioredis";
import type { RowId } from "../src/job/job.ts";
import { batchKeys } from "../src/runtime/keys.ts";
import { runScript } from "../src/runtime/redis-script.ts";
import { bringScript, broughtScript } from "./scripts/step-parts.ts";

export interface StepParts {
  /**
   * Puts a part's outcome into the batch's slot (the first one stays); without `json` it only looks. `all`: the outcomes of all parts once the last is there.
   * `isGone`: the row has its result, or goes on at a later hop.
   */
  bring(
    rowId: RowId,
    hop: number,
    part: { readonly part: number; readonly parts: number; readonly json?: string },
  ): Promise<{ readonly isThere: boolean; readonly isGone: boolean; readonly all: readonly string[] }>;
  /** Outcomes that are there, of whichever parts. */
  brought(rowId: RowId, hop: number, parts: number): Promise<readonly string[]>;
  forgetParts(rowId: RowId, hop: number, parts: number): Promise<void>;
}

export function createStepParts(redis: Redis): StepParts {
  return {
    async bring({ batch, row }, hop, { part, parts, json = "" }) {
      const { parts: outcomes, done, open } = batchKeys(batch);
      const [own, gone, ...all] = await runScript<[number, number, ...string[]]>(
        redis,
        bringScript,
        [outcomes, done, open],
        [row, hop, part, parts, json],
      );
      return { isThere: own === 1, isGone: gone === 1, all };
    },
    brought: ({ batch, row }, hop, parts) => runScript(redis, broughtScript, [batchKeys(batch).parts], [row, hop, parts]),
    async forgetParts({ batch, row }, hop, parts) {
      await redis.hdel(batchKeys(batch).parts, ...Array.from({ length: parts }, (_, part) => `${row}.${hop}.${part}`));
    },
  };
}
