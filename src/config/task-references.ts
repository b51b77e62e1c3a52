// What a task refers to: models, fields of its output, classes of data. Reads the options as written, whether or not the rest of them is right.

import { isMapping } from "./interpolate.ts";
import { suggestion } from "./nearest.ts";
import type { Path, Problem } from "./problem.ts";

type Mapping = Readonly<Record<string, unknown>>;

/** What there is to refer to. */
export interface Known {
  /** Ids. */
  readonly models: readonly string[];
  readonly dataClasses: readonly string[];
}

export function checkReferences(path: Path, task: Mapping, known: Known): readonly Problem[] {
  return [...checkRoute([...path, "route"], task, known), ...checkOthers(path, task, known), ...checkFields(path, task)];
}

interface Entry {
  readonly path: Path;
  readonly value: unknown;
  /** Of the lists in which a model stands once. */
  readonly isInOrder: boolean;
}

function checkRoute(path: Path, task: Mapping, { models }: Known): readonly Problem[] {
  const problems: Problem[] = [];
  const listed = new Set<string>();
  for (const { path: place, value, isInOrder } of routeEntries(path, task["route"])) {
    for (const [at, id] of modelsIn(place, value)) problems.push(...checkModel(at, id, models));
    const single = typeof value === "string" ? value : isMapping(value) ? value["model"] : undefined;
    if (!isInOrder || typeof single !== "string") continue;
    if (listed.has(single)) problems.push({ path: place, message: `${JSON.stringify(single)} is in this route twice` });
    listed.add(single);
  }
  return problems;
}

/** The steps of a route in whatever form it is written. */
function routeEntries(path: Path, route: unknown): readonly Entry[] {
  const listAt = (place: Path, value: unknown, isInOrder: boolean) =>
    Array.isArray(value) ? value.map((entry: unknown, i): Entry => ({ path: [...place, i], value: entry, isInOrder })) : [];
  if (!isMapping(route)) return listAt(path, route, true);
  const strategy = route["strategy"];
  const bands = isMapping(strategy) ? ["simple", "medium", "complex"] : [];
  return [
    ...["models", "fallback"].flatMap((list) => listAt([...path, list], route[list], true)),
    ...bands.flatMap((band) => listAt([...path, "strategy", band], (strategy as Mapping)[band], false)),
  ];
}

function modelsIn(path: Path, entry: unknown): readonly (readonly [Path, string])[] {
  if (typeof entry === "string") return [[path, entry]];
  if (!isMapping(entry)) return [];
  const members = Array.isArray(entry["agree"]) ? entry["agree"] : [];
  return [
    ...(typeof entry["model"] === "string" ? [[[...path, "model"], entry["model"]] as const] : []),
    ...members.flatMap((id: unknown, i) => (typeof id === "string" ? [[[...path, "agree", i], id] as const] : [])),
  ];
}

/** Judges, the model that is asked for the complexity, the class of data. */
function checkOthers(path: Path, task: Mapping, { models, dataClasses }: Known): readonly Problem[] {
  const { judge, analyse, dataClass } = task;
  const problems: Problem[] = [];
  if (isMapping(judge)) {
    const judges = judgesIn([...path, "judge"], judge);
    for (const [at, id] of judges) problems.push(...checkModel(at, id, models));
    const answerers = new Set(routeEntries(path, task["route"]).flatMap(({ path: at, value }) => modelsIn(at, value).map(([, id]) => id)));
    const [only] = judges;
    if (judges.length === 1 && only && answerers.has(only[1])) {
      problems.push({
        path: only[0],
        message: `${JSON.stringify(only[1])} also answers, and nobody judges its own answers: name another judge beside it`,
      });
    }
  }
  problems.push(...checkDrift([...path, "drift"], task["drift"], models));
  if (isMapping(analyse) && typeof analyse["model"] === "string") {
    problems.push(...checkModel([...path, "analyse", "model"], analyse["model"], models));
  }
  const [at, named] = isMapping(dataClass)
    ? [[...path, "dataClass", "default"], dataClass["default"]]
    : [[...path, "dataClass"], dataClass];
  if (typeof named === "string" && !dataClasses.includes(named)) {
    const advice = dataClasses.length === 0 ? "there are no dataClasses" : suggestion(named, dataClasses);
    problems.push({ path: at, message: `no data class ${JSON.stringify(named)} is configured; ${advice}` });
  }
  return problems;
}

/** What the pilot saw of models that are no longer there is watched by nobody. */
function checkDrift(path: Path, drift: unknown, models: readonly string[]): readonly Problem[] {
  const keysOf = (list: string) => (isMapping(drift) && isMapping(drift[list]) ? Object.keys(drift[list]) : []);
  return [
    ...keysOf("passRates").flatMap((id) => checkModel([...path, "passRates", id], id, models)),
    ...keysOf("agreements").flatMap((ids) => ids.split("+").flatMap((id) => checkModel([...path, "agreements", ids], id, models))),
  ];
}

function judgesIn(path: Path, { model, models }: Mapping): readonly (readonly [Path, string])[] {
  const several = Array.isArray(models) ? models : [];
  return [
    ...(typeof model === "string" ? [[[...path, "model"], model] as const] : []),
    ...several.flatMap((id: unknown, i) => (typeof id === "string" ? [[[...path, "models", i], id] as const] : [])),
  ];
}

/** Agreements and checks name fields of the output. */
function checkFields(path: Path, task: Mapping): readonly Problem[] {
  const { output } = task;
  const checks = Array.isArray(task["checks"]) ? task["checks"] : [];
  const problems: Problem[] = [];
  if (output === undefined && checks.some((check) => isMapping(check) && check["kind"] === "schema")) {
    problems.push({ path: [...path, "checks"], message: "the check `schema` needs the task's output schema: give `output`" });
  }
  checks.forEach((check: unknown, i) => {
    if (isMapping(check) && typeof check["field"] === "string") {
      problems.push(...checkField([...path, "checks", i, "field"], check["field"].split(/[.[]/)[0] as string, output));
    }
  });
  for (const { path: place, value } of routeEntries([...path, "route"], task["route"])) {
    const on = isMapping(value) ? value["on"] : undefined;
    for (const [at, field] of Array.isArray(on)
      ? on.map((each: unknown, i) => [[...place, "on", i], each] as const)
      : [[[...place, "on"], on] as const]) {
      if (typeof field !== "string") continue;
      if (output === undefined) {
        problems.push({ path: at, message: "comparing a field needs the task's output schema: give `output`, or leave `on` out" });
      } else problems.push(...checkField(at, field, output));
    }
  }
  return problems;
}

/** Where the schema names no properties, any field may be there. */
function checkField(path: Path, field: string, output: unknown): readonly Problem[] {
  const properties = isMapping(output) && isMapping(output["properties"]) ? Object.keys(output["properties"]) : [];
  if (properties.length === 0 || properties.includes(field)) return [];
  return [{ path, message: `${JSON.stringify(field)} is not a property of the task's output; ${suggestion(field, properties)}` }];
}

function checkModel(path: Path, id: string, models: readonly string[]): Problem[] {
  if (models.includes(id)) return [];
  // The vendor's name alone is the likeliest slip.
  const full = models.find((model) => model.slice(model.indexOf("/") + 1) === id);
  const advice = full === undefined ? suggestion(id, models) : `did you mean ${JSON.stringify(full)}?`;
  return [{ path, message: `no model ${JSON.stringify(id)} is configured; ${advice}` }];
}
