// Reads the simulator's options from a YAML or JSON file. Paths in it are relative to the file's own folder.

import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";

import { parse } from "yaml";

import { UsageError } from "../job/errors.ts";
import { parseSimulatorOptions, type SimulatorOptions, type VendorOptions } from "./simulator-options.ts";

interface AnswerPaths {
  readonly recording?: readonly string[] | undefined;
  readonly answers?: { readonly file?: string | undefined } | undefined;
}

/** Throws a `UsageError` when the file can't be read, is no YAML, or has wrong options (all listed). */
export async function loadSimulatorOptions(file: string): Promise<SimulatorOptions> {
  const options = parseSimulatorOptions(await readYaml(file), file);
  const folder = dirname(resolve(file));
  return {
    ...resolvePaths(options, folder),
    vendors: mapValues<VendorOptions>(options.vendors, (vendor): VendorOptions => ({
      ...resolvePaths(vendor, folder),
      models: mapValues(vendor.models, (model) => resolvePaths(model, folder)),
    })),
  };
}

async function readYaml(file: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    throw new UsageError(
      `${file}: can't be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`,
      "Check the path given with --config.",
    );
  }
  try {
    return parse(text);
  } catch (error) {
    throw new UsageError(`${file}: is not valid YAML: ${(error as Error).message}`);
  }
}

function resolvePaths<Part extends AnswerPaths>(part: Part, folder: string): Part {
  const { recording, answers } = part;
  return {
    ...part,
    ...(recording ? { recording: recording.map((path) => resolve(folder, path)) } : {}),
    ...(answers?.file ? { answers: { ...answers, file: resolve(folder, answers.file) } } : {}),
  };
}

function mapValues<Value>(record: Readonly<Record<string, Value>>, change: (value: Value) => Value): Record<string, Value> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}
