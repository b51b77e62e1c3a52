// The live totals as people and programs see them, of a real fleet, beside its ledger.

import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import type { DayTotals } from "../../src/cost/redis-live-totals.ts";
import { createFileStore } from "../../src/results/files/file-store.ts";
import type { FleetStatus } from "../../queues/fleet-status.ts";
import { collect } from "../results/sample-results.ts";
import { startTestFleet, type TestFleet } from "../support/fleet.ts";

const PRICE = { input: 0.25, output: 2 };
const ROWS = 40;

let fleet: TestFleet | undefined;
afterEach(() => fleet?.stop());

it("status tells what the day has cost, by task, model and tags, as the ledger has it and the vendor charged it", async () => {
  fleet = await startTestFleet({
    simulator: { vendors: { alpha: { kind: "openai", models: { one: { price: PRICE } } } } },
    config: (url) => ({
      providers: {
        alpha: { kind: "openai", apiKey: "${SIMULATED_KEY}", baseUrl: `${url}/alpha/v1`, models: { one: { price: PRICE } } },
      },
      tasks: Object.fromEntries(
        ["sort", "draft"].map((task) => [task, { prompt: { user: `${task} {{ input.text }}` }, route: { models: ["alpha/one"] } }]),
      ),
    }),
  });
  const began = new Date().toISOString().slice(0, 10);
  const rows = Array.from({ length: ROWS }, (_, i) => JSON.stringify({ text: `question ${i}` }));
  const file = await fleet.file("in.jsonl", rows.join("\n"));
  const teams = { sort: "search", draft: "sales" };
  for (const [task, team] of Object.entries(teams)) {
    const { code } = await fleet.command("run", file, "--task", task, "--batch", task, "--tag", `team=${team}`, "-o", `${task}.jsonl`)
      .result;
    expect(code).toBe(0);
  }

  const { stdout } = await fleet.command("status", "--json").result;
  const { spendToday, spendByDay } = JSON.parse(stdout) as FleetStatus & { readonly spendByDay: readonly DayTotals[] };
  const text = (await fleet.command("status").result).stdout;
  const store = createFileStore({ dir: join(fleet.dir, "data", "store") });
  const combinations = spendByDay.flatMap((each) => each.combinations);
  for (const [task, team] of Object.entries(teams)) {
    const ledger = await collect(store.ledger(task));
    const costNanoUsd = ledger.reduce((sum, entry) => sum + entry.costNanoUsd, 0);
    expect(costNanoUsd).toBeGreaterThan(0);
    const found = combinations.filter((each) => each.task === task);
    // Two, where midnight came in between.
    expect(found.length).toBeLessThanOrEqual(began === spendByDay[0]?.day ? 1 : 2);
    expect(found.reduce((sum, each) => sum + each.costNanoUsd, 0)).toBe(costNanoUsd);
    expect(found[0]).toMatchObject({ model: "alpha/one", tags: { team }, uncertainCalls: 0, duplicateCalls: 0 });
  }
  await store.stop();
  expect(spendByDay).toHaveLength(7);
  const { costNanoUsd, calls } = fleet.simulator.ledger().total;
  expect(combinations.reduce((sum, each) => sum + each.costNanoUsd, 0)).toBe(costNanoUsd);
  expect(combinations.reduce((sum, each) => sum + each.calls, 0)).toBe(calls);
  expect(spendToday.day).toBe(spendByDay[0]?.day);
  expect(spendToday.costNanoUsd).toBe(spendByDay[0]?.combinations.reduce((sum, each) => sum + each.costNanoUsd, 0));
  expect(text).toMatch(/spent on \d{4}-\d\d-\d\d \(UTC\): \$[\d.]+ in [\d,]+ calls\n/);
}, 120_000);
