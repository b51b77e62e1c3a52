import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { fleetSchema } from "../../src/config/fleet-schema.ts";
import { loadFleet } from "../../src/config/load.ts";
import { readEnvironment } from "../../src/runtime/environment.ts";

const PAGE = new URL("../../docs/configuration.md", import.meta.url);
const ENVIRONMENT = new URL("../../src/runtime/environment.ts", import.meta.url);

it("the documentation's complete example loads without a warning", async () => {
  const page = await readFile(PAGE, "utf8");
  const example = /```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? "";
  const folder = await mkdtemp(join(tmpdir(), "modelfleet-config-"));
  try {
    await writeFile(join(folder, "fleet.yaml"), example);
    const environment = readEnvironment({ OPENAI_API_KEY: "a", ANTHROPIC_API_KEY: "b" });
    const fleet = await loadFleet(undefined, { environment, cwd: folder });
    expect(fleet.warnings).toEqual([]);
    expect([...fleet.tasks.keys()]).toEqual(["classify-ticket", "summarize"]);
    expect(fleet.models.has("local/meta/llama-3.1-8b")).toBe(true);
  } finally {
    await rm(folder, { recursive: true });
  }
});

it("the documentation names every option", async () => {
  const page = await readFile(PAGE, "utf8");
  const options = new Set(optionNames(fleetSchema));
  expect(options).toContain("windowRows");
  expect([...options].filter((name) => !page.includes(name))).toEqual([]);
});

it("the documentation names every environment variable that a fleet reads", async () => {
  const [page, source] = await Promise.all([readFile(PAGE, "utf8"), readFile(ENVIRONMENT, "utf8")]);
  const names = Array.from(source.matchAll(/variable\("([A-Z_]+)"\)/g), ([, name = ""]) => name);
  expect(names).toContain("REDIS_URL");
  const [, table = ""] = page.split("## Environment variables");
  expect(names.filter((name) => !table.includes(`| \`${name}\` |`))).toEqual([]);
});

/** Every key of every mapping in a schema, whatever it is wrapped in. */
function optionNames(schema: unknown, seen = new Set<unknown>()): readonly string[] {
  if (typeof schema !== "object" || schema === null || seen.has(schema)) return [];
  seen.add(schema);
  if (Array.isArray(schema)) return schema.flatMap((item) => optionNames(item, seen));
  const { shape, def } = schema as { shape?: object; def?: object };
  const own = Object.keys(shape ?? {});
  const inner = [...Object.values(shape ?? {}), ...Object.values(def ?? {})];
  return [...own, ...inner.flatMap((part) => optionNames(part, seen))];
}
