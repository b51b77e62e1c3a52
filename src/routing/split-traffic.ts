// Splitting traffic by weights: which step a row goes to depends on its batch and number alone, so that a repeated run, a reroute and every process of the
// fleet say the same.

import type { RowId } from "../job/job.ts";
import type { Step } from "../job/task.ts";

export interface Share {
  readonly step: Step;
  /** Above zero. */
  readonly weight: number;
}

/**
 * The steps in the row's order: each comes first for its share of the rows, and when some can't be had, their rows fall to the others in proportion. (Each
 * step draws an exponential time of its weight's rate, and the earliest is first: Efraimidis and Spirakis, Weighted random sampling, 2006.) A step that is
 * added takes rows from the others and moves none between them.
 */
export function splitTraffic({ batch, row }: RowId, shares: readonly Share[]): readonly Step[] {
  const rowHash = hash(`${batch}.${row}`);
  return shares
    .map(({ step, weight }) => ({ step, time: -Math.log(uniform(rowHash ^ stepHash(step))) / weight }))
    .toSorted((a, b) => a.time - b.time)
    .map(({ step }) => step);
}

/** Steps live as long as their task. */
const known = new WeakMap<Step, number>();

/** Of its models, not of its place: a route may be written in another order. */
function stepHash(step: Step): number {
  let found = known.get(step);
  if (found === undefined) {
    found = scramble(hash(step.models.join("+")));
    known.set(step, found);
  }
  return found;
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let state = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193);
  return state >>> 0;
}

/** In (0, 1). */
function uniform(value: number): number {
  return (scramble(value) + 0.5) / 2 ** 32;
}

/** MurmurHash3's last step: every bit of the value reaches every bit of the result. */
function scramble(value: number): number {
  let mixed = value;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
