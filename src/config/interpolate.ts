// `${VAR}` and `${VAR:-default}` in a configuration's strings, replaced from the environment; secrets may be written in no other way.

import type { Path, Problem } from "./problem.ts";

/** Upper case only, so that a prompt about `${currency}` stays as it is; `$${VAR}` is the text `${VAR}`. */
const REFERENCE = /\$(\$\{[^}]*\})|\$\{([A-Z_][A-Z0-9_]*)(?::-([^}]*))?\}/g;
const WHOLE_REFERENCE = /^\$\{[A-Z_][A-Z0-9_]*\}$/;
const DEEPEST = 100;

export interface Interpolated {
  readonly value: unknown;
  readonly problems: readonly Problem[];
}

/**
 * Replaces the references in every string of `raw`. A variable that isn't set is a problem naming it and the place; with
 * `allowMissingSecrets` an API key's becomes empty instead.
 */
export function interpolate(
  raw: unknown,
  options: { readonly variable: (name: string) => string | undefined; readonly allowMissingSecrets: boolean },
): Interpolated {
  const problems: Problem[] = [];

  const replace = (text: string, path: Path): string =>
    text.replace(REFERENCE, (whole: string, escaped: string | undefined, name: string | undefined, fallback: string | undefined) => {
      if (name === undefined) return escaped ?? whole;
      const value = options.variable(name) ?? fallback;
      if (value === undefined && !(options.allowMissingSecrets && isApiKey(path))) {
        problems.push({ path, message: `the environment variable ${name} is not set` });
      }
      return value ?? "";
    });

  const walk = (value: unknown, path: Path): unknown => {
    if (path.length > DEEPEST) {
      problems.push({ path: path.slice(0, 3), message: `is nested more than ${DEEPEST} levels deep` });
      return undefined;
    }
    if (typeof value === "string") {
      const problem = literalSecret(value, path);
      if (problem !== undefined) problems.push({ path, message: problem });
      return problem === undefined ? replace(value, path) : value;
    }
    if (Array.isArray(value)) return value.map((item, i) => walk(item, [...path, i]));
    if (isMapping(value)) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, walk(item, [...path, key])]));
    return value;
  };

  return { value: walk(raw, []), problems };
}

/** A plain object: what a YAML mapping becomes. */
export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function isApiKey(path: Path): boolean {
  return path.length === 3 && path[0] === "providers" && path[2] === "apiKey";
}

/** Why a string is a secret in clear text; never repeats it. */
function literalSecret(text: string, path: Path): string | undefined {
  if (isApiKey(path) && !WHOLE_REFERENCE.test(text)) {
    const name = `${String(path[1])
      .toUpperCase()
      .replaceAll(/[^A-Z0-9]/g, "_")}_API_KEY`;
    return `holds literal text: write an environment variable's name in capitals, such as \${${name}}, and set that`;
  }
  const isServer = (path[0] === "redis" || path[0] === "store") && path[1] === "url";
  const isUrl = (path[0] === "providers" && path[2] === "baseUrl") || isServer;
  if (isUrl && /:\/\/[^/@]*:[^/@$]+@/.test(text)) return "holds a password: write the address, or its password, as ${ENV_VAR}";
  if (isServer && /[?&](ssl)?password=[^&$]/.test(text)) return "holds a password: write it as ${ENV_VAR}";
  return undefined;
}
