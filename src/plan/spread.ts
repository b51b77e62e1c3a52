// How far a figure may be off by chance: two standard errors of what was seen, and of what the file's own rows will make of it.

import type { Known } from "./plan.ts";

/** What a figure rests on, and what it is for. */
export interface Basis {
  /** Answers or rows seen. */
  readonly seen: number;
  /** Rows of the file that the figure is for: the fewer, the more chance there is in them. */
  readonly rows: number;
  /** The rows seen are some of these. Their answers may differ the next time, so that not all is known even when all were seen. */
  readonly isWithin?: boolean;
  /** How many times as long the rows are that it is for. Default 1. */
  readonly longer?: number;
}

const ERRORS = 2;
/** Rows of another file are never quite like these: by this share, whatever was seen of them. */
const OTHER_ROWS = 0.05;
/** And where they are longer or shorter, by this share for each e-fold. */
const OTHER_LENGTH = 0.25;
/** Of what a sample's own chance makes, at least so much is left however much of the file it holds. */
const LEAST_WITHIN = 0.5;

/** Standard errors of a mean, for a scatter of one. */
export function errorOf({ seen, rows, isWithin = false }: Basis): number {
  const one = 1 / Math.max(1, seen);
  const other = 1 / Math.max(1, rows);
  return ERRORS * (isWithin ? Math.max(LEAST_WITHIN * Math.sqrt(one), Math.sqrt(Math.max(0, one - other))) : Math.sqrt(one + other));
}

/** A mean, by the scatter of what was seen. Never below zero. */
export function meanAround(mean: number, scatter: number, basis: Basis): Known {
  const error = Math.hypot(errorOf(basis) * scatter, otherRows(basis) * mean);
  return { low: Math.max(0, mean - error), expected: mean, high: mean + error };
}

/** A share of rows that are done: `low` is the level of the fewest calls. By Wilson's interval: of none seen to fail in so many, a few still may. */
export function shareAround(rate: number, basis: Basis): Known {
  const seen = (ERRORS / errorOf(basis)) ** 2;
  const doubt = ERRORS ** 2 / seen;
  const middle = (rate + doubt / 2) / (1 + doubt);
  const half = (ERRORS / (1 + doubt)) * Math.sqrt((rate * (1 - rate)) / seen + doubt / (4 * seen));
  const other = otherRows(basis) * (1 - rate);
  const up = Math.hypot(Math.max(0, middle + half - rate), other);
  const down = Math.hypot(Math.max(0, rate - middle + half), other);
  return { low: Math.min(1, rate + up), expected: rate, high: Math.max(0, rate - down) };
}

function otherRows({ isWithin = false, longer = 1 }: Basis): number {
  return isWithin ? 0 : Math.hypot(OTHER_ROWS, OTHER_LENGTH * Math.log(longer));
}

export function exactly(value: number): Known {
  return { low: value, expected: value, high: value };
}
