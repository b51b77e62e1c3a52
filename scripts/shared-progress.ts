// One progress line for several batches that run side by side: their figures are added up.

import type { BatchStatus } from "../src/job/batch.ts";
import type { Progress } from "./progress.ts";

export interface SharedProgress {
  /** The progress of the next batch; the line is there until all have ended theirs. */
  of(batch: string): Progress;
}

/** `rows`: in all batches together, so that the line says of how many from the start. */
export function shareProgress(progress: Progress, rows: number): SharedProgress {
  const seen = new Map<string, { readonly status: BatchStatus; readonly note: string }>();
  let running = 0;
  return {
    of(batch) {
      running++;
      let isOver = false;
      return {
        update(status, note = "") {
          seen.set(batch, { status, note });
          const all = [...seen.values()];
          const notes = new Set(all.flatMap((each) => (each.note === "" ? [] : [each.note])));
          progress.update(
            addUp(
              all.map((each) => each.status),
              rows,
            ),
            [...notes].join("; "),
          );
        },
        end() {
          if (isOver) return;
          isOver = true;
          running--;
          if (running === 0) progress.end();
        },
      };
    },
  };
}

/** `finishedAt` and `state` are the first batch's: progress doesn't show them. */
function addUp(all: readonly BatchStatus[], rows: number): BatchStatus {
  const sum = (of: (status: BatchStatus) => number) => all.reduce((total, status) => total + of(status), 0);
  return {
    ...all[0]!,
    total: rows,
    paused: all.some(({ paused }) => paused),
    cancelling: all.some(({ cancelling }) => cancelling),
    cursor: sum(({ cursor }) => cursor),
    done: sum(({ done }) => done),
    answered: sum(({ answered }) => answered),
    failed: sum(({ failed }) => failed),
    rerouted: sum(({ rerouted }) => rerouted),
    stored: sum(({ stored }) => stored),
    calls: sum(({ calls }) => calls),
    costNanoUsd: sum(({ costNanoUsd }) => costNanoUsd),
  };
}
