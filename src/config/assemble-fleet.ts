// From checked options to the fleet: the contracts' specifications, routes in order, the digest, the warnings.

import { dirname, resolve } from "node:path";
import type { ModelSpec, ProviderSpec } from "../job/model.ts";
import { modelId, type ModelId } from "../job/names.ts";
import type { TaskSpec } from "../job/task.ts";
import { buildRoute } from "../routing/route.ts";
import type { Environment } from "../runtime/environment.ts";
import { digest } from "./digest.ts";
import type { ParsedFleet } from "./fleet-schema.ts";
import type { Fleet } from "./fleet.ts";

/** `path` is the configuration file's, absolute: a relative `store.dir` begins at its folder, the data folder at the working one. */
export function assembleFleet(options: ParsedFleet, context: { path: string; cwd: string; environment: Environment }): Fleet {
  const { path, cwd, environment } = context;
  const providers = new Map(Object.entries(options.providers).map(([name, provider]) => [name, toProvider(name, provider)]));
  const models = new Map([...providers.values()].flatMap((provider) => provider.models.map((model) => [model.id, model] as const)));
  const tasks = new Map(Object.entries(options.tasks).map(([name, task]) => [name, toTask(name, task, models)]));
  const { windowRows, windowBytes, lock, stalledCheck, reconcile } = options.queues;
  const queues = { windowRows, windowBytes, lockMs: lock, stalledCheckMs: stalledCheck, reconcileMs: reconcile };
  const redisUrl = options.redis.url ?? environment.redisUrl;
  const dataDir = resolve(cwd, environment.dataDir);
  return {
    path,
    hash: fleetHash(providers, tasks, queues),
    providers,
    models,
    tasks,
    ...(redisUrl === undefined ? {} : { redisUrl }),
    storeDir: options.store.dir === undefined ? resolve(dataDir, "store") : resolve(dirname(path), options.store.dir),
    dataDir,
    web: options.web,
    queues,
    warnings: [...budgetWarnings(options), ...[...tasks.values()].flatMap((task) => taskWarnings(task, options, models))],
  };
}

function toProvider(name: string, options: ParsedFleet["providers"][string]): ProviderSpec {
  const { kind, apiKey, baseUrl, limits, sharedLimits, charging } = options;
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
    models: Object.entries(options.models).map(([model, spec]) => toModel(name, model, spec)),
  };
}

function toModel(provider: string, name: string, options: ParsedFleet["providers"][string]["models"][string]): ModelSpec {
  return { id: modelId(provider, name), provider, name, ...options };
}

function toTask(name: string, options: ParsedFleet["tasks"][string], models: ReadonlyMap<ModelId, ModelSpec>): TaskSpec {
  const { route, checks, timeout, patience, ...rest } = options;
  return {
    name,
    ...rest,
    route: buildRoute(route, (id) => models.get(id)?.price),
    checks: checks ?? (options.output === undefined ? [] : [{ kind: "schema" }]),
    timeoutMs: timeout,
    patienceMs: patience,
  };
}

function fleetHash(providers: ReadonlyMap<string, ProviderSpec>, tasks: Fleet["tasks"], queues: Fleet["queues"]): string {
  const withoutKeys = Array.from(providers.values(), ({ apiKey: _secret, ...rest }) => rest);
  return digest({ providers: withoutKeys.toSorted((a, b) => (a.name < b.name ? -1 : 1)), tasks: Object.fromEntries(tasks), queues });
}

function budgetWarnings(options: ParsedFleet): readonly string[] {
  if (!options.budgets?.length) return [];
  return ["budgets: not enforced in this version: nothing will stop the spending that they are meant to bound"];
}

function taskWarnings(task: TaskSpec, options: ParsedFleet, models: ReadonlyMap<ModelId, ModelSpec>): readonly string[] {
  const warnings: string[] = [];
  const route = options.tasks[task.name]?.route;
  const compared = (route?.models ?? []).flatMap((entry) => (typeof entry === "string" ? [entry] : entry.agree)) as ModelId[];
  const unpriced = compared.filter((id) => !models.get(id)?.price);
  if (route?.strategy === "cheapest" && unpriced.length > 0) {
    warnings.push(`tasks.${task.name}.route: "cheapest" puts models without a price last: ${[...new Set(unpriced)].join(", ")}`);
  }
  for (const model of new Set(task.route.flatMap((step) => step.models.map((id) => models.get(id))))) {
    if (!model || task.maxOutputTokens === undefined || task.maxOutputTokens <= model.maxOutputTokens) continue;
    const asked = `tasks.${task.name}.maxOutputTokens (${task.maxOutputTokens})`;
    warnings.push(`${asked} is above that of ${model.id} (${model.maxOutputTokens}): raise the model's where the vendor allows more`);
  }
  return warnings;
}
