// What a route would have done on the sample: from the answers that are there, without new calls.

import type { ModelId } from "../job/names.ts";
import type { Step } from "../job/task.ts";
import { UNUSABLE, type Column, type Sample } from "./sample.ts";

export interface Replay {
  readonly isRight: Uint8Array;
  readonly costNanoUsd: Float64Array;
  /** A step's calls run side by side, steps one after another. */
  readonly latencyMs: Float64Array;
  /** The step whose answer was taken; -1: none was. */
  readonly settledBy: Int8Array;
  /** Share of the rows that came to each step. */
  readonly reach: readonly number[];
}

const OPEN = -1;

/**
 * Each step takes the rows that those before it left open: one model by an answer that passes its checks, several by enough equal ones.
 * A row that is still open after the last step has no answer, which is wrong.
 */
export function replay(sample: Sample, steps: readonly Step[]): Replay {
  const isRight = new Uint8Array(sample.rows);
  const costNanoUsd = new Float64Array(sample.rows);
  const latencyMs = new Float64Array(sample.rows);
  const settledBy = new Int8Array(sample.rows).fill(OPEN);
  const reached = steps.map(() => 0);
  const stages = steps.map((step) => ({ columns: step.models.map((id) => columnOf(sample, id)), need: needOf(step) }));
  for (let row = 0; row < sample.rows; row++) {
    for (const [index, { columns, need }] of stages.entries()) {
      reached[index]! += 1;
      let slowestMs = 0;
      for (const column of columns) {
        costNanoUsd[row]! += column.costNanoUsd[row]!;
        slowestMs = Math.max(slowestMs, column.latencyMs[row]!);
      }
      latencyMs[row]! += slowestMs;
      const speaker = agreedSpeaker(columns, need, row);
      if (!speaker) continue;
      settledBy[row] = index;
      isRight[row] = speaker.isRight[row]!;
      break;
    }
  }
  return { isRight, costNanoUsd, latencyMs, settledBy, reach: reached.map((rows) => rows / Math.max(1, sample.rows)) };
}

function needOf({ models, agree }: Step): number {
  return agree?.need ?? models.length;
}

export function columnOf(sample: Sample, id: ModelId): Column {
  const column = sample.columns.find((candidate) => candidate.id === id);
  if (!column) throw new Error(`the pilot's sample has no answers of model ${id}`);
  return column;
}

/** The first model of the largest group of equal answers, if the group is large enough. */
function agreedSpeaker(columns: readonly Column[], need: number, row: number): Column | undefined {
  let found: Column | undefined;
  let most = need - 1;
  for (const column of columns) {
    const value = column.given[row]!;
    if (value === UNUSABLE) continue;
    let size = 0;
    for (const other of columns) size += Number(other.given[row] === value);
    if (size <= most) continue;
    most = size;
    found = column;
  }
  return found;
}
