import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { UsageError } from "../../src/job/errors.ts";
import { loadSimulatorOptions } from "../../src/simulator/load-simulator-options.ts";
import { createSimulator } from "../../src/simulator/simulator.ts";
import { parseSimulatorOptions } from "../../src/simulator/simulator-options.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "modelfleet-simulator-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function fileWith(name: string, text: string): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, text);
  return file;
}

describe("the simulator's options", () => {
  test("are refused with every problem and its path", () => {
    const wrong = {
      prot: 1,
      vendors: {
        openai: {
          kind: "openai",
          limits: { itpm: 5 },
          models: { a: { price: { input: -1, output: 0.0000001 }, accuracy: 2 }, b: { latency: { medianMs: 5, baseMs: 1 } } },
        },
        anthropic: { kind: "anthropic", models: {} },
      },
    };
    let error: unknown;
    try {
      parseSimulatorOptions(wrong, "sim.yaml");
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(UsageError);
    const message = (error as UsageError).message;
    expect(message).toMatch(/^sim\.yaml: \d problems/);
    for (const path of [
      "vendors.openai.limits",
      "vendors.openai.models.a.price.input",
      "vendors.openai.models.a.price.output",
      "vendors.openai.models.a.accuracy",
      "vendors.openai.models.b.latency",
      "vendors.anthropic.models",
      '"prot"',
    ]) {
      expect(message).toContain(path);
    }
  });

  test("refuse a vendor name that can't be a path, and an empty list of vendors", () => {
    expect(() => parseSimulatorOptions({ vendors: { "Open AI": { kind: "openai", models: { a: {} } } } })).toThrow(/lower case/);
    expect(() => parseSimulatorOptions({ vendors: {} })).toThrow(/at least one vendor/);
  });

  test("are read from YAML and JSON, with paths relative to the file", async () => {
    const yaml = await fileWith(
      "sim.yaml",
      "recording: rec.jsonl\nvendors:\n  v: { kind: openai-compatible, models: { m: { answers: { file: sub/key.jsonl } } } }\n",
    );
    const options = await loadSimulatorOptions(yaml);
    expect(options.recording).toEqual([join(folder, "rec.jsonl")]);
    expect(options.vendors["v"]?.models["m"]?.answers?.file).toBe(join(folder, "sub/key.jsonl"));
    expect(options.port).toBe(4010);
    const json = await fileWith("sim.json", JSON.stringify({ port: 0, vendors: { v: { kind: "anthropic", models: { m: {} } } } }));
    expect((await loadSimulatorOptions(json)).vendors["v"]?.kind).toBe("anthropic");
  });

  test("from a missing or broken file are refused with its name", async () => {
    await expect(loadSimulatorOptions(join(folder, "none.yaml"))).rejects.toThrow(/none\.yaml: can't be read \(ENOENT\)/);
    await expect(loadSimulatorOptions(await fileWith("broken.yaml", "vendors: [}"))).rejects.toThrow(/broken\.yaml: is not valid YAML/);
  });

  test("name file and line of a wrong recording or answer key", async () => {
    const recording = await fileWith("bad-rec.jsonl", '{"prompt":"a","models":{}}\n\n{"prompt":5}\n');
    const vendors = { v: { kind: "openai" as const, models: { m: {} } } };
    expect(() => createSimulator({ recording, vendors })).toThrow(/bad-rec\.jsonl:3: prompt:.*; models:/);
    const file = await fileWith("bad-key.jsonl", '{"text":"a","label":"b"}\n{"text":\n');
    expect(() => createSimulator({ answers: { file }, vendors })).toThrow(/bad-key\.jsonl:2: is not valid JSON/);
    expect(() => createSimulator({ answers: { entries: [{ text: "a" }] }, vendors })).toThrow(/answers\.entries\.0/);
  });
});
