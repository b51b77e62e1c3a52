// From checked options to the fleet: the contracts' specifications, routes in order, the digest, the warnings.

import { dirname, resolve } from "node:path";
import type { DataHandling, ModelSpec, ProviderSpec } from "../job/model.ts";
import { modelId, type ModelId } from "../job/names.ts";
import { buildBudgets } from "../cost/budget-options.ts";
import type { BudgetSpec } from "../cost/budget.ts";
import { priceProblems, type ResolvedPrice } from "../cost/resolve-price.ts";
import { routeModels, taskModels, type TaskSpec } from "../job/task.ts";
import { whyBarred } from "../routing/data-policy.ts";
import { buildRoute } from "../routing/route.ts";
import type { Environment } from "../runtime/environment.ts";
import { digest } from "./digest.ts";
import type { ParsedFleet } from "./fleet-schema.ts";
import { showPath } from "./problem.ts";
import type { Fleet } from "./fleet.ts";

type Prices = ReadonlyMap<ModelId, ResolvedPrice>;

/** `path` is the configuration file's, absolute: a relative `store.dir` begins at its folder, the data folder at the working one. */
export function assembleFleet(
  options: ParsedFleet,
  context: { path: string; cwd: string; environment: Environment; prices: Prices },
): Fleet {
  const { path, cwd, environment, prices } = context;
  const providers = new Map(
    Object.entries(options.providers).map(([name, provider]) => [
      name,
      toProvider(name, provider, { dataClasses: options.dataClasses, prices }),
    ]),
  );
  const models = new Map([...providers.values()].flatMap((provider) => provider.models.map((model) => [model.id, model] as const)));
  const tasks = new Map(Object.entries(options.tasks).map(([name, task]) => [name, toTask(name, task)]));
  const budgets = buildBudgets(options.budgets);
  const { windowRows, windowBytes, lock, stalledCheck, reconcile } = options.queues;
  const queues = { windowRows, windowBytes, lockMs: lock, stalledCheckMs: stalledCheck, reconcileMs: reconcile };
  const redisUrl = options.redis.url ?? environment.redisUrl;
  const storeUrl = options.store.url ?? (options.store.dir === undefined ? environment.storeUrl : undefined);
  const dataDir = resolve(cwd, environment.dataDir);
  return {
    path,
    hash: fleetHash({ providers, tasks, queues, budgets }),
    providers,
    models,
    tasks,
    budgets,
    dataClasses: Object.keys(options.dataClasses),
    ...(redisUrl === undefined ? {} : { redisUrl }),
    ...(storeUrl === undefined ? {} : { storeUrl }),
    storeDir: options.store.dir === undefined ? resolve(dataDir, "store") : resolve(dirname(path), options.store.dir),
    dataDir,
    web: options.web,
    queues,
    unpriced: priceProblems(prices).map(({ path: place, message }) => `${showPath(place)} ${message}`),
    warnings: [...budgetWarnings(budgets, models), ...[...tasks.values()].flatMap((task) => taskWarnings(task, models))],
  };
}

function toProvider(
  name: string,
  options: ParsedFleet["providers"][string],
  { dataClasses, prices }: { readonly dataClasses: ParsedFleet["dataClasses"]; readonly prices: Prices },
): ProviderSpec {
  const { kind, apiKey, baseUrl, limits, sharedLimits, charging } = options;
  const data = options.data && toDataHandling(options.data);
  const barredFor = Object.fromEntries(
    Object.entries(dataClasses).map(([dataClass, rules]) => [dataClass, whyBarred({ name, ...(data ? { data } : {}) }, rules) ?? null]),
  );
  return {
    name,
    kind,
    apiKey: apiKey ?? "",
    ...(baseUrl === undefined ? {} : { baseUrl }),
    limits,
    ...(sharedLimits === undefined
      ? {}
      : { sharedLimits: sharedLimits.map((each) => ({ models: each.models.map((model) => modelId(name, model)), limits: each.limits })) }),
    ...(charging === undefined ? {} : { charging }),
    ...(data ? { data } : {}),
    models: Object.entries(options.models).map(([model, { price: _configured, ...spec }]) => {
      const id = modelId(name, model);
      const resolved = prices.get(id);
      const price = resolved && resolved.kind !== "unpriced" ? { price: resolved.price } : {};
      return { id, provider: name, name: model, ...spec, ...price, barredFor };
    }),
  };
}

function toDataHandling({ region, retention, training }: NonNullable<ParsedFleet["providers"][string]["data"]>): DataHandling {
  return {
    ...(region === undefined ? {} : { region }),
    ...(retention === undefined ? {} : { retentionMs: retention }),
    ...(training === undefined ? {} : { trains: training }),
  };
}

function toTask(name: string, options: ParsedFleet["tasks"][string]): TaskSpec {
  const { route, checks, timeout, patience, dataClass, ...rest } = options;
  return {
    name,
    ...rest,
    route: buildRoute(route),
    checks: checks ?? (options.output === undefined ? [] : [{ kind: "schema", onFail: "escalate" }]),
    ...(dataClass === undefined ? {} : { dataClass: typeof dataClass === "string" ? { default: dataClass } : dataClass }),
    timeoutMs: timeout,
    patienceMs: patience,
  };
}

function fleetHash({ providers, tasks, queues, budgets }: Pick<Fleet, "providers" | "tasks" | "queues" | "budgets">): string {
  const withoutKeys = Array.from(providers.values(), ({ apiKey: _secret, ...rest }) => rest);
  return digest({
    providers: withoutKeys.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    tasks: Object.fromEntries(tasks),
    queues,
    budgets,
  });
}

function budgetWarnings(budgets: readonly BudgetSpec[], models: ReadonlyMap<ModelId, ModelSpec>): readonly string[] {
  const unpriced = Array.from(models.values()).filter(({ price }) => !price);
  if (budgets.length === 0 || unpriced.length === 0) return [];
  return [`budgets: models without a price cost nothing as far as is known: ${unpriced.map(({ id }) => id).join(", ")}`];
}

function taskWarnings(task: TaskSpec, models: ReadonlyMap<ModelId, ModelSpec>): readonly string[] {
  const warnings: string[] = [];
  const { strategy, steps } = task.route;
  const unpriced = routeModels({ steps, fallback: [] }).filter((id) => !models.get(id)?.price);
  if ((strategy.kind === "cheapest" || strategy.kind === "balanced") && unpriced.length > 0) {
    warnings.push(`tasks.${task.name}.route: "${strategy.kind}" takes models without a price for the dearest: ${unpriced.join(", ")}`);
  }
  for (const id of taskModels(task)) {
    const model = models.get(id);
    if (!model || task.maxOutputTokens === undefined || task.maxOutputTokens <= model.maxOutputTokens) continue;
    const asked = `tasks.${task.name}.maxOutputTokens (${task.maxOutputTokens})`;
    warnings.push(`${asked} is above that of ${model.id} (${model.maxOutputTokens}): raise the model's where the vendor allows more`);
  }
  return warnings;
}
