// The queue of a play: the rows of all groups, mixed evenly, and those that come back.

import type { PlayedCall } from "./models.ts";

export interface PlayedJob {
  readonly group: number;
  /** Undefined: not chosen yet. */
  way: number | undefined;
  depth: number;
  /** To be made next; none: a way is to be chosen. */
  calls: readonly PlayedCall[];
  /** How many of the step's `followUps` have been looked at. */
  followUps: number;
  /** Calls under way. */
  pending: number;
}

export interface PlayedQueue {
  length(): number;
  /** Behind the rows that are in the queue already. */
  add(job: PlayedJob): void;
  take(): PlayedJob | undefined;
}

/** `windowRows`: of the batch, so many are in the queue at once. */
export function createPlayedQueue(
  groups: readonly { readonly rows: number; readonly before?: PlayedCall }[],
  windowRows: number,
): PlayedQueue {
  const left = wholeRows(groups);
  const whole = [...left];
  const total = left.reduce((sum, rows) => sum + rows, 0);
  const due = left.map(() => 0);
  const back: { readonly job: PlayedJob; readonly behind: number }[] = [];
  let first = 0;
  let fresh = total;

  const takeFresh = (): PlayedJob | undefined => {
    if (fresh === 0) return undefined;
    fresh--;
    for (const [i, rows] of whole.entries()) due[i]! += rows / total;
    let group = -1;
    for (const i of groups.keys()) if (left[i]! > 0 && (group < 0 || due[i]! > due[group]!)) group = i;
    due[group]!--;
    left[group]!--;
    const { before } = groups[group]!;
    return { group, way: undefined, depth: 0, calls: before ? [before] : [], followUps: 0, pending: 0 };
  };

  return {
    length: () => fresh + back.length - first,
    add: (job: PlayedJob) => void back.push({ job, behind: Math.max(0, fresh - windowRows) }),
    take: () => (first < back.length && back[first]!.behind >= fresh ? back[first++]!.job : takeFresh()),
  };
}

/** Parts of rows add up to whole ones over the groups. */
function wholeRows(groups: readonly { readonly rows: number }[]): number[] {
  let sum = 0;
  return groups.map(({ rows }) => {
    const before = Math.round(sum);
    sum += rows;
    return Math.round(sum) - before;
  });
}
