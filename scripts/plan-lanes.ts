// The limits that a plan's calls pass, as lanes: each model's own, those it shares, its account's; and the calls that a pool has in hand at most.

import type { Fleet } from "../src/config/fleet.ts";
import type { ModelId } from "../src/job/names.ts";
import { NO_CHARGE, type Charge } from "../src/limits/charging.ts";
import { providerScopes, type LimitScope } from "../src/limits/scopes.ts";
import type { Lane, Load } from "../src/plan/reckon-time.ts";
import { slotsFor } from "../workers/slots-for.ts";

/** A plan is for a fleet of one process for each provider. */
const PROCESSES = 1;

/** `usedShare`: of the rates, for what is let through at the limits is never quite all of them. */
export function lanesOf(
  loads: readonly Load[],
  { models, providers }: Pick<Fleet, "models" | "providers">,
  usedShare: number,
): readonly Lane[] {
  const ids = [...new Set(loads.map(({ model }) => model))];
  return Array.from(providers.values()).flatMap((provider) => {
    const scopes = providerScopes(provider);
    const own = ids.filter((id) => models.get(id)?.provider === provider.name);
    const users = new Map<LimitScope, Set<ModelId>>();
    for (const id of own) {
      for (const scope of scopes.of(id) ?? []) users.set(scope, (users.get(scope) ?? new Set<ModelId>()).add(id));
    }
    const limits = Array.from(users, ([scope, of]) => lanesOfScope(scope, { models: of, provider: provider.name, usedShare })).flat();
    return [...limits, ...own.map((id) => slotLane(id, scopes.of(id) ?? [], loads))];
  });
}

function lanesOfScope(
  scope: LimitScope,
  { models, provider, usedShare }: { readonly models: ReadonlySet<ModelId>; readonly provider: string; readonly usedShare: number },
): readonly Lane[] {
  const name = scopeName(scope.name, provider);
  const rates = Array.from(scope.rates, ([dimension, { perMs, burstMs }]): Lane => {
    return { name: `${name}: ${dimension}`, models, rate: { amount: dimension, perMs: perMs * usedShare, burstMs } };
  });
  return scope.concurrency === undefined ? rates : [...rates, { name: `${name}: concurrency`, models, concurrency: scope.concurrency }];
}

function scopeName(name: string, provider: string): string {
  if (name.startsWith("+")) return name.slice(1);
  return name.includes("/") ? name : `${provider} (account)`;
}

/** As many calls at once as a pool takes for what the limits let through: binding only where there are hardly any limits. */
function slotLane(id: ModelId, scopes: readonly LimitScope[], loads: readonly Load[]): Lane {
  const own = loads.filter(({ model }) => model === id);
  const calls = own.reduce((sum, load) => sum + load.calls, 0);
  const mean = (of: (load: Load) => number) => (calls > 0 ? own.reduce((sum, load) => sum + of(load), 0) / calls : 0);
  const dimensions = Object.keys(NO_CHARGE) as (keyof Charge)[];
  const charge = Object.fromEntries(
    dimensions.map((dimension) => [dimension, mean((load) => load.amounts[dimension] ?? 0)]),
  ) as unknown as Charge;
  const latencyMs = mean((load) => load.calls * load.latencyMs);
  const concurrency = slotsFor({ scopes, charge, latencyMs, processes: PROCESSES });
  return { name: `${id}: calls at once`, models: new Set([id]), concurrency };
}
