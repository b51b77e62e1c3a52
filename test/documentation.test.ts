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

async function pages(): Promise<readonly string[]> {
  const docs = await readdir(join(ROOT, "docs"));
  const root = await readdir(ROOT);
  return [...root, ...docs.map((name) => `docs/${name}`), "examples/README.md"].filter((name) => name.endsWith(".md"));
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

it("docs/cli.md names every command and every option", async () => {
  const page = await readFile(join(ROOT, "docs/cli.md"), "utf8");
  const { stdout: help } = await promisify(execFile)(process.execPath, [join(ROOT, "scripts/modelfleet.ts"), "--help"]);
  const commands = Array.from(help.matchAll(/^ {2}([a-z]+) \[options\]/gm), ([, name = ""]) => name);
  expect(commands).toContain("recorder");
  expect(commands.filter((name) => !new RegExp(`^## .*\`${name}\\b`, "m").test(page))).toEqual([]);
  const options = await declaredOptions();
  expect(options).toContain("--patience");
  expect(options.filter((option) => !page.includes(option))).toEqual([]);
});

/** The long options in the commands' sources: asking each of them for help would take half a minute. */
async function declaredOptions(): Promise<readonly string[]> {
  const files = (await readdir(join(ROOT, "scripts"))).filter((name) => !/^(demo|bench|screenshots)/.test(name));
  const sources = await Promise.all(files.map((name) => readFile(join(ROOT, "scripts", name), "utf8")));
  return sources.flatMap((source) => Array.from(source.matchAll(/ption\(\s*"(?:-\w, )?(--[a-z-]+)/g), ([, option = ""]) => option));
}
