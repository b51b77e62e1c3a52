// Answers one can trust, end to end: agreement, checks, repair, escalation and judges, over real queues, the vendors' own clients and simulated vendors that replay a recording.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createBatchStates } from "../../queues/batch-state.ts";
import type { Result } from "../../src/job/result.ts";
import { totalCostNanoUsd, type TrailEntry } from "../../src/job/trail.ts";
import { createFileStore } from "../../src/results/files/file-store.ts";
import type { Ledger } from "../../src/simulator/simulator-ledger.ts";
import { toJsonl } from "../support/classify.ts";
import { COMPILE_CACHE } from "../support/command-line.ts";
import { startTestFleet, until, type TestFleet } from "../support/fleet.ts";

const label = (name: string) => JSON.stringify({ label: name });
const verdict = (score: number) => JSON.stringify({ reason: `worth ${score}`, score });

/** What becomes of a row: what each model says to it, the calls that this must lead to, and how it ends. */
interface Kind {
  readonly says: Readonly<Record<"alpha/cheap" | "beta/cheap", string>> & Readonly<Record<string, string>>;
  readonly trail: readonly string[];
  readonly end: { readonly model: string; readonly label: string } | { readonly code: string };
}

const AGREED = ["agree alpha/cheap answered", "agree beta/cheap answered"];
const KINDS: Readonly<Record<string, Kind>> = {
  "both cheap models agree": {
    says: { "alpha/cheap": label("billing"), "beta/cheap": label("billing") },
    trail: [...AGREED, "judge beta/judge answered"],
    end: { model: "alpha/cheap", label: "billing" },
  },
  "they disagree": {
    says: { "alpha/cheap": label("billing"), "beta/cheap": label("delivery"), "alpha/mid": label("delivery") },
    trail: [...AGREED, "answer alpha/mid answered", "judge beta/judge answered"],
    end: { model: "alpha/mid", label: "delivery" },
  },
  "the next answer must be repaired": {
    says: { "alpha/cheap": label("billing"), "beta/cheap": label("delivery"), "alpha/mid": label("unsure") },
    trail: [...AGREED, "answer alpha/mid unfit", "repair alpha/mid answered", "judge beta/judge answered"],
    end: { model: "alpha/mid", label: "billing" },
  },
  "the repair fails": {
    says: {
      "alpha/cheap": label("billing"),
      "beta/cheap": label("delivery"),
      "alpha/mid": label("hopeless"),
      "gamma/strong": 'Sure!\n```json\n{"label": "billing"}\n```',
    },
    trail: [
      ...AGREED,
      "answer alpha/mid unfit",
      "repair alpha/mid unfit",
      "answer gamma/strong answered",
      // The strong model is of a third vendor: the judges stay as they are listed.
      "judge alpha/judge answered",
    ],
    end: { model: "gamma/strong", label: "billing" },
  },
  "they agree on what the judge won't have": {
    says: { "alpha/cheap": label("technical"), "beta/cheap": label("technical"), "alpha/mid": label("billing") },
    trail: [...AGREED, "judge beta/judge answered", "answer alpha/mid answered", "judge beta/judge answered"],
    end: { model: "alpha/mid", label: "billing" },
  },
  "the judge gives no verdict": {
    says: { "alpha/cheap": label("refund"), "beta/cheap": label("refund") },
    trail: [...AGREED, "judge beta/judge unfit", "judge alpha/judge answered"],
    end: { model: "alpha/cheap", label: "refund" },
  },
  "nobody's answer will do": {
    says: {
      "alpha/cheap": label("billing"),
      "beta/cheap": "I think it is about delivery.",
      "alpha/mid": label("hopeless"),
      "gamma/strong": label("technical"),
    },
    trail: [
      "agree alpha/cheap answered",
      "agree beta/cheap unfit",
      "answer alpha/mid unfit",
      "repair alpha/mid unfit",
      "answer gamma/strong answered",
      "judge alpha/judge answered",
    ],
    end: { code: "exhausted" },
  },
};
const NAMES = Object.keys(KINDS);
const ROWS = NAMES.flatMap((kind) => Array.from({ length: 6 }, (_, i) => ({ kind, text: `${NAMES.indexOf(kind)}/${i}` })));
const CALLS = ROWS.reduce((sum, { kind }) => sum + KINDS[kind]!.trail.length, 0);

/** Calls under way at once, of each model. Judges have room for all: one that is full would be passed over for the next. */
const CONCURRENCY = { cheap: 3, mid: 3, strong: 3, judge: 30 } as const;
const MOST_UNDER_WAY = 3 + 3 + 30 + 3 + 30 + 3;
type Name = keyof typeof CONCURRENCY;
const MODELS: readonly (readonly [vendor: string, kind: string, models: Readonly<Partial<Record<Name, object>>>])[] = [
  ["alpha", "openai", { cheap: { input: 0.15, output: 0.6 }, mid: { input: 1.1, output: 4.4 }, judge: { input: 2.5, output: 10 } }],
  ["beta", "anthropic", { cheap: { input: 0.25, output: 1.25 }, judge: { input: 3, output: 15 } }],
  ["gamma", "openai-compatible", { strong: { input: 5, output: 15 } }],
];
const TIERS: Readonly<Record<Name, string>> = { cheap: "fast", mid: "standard", judge: "premium", strong: "premium" };

/** The longest prompt that a request's last message contains says what the model answers. */
function recording(): string {
  const inTurn = (says: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(says).map(([model, response]) => [model.replace("/", "-"), { response }]));
  const judges = (of: string, beta: string, alpha: string) => ({
    prompt: `${of}\n</answer-`,
    models: inTurn({ "beta/judge": beta, "alpha/judge": alpha }),
  });
  return toJsonl([
    ...ROWS.map(({ kind, text }) => ({ prompt: `Ticket: ${text}.`, models: inTurn(KINDS[kind]!.says) })),
    { prompt: '"unsure" is not one of', models: inTurn({ "alpha/mid": label("billing") }) },
    { prompt: '"hopeless" is not one of', models: inTurn({ "alpha/mid": "It can't be told." }) },
    judges(label("billing"), verdict(9), verdict(9)),
    judges(label("delivery"), verdict(8), verdict(8)),
    judges('{"label": "billing"}\n```', verdict(10), verdict(10)),
    judges(label("technical"), verdict(2), verdict(2)),
    judges(label("refund"), "A fine answer!", verdict(7)),
  ]);
}

function configOf(url: string): object {
  const address = (vendor: string, kind: string) => (kind === "anthropic" ? `${url}/${vendor}` : `${url}/${vendor}/v1`);
  const modelsOf = (models: Readonly<Record<string, object>>) =>
    Object.fromEntries(
      Object.entries(models).map(([name, price]) => [
        name,
        { tier: TIERS[name as Name], price, limits: { rpm: 600_000, concurrency: CONCURRENCY[name as Name] } },
      ]),
    );
  return {
    providers: Object.fromEntries(
      MODELS.map(([vendor, kind, models]) => [
        vendor,
        { kind, apiKey: "${SIMULATED_KEY}", baseUrl: address(vendor, kind), models: modelsOf(models) },
      ]),
    ),
    tasks: {
      sort: {
        prompt: { system: "You sort support tickets.", user: "Ticket: {{ input.text }}." },
        output: { type: "object", required: ["label"], properties: { label: { enum: ["billing", "delivery", "technical", "refund"] } } },
        route: [{ agree: ["alpha/cheap", "beta/cheap"], on: "label" }, "alpha/mid", "gamma/strong"],
        checks: [{ kind: "schema", onFail: "repair" }],
        judge: { models: ["alpha/judge", "beta/judge"], rubric: "Is it the right label?", passMark: 7 },
        timeout: "10s",
      },
    },
    queues: { lock: "2s", stalledCheck: "1s", reconcile: "2s" },
  };
}

let folder: string;
let fleet: TestFleet;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "modelfleet-recording-"));
  const file = join(folder, "recording.jsonl");
  await writeFile(file, recording());
  const vendors = Object.fromEntries(
    MODELS.map(([vendor, kind, models]) => [
      vendor,
      {
        kind,
        latency: { baseMs: 40, jitterMs: 20 },
        models: Object.fromEntries(
          Object.entries(models).map(([name, price]) => [name, { recording: file, recordedAs: `${vendor}-${name}`, price }]),
        ),
      },
    ]),
  );
  fleet = await startTestFleet({ environment: COMPILE_CACHE, simulator: { vendors: vendors as never }, config: configOf });
});
afterAll(async () => {
  await fleet?.stop();
  await rm(folder, { recursive: true, force: true });
});

const run = async (batch: string) => {
  const file = await fleet.file("rows.jsonl", toJsonl(ROWS));
  return fleet.command("run", file, "--task", "sort", "--batch", batch, "-o", join(fleet.dir, `${batch}.jsonl`));
};

/** Every row's result, in order; the store refuses none and doubles none. */
async function resultsOf(batch: string): Promise<readonly Result[]> {
  const store = createFileStore({ dir: join(fleet.dir, "data", "store") });
  const results: Result[] = [];
  for await (const result of store.read(batch)) results.push(result);
  await store.stop();
  expect(results.map(({ row }) => row)).toEqual(ROWS.map((_, row) => row));
  return results;
}

const isCertain = ({ outcome }: TrailEntry) => outcome !== "uncertain";
const shown = (trail: readonly TrailEntry[]): readonly string[] =>
  trail.map(({ purpose, model, outcome }) => `${purpose} ${model} ${outcome}`);
const endOf = (result: Result) =>
  result.status === "answered"
    ? { model: result.model, label: (result.answer.json as { readonly label: string }).label }
    : { code: result.error.code };

/** Each row went the way of its kind, and ended as it must. `of`: which of its calls are looked at. */
function expectEveryWay(results: readonly Result[], of: (call: string) => boolean = () => true): void {
  const byKind = (read: (result: Result) => unknown) =>
    Object.fromEntries(NAMES.map((kind) => [kind, results.filter(({ row }) => ROWS[row]?.kind === kind).map(read)]));
  const wanted = (read: (kind: Kind) => unknown) =>
    Object.fromEntries(NAMES.map((kind) => [kind, ROWS.filter((row) => row.kind === kind).map(() => read(KINDS[kind]!))]));
  expect(byKind(({ trail }) => shown(trail.filter(isCertain)).filter(of))).toEqual(wanted(({ trail }) => trail.filter(of)));
  expect(byKind(endOf)).toEqual(wanted(({ end }) => end));
}

function callsByModel(trails: readonly TrailEntry[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { model } of trails) counts[model] = (counts[model] ?? 0) + 1;
  return counts;
}

function ledgerByModel({ vendors }: Ledger): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(vendors).flatMap(([vendor, { models }]) =>
      Object.entries(models).map(([name, { calls }]) => [`${vendor}/${name}`, calls]),
    ),
  );
}

describe("a task with agreement, checks, repair and a judge", () => {
  it("takes each row the way that its answers lead, and books every call at what the vendor charged", { timeout: 60_000 }, async () => {
    fleet.simulator.reset();
    const { code, stderr, stdout } = await (await run("calm")).result;
    expect(code, stderr + stdout).toBe(1);
    const results = await resultsOf("calm");
    expectEveryWay(results);
    const trails = results.flatMap(({ trail }) => trail);
    const ledger = fleet.simulator.ledger();
    expect(callsByModel(trails)).toEqual(ledgerByModel(ledger));
    expect(trails).toHaveLength(CALLS);
    expect(totalCostNanoUsd(trails)).toBe(ledger.total.costNanoUsd);
    expect(ledger.total.costNanoUsd).toBeGreaterThan(0);
  });

  it("says with each failed row's result why no answer would do", async () => {
    const failed = (await resultsOf("calm")).filter((result) => result.status === "error");
    expect(failed).toHaveLength(ROWS.length / NAMES.length);
    for (const { error, trail } of failed) {
      expect(error.message).toContain("gamma/strong");
      expect(trail.find(({ outcome, purpose }) => outcome === "unfit" && purpose === "answer")?.reason).toContain(
        '"hopeless" is not one of',
      );
      expect(trail.at(-1)).toMatchObject({ purpose: "judge", outcome: "answered" });
    }
  });

  it("loses nothing by a kill -9 in the middle: the same command again ends every row the same way", { timeout: 90_000 }, async () => {
    fleet.simulator.reset();
    const states = createBatchStates(fleet.redis.client());
    const first = await run("killed");
    await until("a third of the rows", async () => ((await states.status("killed"))?.done ?? 0) >= ROWS.length / 3);
    first.child.kill("SIGKILL");
    await first.result;
    const done = (await states.status("killed"))?.done ?? 0;
    expect(done).toBeLessThan(ROWS.length);

    const { code, stderr } = await (await run("killed")).result;
    expect(code, stderr).toBe(1);
    const results = await resultsOf("killed");
    // Which judge is asked may differ: until the calls of the dead process are found, its queue looks full. That one was asked may not.
    expectEveryWay(results, (call) => !call.startsWith("judge"));
    for (const { trail } of results) expect(shown(trail).findLast((call) => call.startsWith("judge"))).toMatch(/answered$/);
    // One extra call at most for each that was under way, and whatever may have been paid is in the books.
    const trails = results.flatMap(({ trail }) => trail);
    const uncertain = trails.filter((entry) => !isCertain(entry)).length;
    const { calls } = fleet.simulator.ledger().total;
    const extra = calls - (trails.length - uncertain);
    expect(extra).toBeGreaterThanOrEqual(0);
    expect(extra).toBeLessThanOrEqual(uncertain);
    expect(uncertain).toBeLessThanOrEqual(MOST_UNDER_WAY);
  });
});
