// The demo as a person starts it: a process of its own, with whatever the environment holds.

import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { childEnvironment } from "../../src/runtime/environment.ts";
import { until } from "../support/fleet.ts";

const DEMO = resolve(import.meta.dirname, "../../scripts/demo.ts");

let data: string;
const children = new Set<ChildProcess>();

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), "modelfleet-demo-"));
});

afterEach(async () => {
  for (const child of children) child.kill("SIGTERM");
  await until("the demos to be gone", () => children.size === 0);
  await rm(data, { recursive: true, force: true, maxRetries: 5 });
});

function startDemo() {
  // A vendor's address, a key and a Redis that the demo must not use.
  const traps = { OPENAI_BASE_URL: "http://127.0.0.1:9/v1", OPENAI_API_KEY: "sk-not-to-be-shown", REDIS_URL: "redis://127.0.0.1:9" };
  const child = spawn(process.execPath, [DEMO], {
    env: childEnvironment({ ...traps, MODELFLEET_DATA: data }),
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.add(child);
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const code = new Promise<number | null>((done) =>
    child.once("close", (ended) => {
      children.delete(child);
      done(ended);
    }),
  );
  return { child, code, said: () => said };
}

/** The addresses that the demo tells: simulator and dashboard. */
function addressesIn(said: string): readonly string[] {
  return [...new Set(said.match(/http:\/\/127\.0\.0\.1:\d+/g))];
}

/** Those of the addresses where something still listens. */
async function answering(urls: readonly string[]): Promise<readonly string[]> {
  const answers = await Promise.all(
    urls.map((url) =>
      fetch(url).then(
        () => true,
        () => false,
      ),
    ),
  );
  return urls.filter((_, i) => answers[i]);
}

describe("the demo", () => {
  it("answers all 400 tickets although a vendor fails, and leaves nothing running", { timeout: 180_000 }, async () => {
    const demo = startDemo();
    expect({ code: await demo.code, said: demo.said() }).toMatchObject({ code: 0 });
    const said = demo.said();
    const lines = (await readFile(join(data, "demo/answers.jsonl"), "utf8")).trim().split("\n");
    const answers = lines.map((line) => JSON.parse(line) as { row: number; status: string; output: { label: string } });
    expect(answers.map(({ row }) => row)).toEqual(Array.from({ length: 400 }, (_, row) => row));
    expect(answers.every(({ status, output }) => status === "answered" && output.label !== "")).toBe(true);
    expect(Number(/^ *rerouted +(\d+)/m.exec(said)?.[1])).toBeGreaterThan(0);
    expect(said).toMatch(/accuracy +\d+\.\d %/);
    expect(said).toContain("The vendor openai is taken down");
    expect(said).toContain("The vendor openai is back");
    expect(said).not.toContain("sk-not-to-be-shown");
    expect(existsSync(join(data, "demo/redis/server.json"))).toBe(false);
    expect(await answering(addressesIn(said))).toEqual([]);
  });

  it("stops everything on Ctrl-C, and a second one is refused while it runs", { timeout: 120_000 }, async () => {
    const demo = startDemo();
    await until("the tickets to go in", () => demo.said().includes("tickets go in"));
    const second = startDemo();
    expect(await second.code).toBe(1);
    expect(second.said()).toContain("another demo is running here");
    demo.child.kill("SIGINT");
    expect({ code: await demo.code, said: demo.said() }).toMatchObject({ code: 130 });
    const addresses = addressesIn(demo.said());
    expect(addresses).toHaveLength(2);
    expect(await answering(addresses)).toEqual([]);
    expect(existsSync(join(data, "demo/redis/server.json"))).toBe(false);
  });

  it("takes its processes with it when it is killed", { timeout: 120_000 }, async () => {
    const demo = startDemo();
    await until("the tickets to go in", () => demo.said().includes("tickets go in"));
    demo.child.kill("SIGKILL");
    await demo.code;
    const addresses = addressesIn(demo.said());
    expect(addresses).toHaveLength(2);
    await until("the simulator and the fleet to be gone", async () => (await answering(addresses)).length === 0);
    await until("Redis to be gone", () => !existsSync(join(data, "demo/redis/server.json")));
  });
});
