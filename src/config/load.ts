// Loading the configuration: read → replace variables → check every part and what lies between them → the fleet. All problems at once.

import { resolve } from "node:path";
import { resolvePrices } from "../cost/resolve-price.ts";
import type { Environment } from "../runtime/environment.ts";
import { assembleFleet } from "./assemble-fleet.ts";
import { crossCheck } from "./cross-check.ts";
import type { Fleet } from "./fleet.ts";
import { fleetSchema } from "./fleet-schema.ts";
import { interpolate } from "./interpolate.ts";
import { parseOptions, problemsError, showPath, type Path } from "./problem.ts";
import { readConfig } from "./read-config.ts";

export interface LoadOptions {
  readonly environment: Environment;
  /** For commands that call no vendor: an API key whose variable isn't set becomes empty. */
  readonly allowMissingSecrets?: boolean;
  /** Where relative paths begin; the process's working folder unless given. */
  readonly cwd?: string;
}

/**
 * Loads `path`, or the first of `fleet.yaml`, `fleet.yml`, `fleet.config.ts`, `fleet.config.js` in the working folder.
 * Throws UsageError: no file, an unreadable one, or the list of everything that is wrong with it.
 */
export async function loadFleet(path: string | undefined, options: LoadOptions): Promise<Fleet> {
  const cwd = resolve(options.cwd ?? ".");
  const file = await readConfig(path, cwd);
  const { value, problems: unresolved } = interpolate(file.raw, {
    variable: (name) => options.environment.variable(name),
    allowMissingSecrets: options.allowMissingSecrets ?? false,
  });
  const { options: parsed, problems: wrong } = parseOptions(fleetSchema, value);
  // What a missing variable leaves behind is no second problem.
  const reported = new Set(unresolved.map((problem) => showPath(problem.path)));
  const found = [...wrong.map((problem) => ({ ...problem, path: asWritten(problem.path, value) })), ...crossCheck(value)];
  const problems = [...unresolved, ...found.filter((problem) => !reported.has(showPath(problem.path)))];
  if (!parsed || problems.length > 0) throw problemsError(file.path, problems, (place) => file.lineOf(place));
  const prices = await resolvePrices(parsed.providers, new Date());
  return assembleFleet(parsed, { path: file.path, cwd, environment: options.environment, prices });
}

/** A route may be the list of its `models` alone: then the file has no such key. */
function asWritten(path: Path, value: unknown): Path {
  let written: unknown = value;
  return path.filter((part) => {
    if (part === "models" && Array.isArray(written)) return false;
    written = (written as Readonly<Record<string | number, unknown>> | null | undefined)?.[part];
    return true;
  });
}
