// What the command line says of all rows of a batch beside the rows themselves: tags, a tenant, the class of their data, and which models may see them.

import { isDeepStrictEqual } from "node:util";
import { UsageError } from "../src/job/errors.ts";
import type { Fleet } from "../src/config/fleet.ts";
import { termsOf, type JobTerms } from "../src/job/job.ts";
import { isTenant, TENANT_CHARACTERS, type ModelId } from "../src/job/names.ts";

export interface TermOptions {
  readonly tag?: readonly string[];
  readonly tenant?: string;
  readonly dataClass?: string;
  readonly allow?: readonly string[];
  readonly deny?: readonly string[];
}

/** What the command line says of all rows. @throws UsageError for a model or data class that the configuration doesn't have, a tag or tenant that is none. */
export function parseTerms(options: TermOptions, fleet: Pick<Fleet, "models" | "dataClasses">): JobTerms {
  const { tenant, dataClass, allow, deny } = options;
  for (const model of [...(allow ?? []), ...(deny ?? [])]) {
    if (fleet.models.has(model as ModelId)) continue;
    throw new UsageError(`no model "${model}" is configured`, `There are: ${[...fleet.models.keys()].join(", ")}.`);
  }
  if (dataClass !== undefined && !fleet.dataClasses.includes(dataClass)) {
    const known = fleet.dataClasses.length === 0 ? "none is: see dataClasses in docs/routing.md" : fleet.dataClasses.join(", ");
    throw new UsageError(`the data class "${dataClass}" is not configured`, `Configured: ${known}.`);
  }
  if (tenant !== undefined && !isTenant(tenant))
    throw new UsageError(`--tenant takes 1 to ${TENANT_CHARACTERS} characters, not "${tenant}"`);
  const tags = parseTags(options.tag);
  return termsOf({
    ...(tags ? { tags } : {}),
    ...(tenant === undefined ? {} : { tenant }),
    ...(dataClass === undefined ? {} : { dataClass }),
    ...(allow ? { allow: allow as readonly ModelId[] } : {}),
    ...(deny ? { deny: deny as readonly ModelId[] } : {}),
  });
}

/**
 * Who may see a batch's rows is settled when it begins: rows that are added later must not slip through under other terms. Batches of other producers, and those
 * rebuilt from the store, name no terms. @throws UsageError naming both.
 */
export function requireSameTerms(batch: string, source: string | null, terms: JobTerms): void {
  const begun = source === null ? undefined : (JSON.parse(source) as { readonly terms?: JobTerms }).terms;
  if (!begun || isDeepStrictEqual(visible(begun), visible(terms))) return;
  throw new UsageError(
    `batch ${batch} began with ${described(begun)}, and this command has ${described(terms)}`,
    "Give --data-class, --allow and --deny as at first, or start anew with --fresh (where a batch was named: with another --batch).",
  );
}

function visible({ dataClass, allow, deny, trial }: JobTerms): JobTerms {
  return termsOf({
    ...(dataClass ? { dataClass } : {}),
    ...(allow ? { allow } : {}),
    ...(deny ? { deny } : {}),
    ...(trial ? { trial } : {}),
  });
}

function described({ dataClass, allow, deny }: JobTerms): string {
  const parts = [
    ...(dataClass ? [`--data-class ${dataClass}`] : []),
    ...(allow ? [`--allow ${allow.join(" ")}`] : []),
    ...(deny ? [`--deny ${deny.join(" ")}`] : []),
  ];
  return parts.length === 0 ? "no --data-class, --allow or --deny" : parts.join(" ");
}

function parseTags(pairs: readonly string[] | undefined): Readonly<Record<string, string>> | undefined {
  if (!pairs || pairs.length === 0) return undefined;
  return Object.fromEntries(
    pairs.map((pair) => {
      const equals = pair.indexOf("=");
      if (equals < 1) throw new UsageError(`--tag takes key=value, not "${pair}"`);
      return [pair.slice(0, equals), pair.slice(equals + 1)];
    }),
  );
}
