// What a report can be divided by, and where a call or a job belongs.

import { dayOf } from "../job/day.ts";
import type { JobTerms } from "../job/job.ts";
import { splitModelId, type ModelId } from "../job/names.ts";
import { textOf } from "../job/sound-text.ts";

export type Dimension =
  | { readonly kind: "batch" | "task" | "model" | "provider" | "tenant" | "day" }
  | { readonly kind: "tag"; readonly tag: string };

/** A group's value in one dimension; null: there is none, as with the model of a job that nobody answered. */
export type GroupValue = string | null;

/** What a call or a job is told by. */
export interface Placed extends Pick<JobTerms, "tags" | "tenant"> {
  readonly batch: string;
  readonly task: string;
  readonly model: ModelId | undefined;
  /** Unix milliseconds. */
  readonly at: number;
}

const PLAIN = ["batch", "task", "model", "provider", "tenant", "day"] as const;

/** How the dimensions are written, for those who mistype one. */
export const DIMENSION_NAMES: readonly string[] = ["batch", "task", "model", "provider", "tag:<name>", "tenant", "day"];

/** `task`, `tag:team`; undefined where it is none. */
export function parseDimension(text: string): Dimension | undefined {
  const kind = PLAIN.find((name) => name === text);
  if (kind) return { kind };
  return text.startsWith("tag:") && text.length > 4 ? { kind: "tag", tag: text.slice(4) } : undefined;
}

/** As {@link parseDimension} reads it. */
export function dimensionName(dimension: Dimension): string {
  return dimension.kind === "tag" ? `tag:${dimension.tag}` : dimension.kind;
}

export function valueIn(dimension: Dimension, { batch, task, tags, tenant, model, at }: Placed): GroupValue {
  switch (dimension.kind) {
    case "batch":
      return batch;
    case "task":
      return task;
    case "model":
      return model ?? null;
    case "provider":
      return model === undefined ? null : splitModelId(model).provider;
    case "tenant":
      return recorded(tenant);
    case "tag":
      return tags && Object.hasOwn(tags, dimension.tag) ? recorded(tags[dimension.tag]) : null;
    case "day":
      return dayOf(at);
    default:
      return dimension satisfies never;
  }
}

/** Rows may have been recorded with tags and tenants that nobody had looked at. */
function recorded(value: unknown): GroupValue {
  return value === undefined || value === null ? null : textOf(value);
}
