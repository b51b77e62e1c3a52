// What one option alone can't tell: names, and what refers to what. Reads the configuration as written, whether or not the rest of it is
// right, so that every problem is found at once.

import { NAME_PATTERN } from "../job/names.ts";
import { compileTemplate } from "../prompt/template.ts";
import { missingBaseUrl } from "../providers/provider-options.ts";
import { isMapping } from "./interpolate.ts";
import { suggestion } from "./nearest.ts";
import type { Path, Problem } from "./problem.ts";
import { checkReferences, type Known } from "./task-references.ts";

/** What a prompt's templates may use: the row, and its label. */
const PROMPT_VARIABLES = ["input", "id"];

type Mapping = Readonly<Record<string, unknown>>;

export function crossCheck(raw: unknown): readonly Problem[] {
  const providers = mappingAt(raw, "providers");
  const tasks = mappingAt(raw, "tasks");
  const models = Object.entries(providers).flatMap(([provider, options]) =>
    Object.keys(mappingAt(options, "models")).map((name) => `${provider}/${name}`),
  );
  const dataClasses = mappingAt(raw, "dataClasses");
  const known = { models, dataClasses: Object.keys(dataClasses) };
  return [
    ...Object.entries(dataClasses).flatMap(([name, rules]) => checkDataClass(name, rules, Object.keys(providers))),
    ...checkBudgets(raw, { providers: Object.keys(providers), models, tasks: Object.keys(tasks) }),
    ...Object.entries(providers).flatMap(([name, options]) => checkProvider(name, options)),
    ...Object.entries(tasks).flatMap(([name, options]) => checkTask(name, options, known)),
  ];
}

function checkProvider(name: string, options: unknown): readonly Problem[] {
  const path = ["providers", name];
  const problems = checkName(path, name);
  if (isMapping(options)) problems.push(...checkConnection(path, options));
  for (const model of Object.keys(mappingAt(options, "models"))) {
    if (!/^[^\s\p{Cc}]{1,200}$/u.test(model)) {
      problems.push({ path: [...path, "models", model], message: "a model's name has 1 to 200 characters and no spaces" });
    }
  }
  problems.push(...checkSharedLimits(path, options));
  return problems;
}

function checkDataClass(name: string, rules: unknown, providers: readonly string[]): readonly Problem[] {
  const path = ["dataClasses", name];
  const named = isMapping(rules) && Array.isArray(rules["providers"]) ? rules["providers"] : [];
  return named.flatMap((provider: unknown, i): readonly Problem[] =>
    typeof provider !== "string" || providers.includes(provider)
      ? []
      : [
          {
            path: [...path, "providers", i],
            message: `no provider ${JSON.stringify(provider)} is configured; ${suggestion(provider, providers)}`,
          },
        ],
  );
}

/** A budget's `of` names what its scope has; tags, tenants and batches come with the jobs. */
function checkBudgets(
  raw: unknown,
  known: { readonly providers: readonly string[]; readonly models: readonly string[]; readonly tasks: readonly string[] },
) {
  const budgets = isMapping(raw) && Array.isArray(raw["budgets"]) ? raw["budgets"] : [];
  const names: Readonly<Record<string, readonly string[]>> = { provider: known.providers, model: known.models, task: known.tasks };
  return budgets.flatMap((budget: unknown, i): readonly Problem[] => {
    const { scope, of } = isMapping(budget) ? budget : {};
    const there = typeof scope === "string" ? names[scope] : undefined;
    if (!there || typeof of !== "string" || there.includes(of)) return [];
    return [{ path: ["budgets", i, "of"], message: `no ${String(scope)} ${JSON.stringify(of)} is configured; ${suggestion(of, there)}` }];
  });
}

function checkSharedLimits(path: Path, options: unknown): readonly Problem[] {
  const known = Object.keys(mappingAt(options, "models"));
  const shared = isMapping(options) ? options["sharedLimits"] : undefined;
  if (!Array.isArray(shared)) return [];
  return shared.flatMap((entry: unknown, i) => {
    const models = isMapping(entry) ? entry["models"] : undefined;
    if (!Array.isArray(models)) return [];
    return models.flatMap((model: unknown, k): readonly Problem[] =>
      typeof model !== "string" || known.includes(model)
        ? []
        : [
            {
              path: [...path, "sharedLimits", i, "models", k],
              message: `no model ${JSON.stringify(model)} in this provider; ${suggestion(model, known)}`,
            },
          ],
    );
  });
}

function checkConnection(path: Path, { kind, apiKey, baseUrl }: Mapping): readonly Problem[] {
  const problems: Problem[] = [];
  const needsKey = kind === "openai" || kind === "anthropic";
  if (needsKey && (apiKey ?? undefined) === undefined)
    problems.push({ path: [...path, "apiKey"], message: "is missing: write ${ENV_VAR}" });
  const noAddress = kind === "openai-compatible" && baseUrl === undefined ? missingBaseUrl({ kind }) : undefined;
  if (noAddress !== undefined) problems.push({ path: [...path, "baseUrl"], message: noAddress });
  return problems;
}

function checkTask(name: string, options: unknown, known: Known): readonly Problem[] {
  const path = ["tasks", name];
  const problems = checkName(path, name);
  if (!isMapping(options)) return problems;
  problems.push(...checkTemplates([...path, "prompt"], mappingAt(options, "prompt")));
  problems.push(...checkReferences(path, options, known));
  return problems;
}

function checkTemplates(path: Path, prompt: Mapping): readonly Problem[] {
  return Object.entries(prompt).flatMap(([part, source]) => {
    const compiled = typeof source === "string" ? compileTemplate(source, PROMPT_VARIABLES) : undefined;
    if (compiled?.kind !== "wrong") return [];
    return [{ path: [...path, part], message: `is not a template that works: ${compiled.reason} (its line ${compiled.line})` }];
  });
}

function checkName(path: Path, name: string): Problem[] {
  if (NAME_PATTERN.test(name)) return [];
  const better = name.toLowerCase().replaceAll(/[^a-z0-9_-]+/g, "-");
  const advice = NAME_PATTERN.test(better) ? `, such as ${JSON.stringify(better)}` : "";
  return [{ path, message: `a name has 1 to 64 of a-z, 0-9, _ and -, and begins with a letter or digit${advice}` }];
}

function mappingAt(value: unknown, key: string): Mapping {
  const found = isMapping(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  return isMapping(found) ? found : {};
}
