// What live totals are kept by: task, model, tenant and tags of a call, all of its tags together, so that any of them can be summed afterwards. In Redis a
// combination is a field's name: JSON of [task, model, tenant or null, [[tag, value] …] in order]. Where there are too many, 0 stands for what is not told apart.

import type { LedgerEntry } from "../job/ledger.ts";
import { soundText, textOf } from "../job/sound-text.ts";

export interface Combination {
  readonly task: string;
  readonly model: string;
  readonly tenant?: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Absent: just these calls. `tags`: calls with whatever tags that had no room of their own. `tenants`: and of whatever tenants. */
  readonly mixed?: "tags" | "tenants";
}

/** Longer ones have no room of their own. */
const MOST_CHARACTERS = 1_000;

type CombinedTerms = Pick<LedgerEntry, "task" | "model" | "tenant" | "tags">;

/** The field of an entry's combination. */
export function combinationField({ task, model, tenant, tags }: CombinedTerms): string {
  const pairs = Object.entries(tags ?? {}).flatMap(([name, value]) =>
    isNothing(value) ? [] : [[soundText(name), recorded(value)] as const],
  );
  if (pairs.length > 1) pairs.sort(byName);
  const field = fieldOf(task, model, tenant, pairs);
  return field.length > MOST_CHARACTERS ? fieldOf(task, model, tenant, 0) : field;
}

/** The fields that take its place where there is no room for it: without its tags, and without its tenant too. */
export function wideFields({ task, model, tenant }: CombinedTerms): readonly [withoutTags: string, withoutTenant: string] {
  return [fieldOf(task, model, tenant, 0), JSON.stringify([task, model, 0, 0])];
}

export function parseCombination(field: string): Combination {
  const [task, model, tenant, tags] = JSON.parse(field) as [string, string, string | null | 0, readonly [string, string][] | 0];
  return {
    task,
    model,
    ...(typeof tenant === "string" ? { tenant } : {}),
    tags: tags === 0 ? {} : Object.fromEntries(tags),
    ...(tenant === 0 ? { mixed: "tenants" as const } : tags === 0 ? { mixed: "tags" as const } : {}),
  };
}

/** Of sound text alone: a store may give back what was booked without what is not, and it must be found again under the same name. */
function fieldOf(task: string, model: string, tenant: string | undefined, tags: readonly (readonly [string, string])[] | 0): string {
  return JSON.stringify([task, model, isNothing(tenant) ? null : recorded(tenant), tags]);
}

/** Rows may have been recorded with tags and tenants that nobody had looked at: one that can't be counted would hold up all behind it. */
function isNothing(value: unknown): boolean {
  return value === undefined || value === null;
}

function recorded(value: unknown): string {
  return soundText(textOf(value));
}

function byName([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : Number(a > b);
}
