// Reads the source tree and its import lines: which folder knows which, one door per package, file names and sizes.

import { readdirSync, readFileSync } from "node:fs";
import { basename, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const TOP_FOLDERS = ["src", "queues", "workers", "scripts"];
const MOST_LINES = 250;

/** A folder knows only folders of lower rank. `src/runtime` knows the vocabulary, not the other way round. */
const RANKS: Readonly<Record<string, number>> = {
  "src/job": 0,
  "src/runtime": 0.5,
  "src/intake": 1,
  "src/prompt": 1,
  "src/routing": 1,
  "src/limits": 1,
  "src/breaker": 1,
  "src/providers": 1,
  "src/quality": 1,
  "src/pilot": 1,
  "src/cost": 1,
  "src/results": 1,
  "src/report": 1,
  "src/simulator": 1,
  "src/attempt": 2,
  "src/plan": 2,
  "src/config": 2,
  queues: 3,
  workers: 4,
  scripts: 5,
};

/** One door per package. The benches measure against the bare packages, so they may use them. */
const DOORS: readonly { readonly packages: RegExp; readonly doors: RegExp }[] = [
  { packages: /^bullmq$/, doors: /^(queues|workers)\/|^scripts\/bench/ },
  { packages: /^ioredis$/, doors: /^queues\/|\/redis-[a-z0-9-]+\.ts$|^scripts\/bench/ },
  { packages: /^openai$/, doors: /^src\/providers\/openai\.ts$|^scripts\/bench/ },
  { packages: /^@anthropic-ai\/sdk$/, doors: /^src\/providers\/anthropic\.ts$/ },
  { packages: /^eld$/, doors: /^src\/quality\/language-detector\.ts$/ },
  { packages: /^hyparquet-writer$/, doors: /^src\/report\/export\/table-parquet\.ts$/ },
  { packages: /^gpt-tokenizer/, doors: /^src\/prompt\/text-tokens\.ts$/ },
  { packages: /^@pydantic\/genai-prices$/, doors: /^src\/cost\/price-catalogue\.ts$/ },
  { packages: /^pg$/, doors: /^src\/results\/postgres\/postgres-[a-z0-9-]+\.ts$|^scripts\/bench/ },
  { packages: /^(express|@bull-board\/.+)$/, doors: /^workers\/web\// },
];
const ENVIRONMENT_DOOR = "src/runtime/environment.ts";
const CATCH_ALLS = new Set(["index", "utils", "util", "helpers", "helper", "common", "types", "manager", "misc"]);

interface SourceFile {
  /** From the root, with slashes. */
  readonly path: string;
  readonly source: string;
}

/** What of the house rules a file breaks, in sentences. */
function violations({ path, source }: SourceFile): readonly string[] {
  const found: string[] = [];
  const code = withoutComments(source);
  const folder = folderOf(path);
  const rank = RANKS[folder];
  if (rank === undefined) found.push(`${path} lies in no folder of the house`);

  for (const specifier of importsOf(code)) {
    if (specifier.startsWith(".")) {
      const target = posix.normalize(posix.join(posix.dirname(path), specifier));
      const targetFolder = folderOf(target);
      const targetRank = RANKS[targetFolder];
      if (!/\.(ts|json)$/.test(specifier)) found.push(`${path} imports ${specifier}, which doesn't end in .ts`);
      if (posix.basename(target) === "package.json" || targetFolder === folder) continue;
      if (targetRank === undefined) found.push(`${path} imports ${target}, which is outside the house`);
      else if (rank !== undefined && targetRank >= rank) found.push(`${path} imports ${target}: ${folder} may not know ${targetFolder}`);
      continue;
    }
    const name = packageOf(specifier);
    for (const { packages, doors } of DOORS) {
      if (packages.test(name) && !doors.test(path)) found.push(`${path} imports ${name}, which has another door`);
    }
  }
  if (/\bprocess\s*(\.|\?\.)\s*env\b|\bprocess\s*\[|\{[^}]*\benv\b[^}]*\}\s*=\s*process\b/.test(code) && path !== ENVIRONMENT_DOOR) {
    found.push(`${path} reads process.env: ${ENVIRONMENT_DOOR} does`);
  }
  if (/import\s*\{[^}]*\benv\b[^}]*\}\s*from\s*"(node:)?process"/.test(code)) found.push(`${path} imports the environment`);

  const stem = basename(path).replace(/\.ts$/, "");
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(stem)) found.push(`${path} is not named in kebab-case`);
  if (CATCH_ALLS.has(stem)) found.push(`${path} has a catch-all's name`);
  const lines = source.trimEnd().split("\n").length;
  if (lines > MOST_LINES) found.push(`${path} has ${lines} lines: ${MOST_LINES} is the ceiling`);
  return found;
}

/** `src/<folder>`, or the top folder. */
function folderOf(path: string): string {
  const [top = "", second = ""] = path.split("/");
  return top === "src" ? `${top}/${second}` : top;
}

function importsOf(code: string): readonly string[] {
  const patterns = [
    /\b(?:import|export)\b[^;"']*?\bfrom\s*["']([^"']+)["']/g,
    /\bimport\s*["']([^"']+)["']/g,
    /\bimport\s*\(\s*["']([^"']+)["']/g,
  ];
  return patterns.flatMap((pattern) => Array.from(code.matchAll(pattern), (match) => match[1] ?? ""));
}

/** `@scope/name` or `name`, without the path inside it. */
function packageOf(specifier: string): string {
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}

/** Whole-line and block comments: what lies behind code on its line stays. */
function withoutComments(source: string): string {
  return source.replaceAll(/^\s*\/\*[\s\S]*?\*\//gm, "").replaceAll(/^\s*\/\/.*$/gm, "");
}

function sourceFiles(): readonly SourceFile[] {
  return TOP_FOLDERS.flatMap((folder) => {
    try {
      return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" }).map(
        (name) => `${folder}/${name.replaceAll("\\", "/")}`,
      );
    } catch {
      return [];
    }
  })
    .filter((path) => /\.[cm]?[jt]sx?$/.test(path))
    .map((path) => ({ path, source: readFileSync(join(ROOT, path), "utf8") }));
}

describe("the source tree", () => {
  const files = sourceFiles();

  it("is read: the vocabulary is among the files", () => {
    expect(files.map((file) => file.path)).toContain("src/job/job.ts");
  });

  it("keeps the rules of the house", () => {
    expect(files.flatMap(violations)).toEqual([]);
  });
});

describe("the rules of the house", () => {
  it.each([
    ["src/job/job.ts", 'import { pino } from "../runtime/logger.ts";', "src/job may not know src/runtime"],
    ["src/routing/bind.ts", 'import type { X } from "../limits/limiter.ts";', "src/routing may not know src/limits"],
    ["src/config/load.ts", 'export { attempt } from "../attempt/attempt.ts";', "src/config may not know src/attempt"],
    ["src/limits/limiter.ts", 'import {\n  a,\n  b,\n} from "../../queues/producer.ts";', "src/limits may not know queues"],
    ["queues/producer.ts", 'const x = await import("../workers/pool.ts");', "queues may not know workers"],
    ["src/job/job.ts", 'import "../../test/support/redis.ts";', "outside the house"],
    ["src/job/job.ts", 'import { x } from "./names";', "doesn't end in .ts"],
    ["src/attempt/attempt.ts", 'import { Queue } from "bullmq";', "another door"],
    ["src/limits/limiter.ts", 'import type { Redis } from "ioredis";', "another door"],
    ["workers/pool.ts", 'import OpenAI from "openai";', "another door"],
    ["src/providers/anthropic-errors.ts", 'import { APIError } from "@anthropic-ai/sdk/error";', "another door"],
    ["scripts/up.ts", 'import express from "express";', "another door"],
    ["scripts/up.ts", "const key = process.env.KEY;", "reads process.env"],
    ["scripts/up.ts", 'const key = process["env"];', "reads process.env"],
    ["scripts/up.ts", "const { env } = process;", "reads process.env"],
    ["scripts/up.ts", 'import { env } from "node:process";', "imports the environment"],
    ["src/job/index.ts", "", "catch-all"],
    ["src/job/utils.ts", "", "catch-all"],
    ["src/job/JobState.ts", "", "kebab-case"],
    ["src/job/job.js", "", "kebab-case"],
    ["src/other/thing.ts", "", "no folder of the house"],
  ])("notice in %s: %j", (path, source, reason) => {
    expect(violations({ path, source })).toEqual([expect.stringContaining(reason)]);
  });

  it.each([
    ["src/config/load.ts", 'import { bind } from "../routing/bind.ts";\nimport { x } from "./fleet.ts";\nimport { z } from "zod";'],
    ["src/limits/redis-limiter.ts", 'import type { Redis } from "ioredis";'],
    ["src/providers/openai.ts", 'import OpenAI from "openai";\nimport { x } from "openai/error";'],
    ["workers/web/server.ts", 'import express from "express";\nimport { Queue } from "bullmq";'],
    ["src/runtime/environment.ts", "export const read = () => process.env;"],
    ["scripts/run.ts", '// process.env is read elsewhere\nimport manifest from "../package.json" with { type: "json" };'],
  ])("have nothing against %s: %j", (path, source) => {
    expect(violations({ path, source })).toEqual([]);
  });

  it("set a ceiling to a file's length", () => {
    expect(violations({ path: "src/job/job.ts", source: "x\n".repeat(MOST_LINES) })).toEqual([]);
    expect(violations({ path: "src/job/job.ts", source: "x\n".repeat(MOST_LINES + 1) })).toEqual([
      expect.stringContaining("is the ceiling"),
    ]);
  });
});
