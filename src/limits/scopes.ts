// What a call of a model passes: the model's own limits, those it shares with others, and its account's. Each is a scope with a name.

import type { Limits, ProviderSpec } from "../job/model.ts";
import type { ModelId } from "../job/names.ts";
import { bucketRates, type BucketRate } from "./bucket.ts";
import type { Dimension } from "./charging.ts";
import { ACCOUNT } from "./permit-book.ts";

export interface LimitScope {
  /** A model id, `+` and the ids of those that share, or `*` for the account. */
  readonly name: string;
  readonly rates: ReadonlyMap<Dimension, BucketRate>;
  /** Calls in flight at once. */
  readonly concurrency: number | undefined;
}

export interface ProviderScopes {
  /** The scopes a model's calls pass, its own first, the account's last; undefined for a model the provider doesn't have. */
  of(model: ModelId): readonly LimitScope[] | undefined;
}

export function providerScopes({ limits, sharedLimits = [], models }: ProviderSpec): ProviderScopes {
  const account = createScope(ACCOUNT, limits);
  const shared = sharedLimits.map((each) => ({ models: each.models, scope: createScope(`+${each.models.join("+")}`, each.limits) }));
  const byModel = new Map<ModelId, readonly LimitScope[]>(
    models.map(({ id, limits: own }) => {
      const sharedWith = shared.filter((each) => each.models.includes(id)).map(({ scope }) => scope);
      return [id, [createScope(id, own), ...sharedWith, account]];
    }),
  );
  return { of: (model) => byModel.get(model) };
}

/** The scope and rate that a vendor's reading of a dimension belongs to: the first that limits it. */
export function rateOf(scopes: readonly LimitScope[], dimension: Dimension): BucketRate | undefined {
  return scopes.find(({ rates }) => rates.has(dimension))?.rates.get(dimension);
}

function createScope(name: string, limits: Limits): LimitScope {
  return { name, rates: bucketRates(limits), concurrency: limits.concurrency };
}
