// What a report or an export is about, as the command line says it: batches, a period, groups, a model to compare with.

import { DAY_MS } from "../src/job/day.ts";
import { suggestion } from "../src/config/nearest.ts";
import type { Fleet } from "../src/config/fleet.ts";
import { callCostNanoUsd } from "../src/cost/call-cost.ts";
import { UsageError } from "../src/job/errors.ts";
import { DIMENSION_NAMES, dimensionName, parseDimension, type Dimension } from "../src/report/dimension.ts";
import type { Baseline } from "../src/report/spending-report.ts";
import type { Store } from "../src/results/store.ts";

/** A day, or a time; without a zone it is UTC. */
const DATE = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?)(Z|[+-]\d{2}:\d{2})?)?$/;

/** `task,tag:team`. @throws UsageError naming what is no dimension. */
export function readDimensions(list: string): readonly Dimension[] {
  const names = list.split(",").map((name) => name.trim());
  const dimensions = names.map((name) => {
    const dimension = parseDimension(name);
    if (dimension) return dimension;
    const hint =
      name === "tag" || name === "tag:"
        ? "Which tag? Write tag:team for the tag called team."
        : `It can be: ${DIMENSION_NAMES.join(", ")}.`;
    throw new UsageError(`--by: there is nothing called ${JSON.stringify(name)} to group by`, hint);
  });
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined)
    throw new UsageError(`--by names ${twice} twice`, `Write: --by ${[...new Set(dimensions.map(dimensionName))].join(",")}`);
  return dimensions;
}

/** Unix ms, from `since` on and before `until`. A day given as `until` is in. @throws UsageError for what is no date, or a period that ends before it begins. */
export function readPeriod(options: { readonly since?: string; readonly until?: string }): {
  readonly since?: number;
  readonly until?: number;
} {
  const since = options.since === undefined ? undefined : readDate("--since", options.since).startMs;
  const until = options.until === undefined ? undefined : readDate("--until", options.until).endMs;
  if (since !== undefined && until !== undefined && until <= since) {
    throw new UsageError(`--until ${options.until} lies before --since ${options.since}`);
  }
  return { ...(since === undefined ? {} : { since }), ...(until === undefined ? {} : { until }) };
}

function readDate(option: string, text: string): { readonly startMs: number; readonly endMs: number } {
  const [, day = "", time, zone = "Z"] = DATE.exec(text.trim()) ?? [];
  const midnightMs = Date.parse(`${day}T00:00:00Z`);
  const startMs = time === undefined ? midnightMs : Date.parse(`${day}T${time}${zone}`);
  // A day that no month has would be taken for one of the next.
  if (Number.isNaN(startMs) || Number.isNaN(midnightMs) || new Date(midnightMs).toISOString().slice(0, 10) !== day) {
    throw new UsageError(`${option}: ${JSON.stringify(text)} is no date`, "Write a day or a time in UTC: 2026-11-01, 2026-11-01T08:00Z.");
  }
  return { startMs, endMs: time === undefined ? startMs + DAY_MS : startMs };
}

/** All that the store has, unless some are named. @throws UsageError when there are none, or one is not there. */
export async function chooseBatches(named: readonly string[], store: Pick<Store, "batches" | "place">): Promise<readonly string[]> {
  const known = await store.batches();
  if (named.length === 0) {
    if (known.length === 0)
      throw new UsageError(
        `there is no batch in the store ${store.place}`,
        "A batch is there once its first results are stored: see modelfleet status.",
      );
    return known.toSorted();
  }
  for (const batch of named) {
    if (!known.includes(batch))
      throw new UsageError(`there is no batch ${JSON.stringify(batch)} in the store ${store.place}`, advice(batch, known));
  }
  return [...new Set(named)];
}

/** @throws UsageError for a model that isn't configured, or has no price. */
export function readBaseline(name: string, { models }: Pick<Fleet, "models">): Baseline {
  const model = Array.from(models.values()).find(({ id }) => id === name);
  if (!model) {
    throw new UsageError(
      `--baseline: there is no model ${JSON.stringify(name)} in the configuration`,
      advice(name, Array.from(models.keys())),
    );
  }
  const { price } = model;
  if (!price) {
    throw new UsageError(
      `--baseline: ${name} has no price`,
      "Give it one in the configuration (docs/costs.md), or compare with another model.",
    );
  }
  return { model: model.id, costNanoUsd: (usage) => callCostNanoUsd(usage, price) };
}

function advice(name: string, known: readonly string[]): string {
  const words = suggestion(name, known);
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}${words.endsWith("?") ? "" : "."}`;
}
