import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Command } from "commander";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

import { registerSimulator } from "../../scripts/simulator.ts";
import { UsageError } from "../../src/job/errors.ts";

let folder: string;
let child: ChildProcess | undefined;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "modelfleet-simulator-command-"));
});
afterEach(() => void child?.kill("SIGKILL"));
afterAll(() => rm(folder, { recursive: true }));

const program = `
  import { Command } from "commander";
  import { registerSimulator } from ${JSON.stringify(new URL("../../scripts/simulator.ts", import.meta.url).href)};
  const program = new Command();
  registerSimulator(program);
  await program.parseAsync();
`;

/** Starts the command and waits until it listens. */
async function start(...flags: string[]): Promise<{ url: string; said: string; exit: Promise<unknown[]> }> {
  const root = new URL("../..", import.meta.url).pathname;
  const started = spawn(process.execPath, ["--input-type=module", "-e", program, "--", "simulator", ...flags], {
    cwd: root,
    stdio: ["ignore", "inherit", "pipe"],
  });
  child = started;
  const exit = once(started, "exit");
  let said = "";
  await new Promise<void>((resolve, reject) => {
    started.stderr.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes("Control:")) resolve();
    });
    void exit.then(() => reject(new Error(`it ended: ${said}`)));
  });
  return { url: /Control: (\S+)\/_control/.exec(said)?.[1] ?? "", said, exit };
}

const run = (...flags: string[]) => {
  const command = new Command();
  registerSimulator(command);
  return command.parseAsync(["simulator", ...flags], { from: "user" });
};

describe("modelfleet simulator", () => {
  test("plays two vendors without a file, tells their addresses and stops cleanly on SIGTERM", async () => {
    const { url, said, exit } = await start("--port", "0");
    expect(said).toContain(`openai (openai) at ${url}/openai/v1`);
    expect(said).toContain(`anthropic (anthropic) at ${url}/anthropic\n`);
    const state = (await (await fetch(`${url}/_control/state`)).json()) as { vendors: Record<string, { models: object }> };
    expect(Object.keys(state.vendors["openai"]?.models ?? {})).toContain("gpt-5-mini");
    child?.kill("SIGTERM");
    expect(await exit).toEqual([0, null]);
  });

  test("plays what a file says, and stops cleanly on SIGINT", async () => {
    await writeFile(join(folder, "key.jsonl"), '{"text":"Where is my parcel?","label":"delivery"}\n');
    await writeFile(
      join(folder, "sim.yaml"),
      "answers: { file: key.jsonl }\nvendors:\n  local: { kind: openai-compatible, models: { llama: {} } }\n",
    );
    const { url, exit } = await start("--config", join(folder, "sim.yaml"), "--port", "0");
    const body = JSON.stringify({ model: "llama", messages: [{ role: "user", content: "Sort: Where is my parcel?" }] });
    const answer = await fetch(`${url}/local/v1/chat/completions`, { method: "POST", body });
    expect(await answer.json()).toMatchObject({ choices: [{ message: { content: "delivery" } }] });
    child?.kill("SIGINT");
    expect(await exit).toEqual([0, null]);
  });

  test("adds a recording's models to the vendor their names fit", async () => {
    const file = join(folder, "recording.jsonl");
    await writeFile(file, '{"prompt":"Hi","models":{"claude-old":{"response":"Hello"},"gpt-old":{"response":"Hey"}}}\n');
    const { said } = await start("--port", "0", "--recording", file, "--latency", "0");
    expect(said.indexOf("gpt-old")).toBeLessThan(said.indexOf("anthropic (anthropic)"));
    expect(said.indexOf("claude-old")).toBeGreaterThan(said.indexOf("anthropic (anthropic)"));
  });

  test("refuses a wrong file with every problem", async () => {
    await writeFile(join(folder, "wrong.yaml"), "port: many\nvendors:\n  v: { kind: openai, models: { m: { accuracy: 3 } } }\n");
    const wrong = run("--config", join(folder, "wrong.yaml"));
    await expect(wrong).rejects.toBeInstanceOf(UsageError);
    await expect(wrong).rejects.toThrow(/wrong\.yaml: 2 problems\n {2}port: .*\n {2}vendors\.v\.models\.m\.accuracy: /);
  });

  test("refuses quick flags beside a file", async () => {
    await expect(run("--config", "sim.yaml", "--latency", "5")).rejects.toThrow("--latency can't be used with --config");
  });
});
