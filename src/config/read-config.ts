// Finding and reading the configuration file: YAML, or a TypeScript or JavaScript module's default export.

import { readFile } from "node:fs/promises";
import { extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { existsSync } from "node:fs";
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import { UsageError } from "../job/errors.ts";
import { type Path, problemsError } from "./problem.ts";

/** Looked for in this order where no path is given. */
export const DEFAULT_FILES = ["fleet.yaml", "fleet.yml", "fleet.config.ts", "fleet.config.js"] as const;

export interface ConfigFile {
  /** Absolute. */
  readonly path: string;
  readonly raw: unknown;
  /** The line (from 1) of a path or of what of it exists; undefined where the file has no lines to tell. */
  lineOf(path: Path): number | undefined;
}

/** Reads a configuration as it is written. Throws UsageError when there is none or it can't be read. */
export async function readConfig(path: string | undefined, cwd: string): Promise<ConfigFile> {
  const found = path === undefined ? DEFAULT_FILES.map((name) => resolve(cwd, name)).find(existsSync) : resolve(cwd, path);
  if (found === undefined) {
    throw new UsageError(
      `no configuration found in ${cwd} (looked for ${DEFAULT_FILES.join(", ")})`,
      "name one with --config, or write fleet.yaml: docs/configuration.md begins with a complete one",
    );
  }
  return [".ts", ".mts", ".js", ".mjs"].includes(extname(found)) ? readModule(found) : readYaml(found);
}

async function readModule(path: string): Promise<ConfigFile> {
  let module: { readonly default?: unknown };
  try {
    module = (await import(pathToFileURL(path).href)) as { readonly default?: unknown };
  } catch (error) {
    if (!existsSync(path)) throw new UsageError(`${path} does not exist`, "give the configuration's path with --config");
    throw new UsageError(`${path} can't be loaded: ${(error as Error).message}`, "it is imported as it is: a .ts file needs Node 24", {
      cause: error,
    });
  }
  if (module.default === undefined) throw new UsageError(`${path} has no default export`, "export the configuration object as default");
  return { path, raw: module.default, lineOf: () => undefined };
}

async function readYaml(path: string): Promise<ConfigFile> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code === "ENOENT" ? "does not exist" : `can't be read: ${(error as Error).message}`;
    throw new UsageError(`${path} ${reason}`, "give the configuration's path with --config", { cause: error });
  }
  const lines = new LineCounter();
  // No pretty errors: they quote the line, which could hold a secret.
  const document = parseDocument(text, { lineCounter: lines, merge: true, prettyErrors: false });
  const lineAt = (offset: number | undefined) => (offset === undefined ? undefined : lines.linePos(offset).line);
  if (document.errors.length > 0) {
    const problems = document.errors.map((error) => ({ path: [], message: error.message, line: lineAt(error.pos[0]) ?? 1 }));
    throw problemsError(path, problems, () => undefined);
  }
  try {
    return { path, raw: document.toJS(), lineOf: (place) => lineAt(offsetOf(document, place)) };
  } catch (error) {
    throw new UsageError(`${path} can't be read: ${(error as Error).message}`, undefined, { cause: error });
  }
}

/** Follows a path as far as it goes; answers with the offset of the last key (or list item) that exists. */
function offsetOf(document: Document, path: Path): number | undefined {
  let node: unknown = document.contents;
  let offset: number | undefined;
  for (const part of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part));
      if (!pair) break;
      offset = startOf(pair.key) ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(part)];
      offset = startOf(node) ?? offset;
    } else break;
  }
  return offset;
}

function startOf(node: unknown): number | undefined {
  return (node as { readonly range?: readonly [number, number, number] | null } | undefined)?.range?.[0];
}
