// The models that a route names, with their places in the configuration as written: for checks that look at names before, or without, the rest being right.

export interface NamedModel {
  /** From the route on. */
  readonly path: readonly (string | number)[];
  readonly id: string;
  /** The list it stands in (`models`, `fallback`, `strategy.simple` …), and whether alone: named twice there, the second is never reached. */
  readonly list: string;
  readonly isAlone: boolean;
}

export interface NamedField {
  readonly path: readonly (string | number)[];
  readonly field: string;
}

const BANDS = ["simple", "medium", "complex"] as const;

/** `route`: as read from the file, of whatever form or none. */
export function namedModels(route: unknown): readonly NamedModel[] {
  return entriesOf(route).flatMap(({ path, list, entry }): readonly NamedModel[] => {
    if (typeof entry === "string") return [{ path, id: entry, list, isAlone: true }];
    if (!isMapping(entry)) return [];
    if (typeof entry["model"] === "string") return [{ path: [...path, "model"], id: entry["model"], list, isAlone: true }];
    return listOf(entry["agree"]).flatMap((id, i) =>
      typeof id === "string" ? [{ path: [...path, "agree", i], id, list, isAlone: false }] : [],
    );
  });
}

/** The fields that answers are compared on. */
export function namedFields(route: unknown): readonly NamedField[] {
  return entriesOf(route).flatMap(({ path, entry }): readonly NamedField[] => {
    const on = isMapping(entry) ? entry["on"] : undefined;
    if (typeof on === "string") return [{ path: [...path, "on"], field: on }];
    return listOf(on).flatMap((field, i) => (typeof field === "string" ? [{ path: [...path, "on", i], field }] : []));
  });
}

interface Entry {
  readonly path: readonly (string | number)[];
  readonly list: string;
  readonly entry: unknown;
}

function entriesOf(route: unknown): readonly Entry[] {
  const inList = (list: unknown, path: readonly string[], name: string) =>
    listOf(list).map((entry, i): Entry => ({ path: [...path, i], list: name, entry }));
  if (Array.isArray(route)) return inList(route, [], "models");
  if (!isMapping(route)) return [];
  const strategy = isMapping(route["strategy"]) ? route["strategy"] : {};
  return [
    ...BANDS.flatMap((band) => inList(strategy[band], ["strategy", band], `strategy.${band}`)),
    ...inList(route["models"], ["models"], "models"),
    ...inList(route["fallback"], ["fallback"], "fallback"),
  ];
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}
