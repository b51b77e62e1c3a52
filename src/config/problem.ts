// What is wrong with a configuration: every problem with its place, for one message that lists them all.

import type { z } from "zod";
import { UsageError } from "../job/errors.ts";
import { suggestion } from "./nearest.ts";

export type Path = readonly (string | number)[];

export interface Problem {
  readonly path: Path;
  /** What is wrong and, where it isn't plain, what to do. */
  readonly message: string;
  /** Where the path doesn't lead to it: the line in the file, from 1. */
  readonly line?: number;
}

type RawIssue = Parameters<NonNullable<z.core.ParseContext<z.core.$ZodIssue>["error"]>>[0];

/** Parses by a schema; a failure comes back as problems in the words of this product. */
export function parseOptions<S extends z.ZodType>(
  schema: S,
  value: unknown,
): { readonly options?: z.output<S>; readonly problems: readonly Problem[] } {
  const parsed = schema.safeParse(value, { error: wording, reportInput: false });
  return parsed.success ? { options: parsed.data, problems: [] } : { problems: parsed.error.issues.flatMap((issue) => toProblems(issue)) };
}

/** One line for each unknown key, as `toProblems` takes them apart again. Values are not repeated: one of them could be a secret. */
function wording(issue: RawIssue): string | undefined {
  switch (issue.code) {
    case "unrecognized_keys": {
      const known = knownKeys(issue.inst);
      return issue.keys.map((key) => `unknown option; ${suggestion(key, known)}`).join("\n");
    }
    case "invalid_type":
      return typeWords(nameOf(issue.expected), issue.input);
    case "invalid_value":
      return `must be one of: ${issue.values.map(String).join(", ")}`;
    case "too_small":
      if (issue.origin === "string") return "must not be empty";
      if (issue.origin === "array") return `needs at least ${issue.minimum}`;
      return issue.inclusive ? `must be at least ${issue.minimum}` : `must be above ${issue.minimum}`;
    case "too_big":
      return `must be at most ${issue.maximum}`;
    case "invalid_union":
      // A mapping whose `kind` is none of those that there are.
      if (Array.isArray(issue["options"])) return `must be one of: ${issue["options"].map(String).join(", ")}`;
      return unionWords((issue.errors as readonly (readonly z.core.$ZodIssue[])[]).flat(), issue.input);
    default:
      return undefined;
  }
}

function toProblems(issue: z.core.$ZodIssue, base: Path = []): Problem[] {
  const path = [...base, ...issue.path.map((part) => (typeof part === "symbol" ? String(part) : part))];
  if (issue.code === "unrecognized_keys") {
    const messages = issue.message.split("\n");
    return issue.keys.map((key, i) => ({ path: [...path, key], message: messages[i] ?? "unknown option" }));
  }
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    // The branch that the user meant: the first whose type is right at its root.
    const meant = issue.errors.find((issues) => !issues.some((inner) => inner.code === "invalid_type" && inner.path.length === 0));
    if (meant) return meant.flatMap((inner) => toProblems(inner, path));
  }
  return [{ path, message: issue.message }];
}

function typeWords(wanted: string, input: unknown): string {
  return input === undefined ? `is missing (${wanted})` : `must be ${wanted}, not ${typeOf(input)}`;
}

/** What suits no branch of a union, told once: the types that it may have stand together, words of an option's own stay. */
function unionWords(issues: readonly z.core.$ZodIssue[], input: unknown): string {
  const types: string[] = [];
  const others: string[] = [];
  for (const issue of issues) {
    const type = issue.code === "invalid_type" ? nameOf(issue.expected) : undefined;
    if (type !== undefined && issue.message === typeWords(type, input)) types.push(type);
    else others.push(issue.message);
  }
  const told = types.length === 0 ? others : [typeWords(types.join(" or "), input), ...others];
  return [...new Set(told)].join("; or ");
}

function knownKeys(schema: unknown): readonly string[] {
  return Object.keys((schema as { readonly shape?: object } | undefined)?.shape ?? {});
}

function nameOf(expected: string): string {
  const names: Readonly<Record<string, string>> = {
    int: "a whole number",
    number: "a number",
    string: "text",
    boolean: "true or false",
    array: "a list",
    object: "a mapping",
    record: "a mapping",
  };
  return names[expected] ?? expected;
}

function typeOf(value: unknown): string {
  if (value === null) return "empty";
  if (Array.isArray(value)) return "a list";
  return typeof value === "number" && !Number.isInteger(value) ? "a fraction" : nameOf(typeof value);
}

/** `providers.openai.models["meta/llama"].limits`: as a reader would look for it. */
export function showPath(path: Path): string {
  const shown = path.map((part) => {
    if (typeof part === "number") return `[${part}]`;
    return /^[A-Za-z0-9_-]+$/.test(part) ? `.${part}` : `[${JSON.stringify(part)}]`;
  });
  return shown.join("").replace(/^\./, "");
}

/** One error for all problems. `lineOf` finds a path's line in the file, where the file has lines. */
export function problemsError(file: string, problems: readonly Problem[], lineOf: (path: Path) => number | undefined): UsageError {
  const placed = problems.map((problem) => ({ ...problem, line: problem.line ?? lineOf(problem.path) }));
  const lines = placed
    .toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0))
    .map(({ path, line, message }) => {
      const place = [showPath(path), line === undefined ? "" : `(line ${line})`].filter((part) => part !== "").join(" ");
      return `  ${place === "" ? "" : `${place}: `}${message}`;
    });
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  return new UsageError(`${file} has ${count}:\n${[...new Set(lines)].join("\n")}`, "docs/configuration.md lists every option");
}
