// What a part of bench:limits found: a table for people, the same as data for programs.

import { renderTable } from "./bench-report.ts";

export interface PartReport {
  readonly title: string;
  /** The first row is the heading. */
  readonly table: readonly (readonly string[])[];
  /** How to read it, one line each. */
  readonly notes: readonly string[];
  readonly data: object;
}

/** A figure that something is aimed at. */
export interface Aim {
  readonly name: string;
  readonly isReached: boolean;
}

export function renderPart({ title, table, notes }: PartReport): string {
  return [title, renderTable(table), ...notes.map((note) => `  ${note}`)].join("\n");
}

/** `reached`, or which aims were missed. */
export function verdict(aims: readonly Aim[]): string {
  const missed = aims.filter(({ isReached }) => !isReached).map(({ name }) => name);
  return missed.length === 0 ? "reached" : `missed: ${missed.join(", ")}`;
}

export function percent(share: number, digits = 1): string {
  return `${(share * 100).toFixed(digits)} %`;
}

export function whole(value: number): string {
  return Math.round(value).toLocaleString("en");
}

/** For data: enough digits to compute with, and no more. */
export function rounded(value: number, digits = 4): number {
  return Number(value.toFixed(digits));
}
