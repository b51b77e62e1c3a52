// The documentation holds what it says: its links lead somewhere, its configurations load, its command line is the real one.

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { loadFleet } from "../src/config/load.ts";
import type { Answer } from "../src/job/outcome.ts";
import { comparable } from "../src/job/same-answer.ts";
import { checkOptions } from "../src/quality/check-options.ts";
import { createChecker } from "../src/quality/check.ts";
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

it("every command that names a configuration of ours names files and tasks that are there", async () => {
  const environment = readEnvironment({ OPENAI_API_KEY: "a", ANTHROPIC_API_KEY: "b", INHOUSE_API_KEY: "c" });
  const wrong: string[] = [];
  let seen = 0;
  for (const page of await pages()) {
    const text = await readFile(join(ROOT, page), "utf8");
    for (const [command] of text.matchAll(/modelfleet (?:-- )?(?:run|enqueue|pilot|explain) [^`\n]*--config [^`\s]+/g)) {
      seen++;
      const option = (name: string) => new RegExp(`--${name} ([^\\s]+)`).exec(command)?.[1] ?? "";
      const file = /(?:run|enqueue|pilot) ([^\s-][^\s]*)/.exec(command)?.[1];
      const fleet = await loadFleet(option("config"), { environment, cwd: ROOT });
      if (!fleet.tasks.has(option("task")) || (file !== undefined && !existsSync(resolve(ROOT, file)))) wrong.push(`${page}: ${command}`);
    }
  }
  expect(wrong).toEqual([]);
  expect(seen).toBeGreaterThan(8);
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

describe("the configurations in docs/routing.md, docs/quality.md and docs/configuration.md", () => {
  it("load without a warning, each as the part of a fleet that it is", async () => {
    const folder = await mkdtemp(join(tmpdir(), "modelfleet-docs-"));
    const environment = readEnvironment({ OPENAI_API_KEY: "a", ANTHROPIC_API_KEY: "b", INHOUSE_API_KEY: "c" });
    try {
      for (const page of ["docs/routing.md", "docs/quality.md", "docs/configuration.md"]) {
        const parts = await yamlBlocks(page);
        expect(parts.length).toBeGreaterThan(4);
        for (const part of parts) {
          await writeFile(join(folder, "fleet.yaml"), JSON.stringify(wholeFleet(part)));
          const fleet = await loadFleet(undefined, { environment, cwd: folder });
          expect(fleet.warnings, `${page}: ${JSON.stringify(part)}`).toEqual([]);
        }
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

type Part = Readonly<Record<string, unknown>>;

async function yamlBlocks(page: string): Promise<readonly Part[]> {
  const text = await readFile(join(ROOT, page), "utf8");
  return Array.from(text.matchAll(/```yaml\n([\s\S]*?)```/g), ([, yaml = ""]) => parse(yaml) as Part);
}

/** A part may be anything from a few of a task's options to all of a configuration. The providers are those of the examples. */
function wholeFleet(part: Part): Part {
  if (part["providers"] || part["tasks"] || part["dataClasses"]) {
    return { providers: PROVIDERS, tasks: { task: TASK }, dataClasses: { pii: {}, general: {} }, ...part };
  }
  return { providers: PROVIDERS, tasks: { task: { ...TASK, ...part } }, dataClasses: { pii: {}, general: {} } };
}

const TASK = {
  prompt: { user: "{{ input.text }}" },
  output: { type: "object" },
  route: ["openai/gpt-5-mini", "anthropic/claude-haiku-4-5"],
};
const MODEL = { price: { input: 1, output: 5 } };
const PROVIDERS = {
  openai: { kind: "openai", apiKey: "${OPENAI_API_KEY}", models: { "gpt-5-mini": MODEL, "gpt-5": MODEL } },
  anthropic: { kind: "anthropic", apiKey: "${ANTHROPIC_API_KEY}", models: { "claude-haiku-4-5": MODEL, "claude-sonnet-4-5": MODEL } },
  inhouse: {
    kind: "openai-compatible",
    baseUrl: "http://127.0.0.1:8000/v1",
    apiKey: "${INHOUSE_API_KEY}",
    models: { "mistral-small": MODEL, "mistral-large": MODEL },
  },
};

describe("docs/quality.md", () => {
  it("says of every answer what the check says of it", async () => {
    const sections = (await readFile(join(ROOT, "docs/quality.md"), "utf8")).split(/^#{2,3} /m);
    const kinds = new Set<string>();
    for (const section of sections) {
      const kind = /^`([a-z-]+)`/.exec(section)?.[1];
      const yaml = /```yaml\n([\s\S]*?)```/.exec(section)?.[1];
      if (kind === undefined || yaml === undefined) continue;
      kinds.add(kind);
      const { output, checks } = parse(yaml) as { readonly output?: object; readonly checks: readonly unknown[] };
      const check = createChecker({
        ...(output ? { output: output as never } : {}),
        checks: checks.map((each) => checkOptions.parse(each)),
      });
      const rows = tableOf(section);
      const said = await Promise.all(
        rows.map(async ([answer = ""]) => {
          const result = await check(toAnswer(answer), {});
          return result.kind === "passed" ? "passes" : result.reason;
        }),
      );
      expect(said, kind).toEqual(rows.map(([, verdict = ""]) => (verdict === "passes" ? verdict : codeIn(verdict))));
      expect(said).toContain("passes");
      expect(
        said.some((each) => each !== "passes"),
        kind,
      ).toBe(true);
    }
    const all = checkOptions.options.map((option) => kindOf(option)).filter((kind) => kind !== "custom");
    expect([...kinds].toSorted()).toEqual(all.toSorted());
  });

  it("says rightly which answers are the same", async () => {
    const section = (await readFile(join(ROOT, "docs/quality.md"), "utf8")).split(/^### How answers are compared$/m)[1] ?? "";
    const rows = tableOf(section);
    expect(rows.length).toBeGreaterThan(8);
    const compared = ([one = "", other = ""]: readonly string[]) =>
      [one, other].map((cell) => comparable(answerOf(codeIn(cell)), ["answer"]));
    const verdicts = rows.map((row) => (new Set(compared(row)).size === 1 ? "same" : "different"));
    expect(verdicts).toEqual(rows.map(([, , verdict]) => verdict));
  });
});

/** The cells of a section's first table, without its head. */
function tableOf(section: string): readonly (readonly string[])[] {
  const lines = section.slice(section.indexOf("|---")).split("\n").slice(1);
  const end = lines.findIndex((line) => !line.startsWith("|"));
  return lines.slice(0, end).map((line) =>
    line
      .slice(1, -1)
      .split(/ \| |^ | $| \|$/)
      .filter((cell) => cell.trim() !== "")
      .map((cell) => cell.trim()),
  );
}

/** The text of a code span, whose fences may be longer than one. */
function codeIn(cell: string): string {
  const fence = /^`+/.exec(cell)?.[0] ?? "";
  const inner = cell.slice(fence.length, cell.indexOf(fence, fence.length));
  return fence.length > 1 ? inner.trim() : inner;
}

function toAnswer(cell: string): Answer {
  const isCutOff = cell.endsWith("stopped at its token limit");
  return { text: codeIn(cell).replaceAll("↵", "\n"), finish: { unified: isCutOff ? "length" : "stop", raw: null } };
}

function answerOf(json: string): Answer {
  return { text: json, json: { answer: JSON.parse(json) as never }, finish: { unified: "stop", raw: null } };
}

/** Of one branch of the checks' schema, whatever it is wrapped in. */
function kindOf(option: unknown): string {
  const { shape, def } = option as {
    readonly shape?: { readonly kind: { readonly value: string } };
    readonly def: { readonly in?: unknown };
  };
  return shape?.kind.value ?? kindOf(def.in);
}
