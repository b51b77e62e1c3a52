// What of a model somebody has to see to: a configured limit that its vendor doesn't grant, and a breaker that only a person can close for good.

import type { Fleet } from "../src/config/fleet.ts";
import type { ProviderSpec } from "../src/job/model.ts";
import { splitModelId, type ModelId } from "../src/job/names.ts";
import type { Dimension } from "../src/limits/charging.ts";
import type { DimensionUse } from "../src/limits/limit-use.ts";
import { formatCount } from "../src/report/format.ts";
import type { ModelStatus } from "./model-status.ts";

type Providers = Pick<Fleet, "providers">["providers"];
type Configured = Pick<ModelStatus, "model" | "breaker" | "use">;

export function modelWarnings({
  fleet,
  models,
}: {
  readonly fleet: Pick<Fleet, "providers">;
  readonly models: readonly Configured[];
}): readonly string[] {
  return [...vendorsLimits(fleet.providers, models), ...closedDoors(fleet.providers, models)];
}

/** Models that share a limit share its warning. */
function vendorsLimits(providers: Providers, models: readonly Configured[]): readonly string[] {
  const warnings = models.flatMap(({ model, use }) =>
    use.dimensions.flatMap((dimension) => {
      const provider = providers.get(splitModelId(model).provider);
      return (dimension.isVendors && provider && vendorsLimit(provider, model, dimension)) || [];
    }),
  );
  return [...new Set(warnings)];
}

function vendorsLimit(provider: ProviderSpec, model: ModelId, { dimension, limit }: DimensionUse): string | undefined {
  const configured = configuredLimit(provider, model, dimension);
  if (!configured) return undefined;
  const { subject, path, value } = configured;
  const allows = `${subject} allows ${formatCount(limit)} ${dimension} by its vendor's word, ${formatCount(value)} are configured`;
  return `${allows}: lower ${path}. Until then the fleet keeps to the vendor's.`;
}

/** The limit that a vendor's word on the model's dimension is about: its own, else one that it shares, else the account's. */
function configuredLimit({ name, limits, sharedLimits = [], models }: ProviderSpec, model: ModelId, dimension: Dimension) {
  const own = models.find(({ id }) => id === model);
  const shared = sharedLimits.find((each) => each.models.includes(model) && each.limits[dimension] !== undefined);
  const candidates = [
    { subject: model as string, path: `providers.${name}.models.${own?.name}.limits.${dimension}`, value: own?.limits[dimension] },
    {
      subject: (shared?.models ?? []).join(" with "),
      path: `their ${dimension} in providers.${name}.sharedLimits`,
      value: shared?.limits[dimension],
    },
    { subject: name, path: `providers.${name}.limits.${dimension}`, value: limits[dimension] },
  ];
  return candidates.find((each): each is typeof each & { value: number } => each.value !== undefined);
}

/** What to do, by the vendor's words (providers/vendor-failure.ts puts the status first). */
const REMEDIES: readonly { readonly reason: RegExp; readonly remedy: string }[] = [
  {
    reason: /quota|billing|balance|credit|spend|usage limits|^402\b/i,
    remedy: "Raise the account's quota or spending limit, or top it up",
  },
  { reason: /^40[13]\b/, remedy: "Check the provider's apiKey, and what that key may use" },
  { reason: /model_not_found|^404\b.*\bmodel\b/i, remedy: "Check the model's name in the configuration, and whether the key may use it" },
  { reason: /^(3\d\d|404|405)\b/, remedy: "Check the provider's baseUrl" },
];
/** A vendor that named a long wait needs nobody. */
const LONG_WAIT = " asks for a wait: ";

/** Breakers that opened because the vendor turns every call away. One sentence for all models of a provider that hear the same. */
function closedDoors(providers: Providers, models: readonly Configured[]): readonly string[] {
  const byReason = new Map<string, { readonly remedy: string; readonly reason: string; readonly models: ModelId[] }>();
  for (const { model, breaker } of models) {
    if (breaker.kind === "closed" || breaker.reason.includes(LONG_WAIT)) continue;
    const { reason } = breaker;
    const remedy = REMEDIES.find((each) => each.reason.test(reason))?.remedy;
    if (remedy === undefined) continue;
    const key = `${splitModelId(model).provider} ${reason}`;
    const found = byReason.get(key) ?? { remedy, reason, models: [] };
    byReason.set(key, { ...found, models: [...found.models, model] });
  }
  return Array.from(byReason.values(), ({ remedy, reason, models: turnedAway }) => {
    const provider = providers.get(splitModelId(turnedAway[0]!).provider);
    const isWhole = turnedAway.length > 1 && turnedAway.length === provider?.models.length;
    const subject = isWhole ? provider.name : turnedAway.join(", ");
    return `${subject} turns every call away: ${reason.replace(/\.$/, "")}. ${remedy}; a call now and then finds out when it has helped.`;
  });
}
