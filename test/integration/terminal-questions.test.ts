// What a person at a terminal is asked before money is spent, and what Ctrl-C and Ctrl-D do there: real commands at a real terminal.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { CTRL_C, CTRL_D, startAtTerminal, whyNoTerminal } from "../support/at-terminal.ts";
import { classifyConfig, classifyRows, classifySimulator, toJsonl } from "../support/classify.ts";
import { ofFleet } from "../support/command-line.ts";
import { startTestFleet, type TestFleet } from "../support/fleet.ts";

const ROWS = classifyRows(300);
const TITLE = (what: string) => (whyNoTerminal === undefined ? what : `${what} (skipped: ${whyNoTerminal})`);

let fleet: TestFleet | undefined;
afterEach(async () => {
  await fleet?.stop();
  fleet = undefined;
});

/** So dear that any sample is more than a trifle. */
function dearConfig(url: string): object {
  const config = classifyConfig()(url) as { readonly providers: { readonly alpha: { readonly models: { readonly one: object } } } };
  const { alpha } = config.providers;
  const one = { ...alpha.models.one, price: { input: 1_000, output: 1_000 } };
  return { ...config, providers: { ...config.providers, alpha: { ...alpha, models: { one } } } };
}

async function start() {
  const started = await startTestFleet({ simulator: classifySimulator(ROWS), config: dearConfig });
  fleet = started;
  const file = await started.file("rows.jsonl", toJsonl(ROWS));
  return {
    calls: () => started.simulator.ledger().total.calls,
    command: (name: string, ...args: readonly string[]) =>
      startAtTerminal([name, file, "--task", "classify", "--config", started.config, ...args], ofFleet(started)),
  };
}

const COMMANDS = [
  ["run", ["--max-cost", "0.002", "-o", "out.jsonl"], "Go on up to that? [y/N]"],
  ["plan", ["--sample", "20"], "Spend about"],
  ["pilot", ["--sample", "20", "--models", "alpha/one"], "Spend about"],
] as const;

describe.skipIf(whyNoTerminal !== undefined)(TITLE("the question of a command that is about to spend"), { timeout: 60_000 }, () => {
  it.each(COMMANDS)("%s: Ctrl-C interrupts, and nothing was called", async (name, args, question) => {
    const { command, calls } = await start();
    const at = command(name, ...args);
    await at.typeAfter(question, CTRL_C);
    const { code, screen } = await at.result;
    expect(code, screen).toBe(130);
    expect(screen).toMatch(/\[y\/N\] \r\ninterrupted: [^\n]*\r\n$/);
    expect(screen).not.toContain("fault in modelfleet");
    expect(calls()).toBe(0);
  });

  it.each(COMMANDS)("%s: Ctrl-D is no, as an empty line is", async (name, args, question) => {
    const { command, calls } = await start();
    for (const keys of [CTRL_D, "\r"]) {
      const at = command(name, ...args);
      await at.typeAfter(question, keys);
      const { code, screen } = await at.result;
      expect(code, screen).toBe(1);
      expect(screen).toMatch(/\[y\/N\] [\r\n]+modelfleet: nothing was called\r\n {2}\S[^\n]*\r\n$/);
    }
    expect(calls()).toBe(0);
  });

  it.each(COMMANDS)("%s: a signal from elsewhere interrupts it too", async (name, args, question) => {
    const { command, calls } = await start();
    const at = command(name, ...args);
    await at.typeAfter(question, "");
    at.signal("SIGTERM");
    const { code, screen } = await at.result;
    expect(code, screen).toBe(130);
    expect(screen).toContain("interrupted: ");
    expect(calls()).toBe(0);
  });

  it("plan: it speaks of the option that plan has, and yes asks the sample", async () => {
    const { command, calls } = await start();
    const at = command("plan", "--sample", "20", "--json");
    await at.typeAfter("[y/N]", "y\r");
    const { code, screen } = await at.result;
    expect(code, screen).toBe(0);
    expect(screen).toContain("(--sample takes fewer rows)");
    expect(screen).not.toContain("--max-cost");
    // Both models of the route.
    expect(calls()).toBe(40);
  });

  it("run: yes goes on", async () => {
    const { command, calls } = await start();
    const at = command("run", "--max-cost", "0.5", "-o", "out.jsonl");
    await at.typeAfter("Go on up to that? [y/N]", "yes\r");
    const { screen } = await at.result;
    expect(screen).not.toMatch(/nothing was called|interrupted/);
    expect(calls()).toBeGreaterThan(0);
  });
});

describe.skipIf(whyNoTerminal !== undefined)(TITLE("a plan of rows that are typed"), { timeout: 60_000 }, () => {
  it.each([
    ["before a row", ""],
    ["after a row", `${JSON.stringify(ROWS[0])}\r`],
  ])("ends by Ctrl-C with one line, %s", async (_when, keys) => {
    const dir = await mkdtemp(join(tmpdir(), "modelfleet-typed-"));
    try {
      await writeFile(join(dir, "fleet.yaml"), JSON.stringify(dearConfig("http://127.0.0.1:1")));
      const at = startAtTerminal(["plan", "-", "--task", "classify"], {
        cwd: dir,
        environment: { SIMULATED_KEY: "simulated", MODELFLEET_DATA: join(dir, "data") },
      });
      await at.typeAfter("nothing is known of earlier calls", keys);
      await at.typeAfter(keys.trim(), CTRL_C);
      const { code, screen } = await at.result;
      expect(code, screen).toBe(130);
      expect(screen).toMatch(/\^C(\r\n)?interrupted: no plan was made\r\n$/);
    } finally {
      await rm(dir, { recursive: true, force: true, maxRetries: 5 });
    }
  });
});
