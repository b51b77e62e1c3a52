// A folder for configurations that a test writes and loads.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import type { Fleet } from "../../src/config/fleet.ts";
import { loadFleet } from "../../src/config/load.ts";
import { UsageError } from "../../src/job/errors.ts";
import { readEnvironment } from "../../src/runtime/environment.ts";

export interface LoadChanges {
  readonly variables?: Record<string, string>;
  readonly allowMissingSecrets?: boolean;
  /** A module is loaded once under a name: give each its own. */
  readonly file?: string;
}

export interface ConfigFolder {
  readonly folder: string;
  load(text: string, changes?: LoadChanges): Promise<Fleet>;
  /** The lines of the UsageError, one for each problem, without their heading. */
  problemsOf(text: string, changes?: LoadChanges): Promise<readonly string[]>;
  remove(): Promise<void>;
}

const KEYS = { OPENAI_API_KEY: "key-of-openai", ANTHROPIC_API_KEY: "key-of-anthropic" };

export async function openConfigFolder(): Promise<ConfigFolder> {
  const folder = await mkdtemp(join(tmpdir(), "modelfleet-config-"));
  const load: ConfigFolder["load"] = async (text, { variables = KEYS, allowMissingSecrets = false, file = "fleet.yaml" } = {}) => {
    await writeFile(join(folder, file), text);
    return loadFleet(file, { environment: readEnvironment(variables), allowMissingSecrets, cwd: folder });
  };
  return {
    folder,
    load,
    async problemsOf(text, changes) {
      const error = await load(text, changes).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).toBeInstanceOf(UsageError);
      return (error as UsageError).message
        .split("\n")
        .slice(1)
        .map((line) => line.trim());
    },
    remove: () => rm(folder, { recursive: true }),
  };
}
