// The package as others get it.

import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { expect, it } from "vitest";

const ROOT = resolve(import.meta.dirname, "..");

interface LockEntry {
  readonly resolved?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

it("the lock file has an entry for every platform's optional package, without which `npm ci` refuses it", async () => {
  const lock = JSON.parse(await readFile(resolve(ROOT, "package-lock.json"), "utf8")) as { packages: Record<string, LockEntry> };
  const missing = Object.entries(lock.packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) => !lock.packages[`node_modules/${name}`] && !lock.packages[`${path}/node_modules/${name}`],
    ),
  );
  expect(missing).toEqual([]);
});

it("the lock file names no registry host", async () => {
  const lock = JSON.parse(await readFile(resolve(ROOT, "package-lock.json"), "utf8")) as { packages: Record<string, LockEntry> };
  expect(Object.values(lock.packages).filter((entry) => entry.resolved?.startsWith("http"))).toEqual([]);
});
