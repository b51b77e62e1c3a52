// The documentation holds what it says: its links lead somewhere, its configurations load, its command line is the real one.

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { loadFleet } from "../src/config/load.ts";
import { readEnvironment } from "../src/runtime/environment.ts";

const ROOT = resolve(import.meta.dirname, "..");
const CLI = join(ROOT, "scripts/modelfleet.ts");
const run = promisify(execFile);

async function pages(): Promise<readonly string[]> {
  const docs = await readdir(join(ROOT, "docs"));
  const root = await readdir(ROOT);
  return [...root, ...docs.map((name) => `docs/${name}`), "examples/README.md"].filter((name) => name.endsWith(".md"));
}

async function help(...command: string[]): Promise<string> {
  return (await run(process.execPath, [CLI, ...command, "--help"])).stdout;
}

describe("the documentation", () => {
  it("has no link into nowhere", async () => {
    const broken: string[] = [];
    for (const page of await pages()) {
      const text = await readFile(join(ROOT, page), "utf8");
      for (const [, target = ""] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
        const [path = ""] = target.split("#");
        if (path !== "" && !/^https?:/.test(path) && !existsSync(resolve(ROOT, dirname(page), path))) broken.push(`${page}: ${target}`);
      }
    }
    expect(broken).toEqual([]);
  });

  it("names no path of the machine it was written on", async () => {
    const texts = await Promise.all((await pages()).map(async (page) => [page, await readFile(join(ROOT, page), "utf8")] as const));
    expect(texts.filter(([, text]) => /\/(work|root|home)\//.test(text)).map(([page]) => page)).toEqual([]);
  });
});

it("the README's configuration loads without a warning", async () => {
  const example = /```yaml\n([\s\S]*?)```/.exec(await readFile(join(ROOT, "README.md"), "utf8"))?.[1] ?? "";
  const folder = await mkdtemp(join(tmpdir(), "modelfleet-readme-"));
  try {
    await writeFile(join(folder, "fleet.yaml"), example);
    const environment = readEnvironment({ OPENAI_API_KEY: "a", ANTHROPIC_API_KEY: "b" });
    const fleet = await loadFleet(undefined, { environment, cwd: folder });
    expect(fleet.warnings).toEqual([]);
    expect([...fleet.tasks.keys()]).toEqual(["classify-ticket"]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

it("docs/cli.md names every command and every option", { timeout: 60_000 }, async () => {
  const page = await readFile(join(ROOT, "docs/cli.md"), "utf8");
  const commands = Array.from((await help()).matchAll(/^ {2}([a-z]+) \[options\]/gm), ([, name = ""]) => name);
  expect(commands).toContain("recorder");
  const missing: string[] = [];
  for (const command of commands) {
    if (!new RegExp(`^## .*\`${command}\\b`, "m").test(page)) missing.push(command);
    const options = Array.from((await help(command)).matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm), ([, option = ""]) => option);
    missing.push(...options.filter((option) => option !== "--help" && !page.includes(option)).map((option) => `${command} ${option}`));
  }
  expect(missing).toEqual([]);
});
