// The examples of three kinds of business, run as their files say: a simulator, one command each. What they are there to show must happen.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createFileStore } from "../../src/results/files/file-store.ts";
import { splitModelId } from "../../src/job/names.ts";
import type { Result } from "../../src/job/result.ts";
import { totalCostNanoUsd, type TrailEntry } from "../../src/job/trail.ts";
import type { Ledger } from "../../src/simulator/simulator-ledger.ts";
import { runCommand, startCommand, type StartedCommand } from "../support/command-line.ts";
import { startTestRedis, type TestRedis } from "../support/redis.ts";
import { until } from "../support/fleet.ts";

const BUSINESS = resolve(import.meta.dirname, "../../examples/business");

const EXAMPLES = {
  support: { file: "tickets.jsonl", task: "triage-ticket", config: "fleet.yaml" },
  content: { file: "products.jsonl", task: "describe-product", config: "fleet.yaml" },
  review: { file: "changes.jsonl", task: "review-change", config: "fleet.config.ts" },
} as const;
type Example = keyof typeof EXAMPLES;

let folder: string;
let redis: TestRedis;
let simulator: StartedCommand;
let url: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "modelfleet-examples-"));
  redis = await startTestRedis();
  simulator = startCommand(["simulator", "--config", join(BUSINESS, "simulator.yaml"), "--port", "0"]);
  let said = "";
  simulator.child.stderr?.on("data", (chunk: Buffer) => (said += chunk.toString()));
  url = await until("the simulator's address", () => /Control: (http:\/\/\S+)\/_control/.exec(said)?.[1]);
});

afterAll(async () => {
  simulator.child.kill("SIGTERM");
  await simulator.result;
  await redis.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** Runs an example as its file says, and reads what it put into the store. */
async function play(example: Example): Promise<{ readonly rows: readonly Record<string, unknown>[]; readonly results: readonly Result[] }> {
  await fetch(`${url}/_control/reset`, { method: "POST" });
  const { file, task, config } = EXAMPLES[example];
  // One Redis has one store.
  const data = join(folder, "data");
  const input = join(BUSINESS, example, file);
  const ran = await runCommand(
    ["run", input, "-t", task, "-b", example, "-o", join(folder, `${example}.jsonl`), "-c", join(BUSINESS, example, config)],
    {
      environment: {
        REDIS_URL: redis.url,
        MODELFLEET_DATA: data,
        OPENAI_API_KEY: "simulated",
        ANTHROPIC_API_KEY: "simulated",
        INHOUSE_API_KEY: "simulated",
        OPENAI_BASE_URL: `${url}/openai/v1`,
        ANTHROPIC_BASE_URL: `${url}/anthropic`,
        INHOUSE_BASE_URL: `${url}/inhouse/v1`,
      },
    },
  );
  expect(ran.code, ran.stderr).toBe(0);
  const store = createFileStore({ dir: join(data, "store") });
  try {
    const results: Result[] = [];
    for await (const result of store.read(example)) results.push(result);
    const rows = (await readFile(input, "utf8")).trim().split("\n");
    expect(results.map(({ status }) => status)).toEqual(rows.map(() => "answered"));
    await expectPaid(results);
    return { rows: rows.map((row) => JSON.parse(row) as Record<string, unknown>), results };
  } finally {
    await store.stop();
  }
}

/** Every call is in a trail, and costs there what it cost at the vendor. */
async function expectPaid(results: readonly Result[]): Promise<void> {
  const { total } = (await (await fetch(`${url}/_control/ledger`)).json()) as Ledger;
  expect(total.calls).toBe(results.reduce((sum, { trail }) => sum + trail.length, 0));
  expect(total.costNanoUsd).toBe(results.reduce((sum, { trail }) => sum + totalCostNanoUsd(trail), 0));
}

/** `gpt-5-mini answer unfit`, call by call. */
function trailOf(results: readonly Result[], id: string): readonly string[] {
  return trail(results, id).map(({ model, purpose, outcome }) => `${splitModelId(model).name} ${purpose} ${outcome}`);
}

function trail(results: readonly Result[], id: string): readonly TrailEntry[] {
  return results.find((result) => result.id === id)?.trail ?? [];
}

function count(results: readonly Result[], purpose: TrailEntry["purpose"]): number {
  return results.flatMap((result) => result.trail).filter((entry) => entry.purpose === purpose).length;
}

describe("support tickets", () => {
  let rows: readonly Record<string, unknown>[];
  let results: readonly Result[];
  beforeAll(async () => ({ rows, results } = await play("support")));

  it("go to a cheap model when they are simple and to a strong one when they are intricate", () => {
    expect(trailOf(results, "s-01")).toEqual(["gpt-5-mini answer answered"]);
    expect(trailOf(results, "s-19")).toEqual(["claude-sonnet-4-5 answer answered"]);
  });

  it("stay in the house where they hold personal data, repairs and escalations included", () => {
    const providers = rows.map(({ data }, i) => [data, ...new Set(results[i]!.trail.map(({ model }) => splitModelId(model).provider))]);
    expect(providers.filter(([data]) => data === "pii")).toEqual(Array.from({ length: 6 }, () => ["pii", "inhouse"]));
    expect(providers.filter(([data, ...seen]) => data === "general" && seen.includes("openai")).length).toBeGreaterThan(10);
  });

  it("are repaired by the reason of the check that failed", () => {
    expect(count(results, "repair")).toBe(5);
    expect(trailOf(results, "s-05")).toEqual(["gpt-5-mini answer unfit", "gpt-5-mini repair answered"]);
    expect(trail(results, "s-05")[0]?.reason).toBe('language: "English" is not one of "en", "de", "fr", "es"');
    expect(trail(results, "s-09")[0]?.reason).toMatch(/^the answer's JSON is cut off or broken/);
    expect(trail(results, "s-12")[0]?.reason).toMatch(/^summary: has 23 words, must have at most 14/);
  });

  it("are escalated where the repair is no better, and where the check says so", () => {
    expect(trailOf(results, "s-17")).toEqual(["mistral-small answer unfit", "mistral-small repair unfit", "mistral-large answer answered"]);
    expect(trailOf(results, "s-07")).toEqual(["gpt-5-mini answer unfit", "claude-sonnet-4-5 answer answered"]);
  });

  it("are read out of fences, prose and trailing commas", () => {
    for (const id of ["s-02", "s-15"]) {
      const found = results.find((result) => result.id === id)!;
      expect(found).toMatchObject({ trail: [{ outcome: "answered" }], answer: { json: { category: "delivery" } } });
    }
  });
});

describe("product texts", () => {
  let results: readonly Result[];
  beforeAll(async () => ({ results } = await play("content")));

  it("are judged by another vendor's model, every one of them", () => {
    for (const result of results) {
      const judges = result.trail.filter(({ purpose }) => purpose === "judge").map(({ model }) => splitModelId(model).provider);
      const answerer = result.status === "answered" ? splitModelId(result.model).provider : undefined;
      expect(judges.length).toBeGreaterThan(0);
      expect(judges.at(-1)).not.toBe(answerer);
    }
  });

  it("are repaired by what the checks say of them, before anybody is paid to judge them", () => {
    const repaired = ["gpt-5-mini answer unfit", "gpt-5-mini repair answered", "claude-sonnet-4-5 judge answered"];
    for (const id of ["p-02", "p-04", "p-06"]) expect(trailOf(results, id)).toEqual(repaired);
    expect(trail(results, "p-06")[0]?.reason).toMatch(/is in en, must be in de/);
  });

  it("are repaired by what the judge says of them, and judged again", () => {
    expect(trailOf(results, "p-05")).toEqual([
      "gpt-5-mini answer answered",
      "claude-sonnet-4-5 judge answered",
      "gpt-5-mini repair answered",
      "claude-sonnet-4-5 judge answered",
    ]);
  });

  it("are written by the next model where a repair does not help", () => {
    for (const id of ["p-08", "p-09"]) {
      expect(trailOf(results, id).slice(-2)).toEqual(["claude-haiku-4-5 answer answered", "gpt-5 judge answered"]);
    }
  });
});

describe("code reviews", () => {
  let results: readonly Result[];
  beforeAll(async () => ({ results } = await play("review")));
  const AGREED = ["claude-haiku-4-5 agree answered", "gpt-5-mini agree answered"];

  it("of small changes are the cheap models', where their verdicts agree", () => {
    for (const id of ["c-01", "c-02", "c-03", "c-06", "c-08"]) expect(trailOf(results, id).toSorted()).toEqual(AGREED);
  });

  it("go to the strong model where the verdicts differ", () => {
    for (const id of ["c-04", "c-05"]) {
      const calls = trailOf(results, id);
      expect(calls.slice(0, 2).toSorted()).toEqual(AGREED);
      expect(calls.slice(2)).toEqual(["claude-sonnet-4-5 answer answered"]);
    }
  });

  it("don't count when they quote code that the change doesn't hold", () => {
    const wrong = trail(results, "c-07").find(({ outcome }) => outcome === "unfit");
    expect(wrong?.reason).toBe('quotesTheChange: the change doesn\'t hold the code quoted: "raise Exception(order_id)"');
    expect(trailOf(results, "c-07").at(-1)).toBe("claude-sonnet-4-5 answer answered");
  });

  it("of large changes are the strong model's at once, and put right when the sums are wrong", () => {
    expect(trailOf(results, "c-10")).toEqual(["claude-sonnet-4-5 answer answered"]);
    expect(trailOf(results, "c-09")).toEqual(["claude-sonnet-4-5 answer unfit", "claude-sonnet-4-5 repair answered"]);
    expect(trail(results, "c-09")[0]?.reason).toBe("sum(findings.minutes) == minutes doesn't hold: 75 == 60");
  });
});

it("the examples point at the simulator where nothing says otherwise", async () => {
  const configs = await Promise.all(Object.entries(EXAMPLES).map(([name, { config }]) => readFile(join(BUSINESS, name, config), "utf8")));
  expect(await readFile(join(BUSINESS, "simulator.yaml"), "utf8")).toContain("port: 4010");
  for (const config of configs) {
    const addresses = Array.from(config.matchAll(/baseUrl: "?(\S+\})/g), ([, address]) => address);
    expect(addresses.length).toBeGreaterThan(1);
    for (const address of addresses) expect(address).toMatch(/^\$\{[A-Z]+_BASE_URL:-http:\/\/127\.0\.0\.1:4010\//);
  }
});
