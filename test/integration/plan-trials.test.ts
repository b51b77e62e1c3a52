// Plans that go by trials of the models: those that `plan --sample` asks itself, and those of a pilot.

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { readRecording, recordedFleet, replayOptions, RECORDED_TASK, toInput } from "../../scripts/bench-pilot-setup.ts";
import type { ModelId } from "../../src/job/names.ts";
import { classifyRows, toJsonl } from "../support/classify.ts";
import type { TestFleetOptions } from "../support/fleet.ts";
import {
  DEAR,
  expectClose,
  expectCostInRange,
  expectInRange,
  expectTimeClose,
  startPlanFleet,
  ticketVendors,
  type PlanFleet,
} from "../support/plan-fleet.ts";

const GSM8K = resolve(import.meta.dirname, "../../../shared/data/recorded-gsm8k.jsonl");
const isMissing = !existsSync(GSM8K);
const WHY_SKIPPED = isMissing ? " (skipped: ../shared/data/recorded-gsm8k.jsonl is missing)" : "";
const CHEAP_MODELS: readonly ModelId[] = ["google/gemini-1.5-flash", "openai/gpt-4o-mini-2024-07-18"];
const DEAR_MODEL: ModelId = "anthropic/claude-3-5-sonnet-20241022";

let of: PlanFleet | undefined;
afterEach(async () => {
  await of?.fleet.stop();
  of = undefined;
});

describe("a plan by trials", { timeout: 240_000 }, () => {
  it("of a task with a judge: counts judgements of the share judged, and the next model for what doesn't pass", async () => {
    const rows = classifyRows(160);
    const limits = { rpm: 720, tpm: 50_000_000 };
    // Of five rows one is no good to the judge, whoever answers it.
    const scores = rows.map(({ text }, i) => ({ text, label: i % 5 === 0 ? 3 : 8 }));
    const models = {
      "a/one": { limits },
      "b/two": { limits, price: DEAR },
      "c/judge": { limits, price: DEAR, simulated: { answers: { entries: scores, property: "score" } } },
    };
    const task = { route: ["a/one", "b/two"], judge: { model: "c/judge", rubric: "Is it the right label?", passMark: 7, sample: 0.5 } };
    of = await startPlanFleet({ ...ticketVendors(rows, models, task), rows: toJsonl(rows) });
    const { own, plan } = await of.plan("--sample", "80");
    expect(plan.history.trialRows).toBe(80);
    expect(plan.assumptions).toEqual([]);
    const real = await of.run("real");
    expect(real.failed).toBeGreaterThan(8);
    expectCostInRange(own, real);
    expectClose(own, real);
  });

  it("of models that agree before a judge: judgements of what they agree upon, and the next model for what doesn't pass", async () => {
    const rows = classifyRows(160);
    const limits = { rpm: 1_200, tpm: 50_000_000 };
    // Both say the same, so that a judge finds both wanting or neither.
    const scores = rows.map(({ text }, i) => ({ text, label: i % 4 === 0 ? 3 : 8 }));
    const models = {
      "a/one": { limits },
      "b/two": { limits },
      "d/three": { limits, price: DEAR },
      "c/judge": { limits, price: DEAR, simulated: { answers: { entries: scores, property: "score" } } },
    };
    const task = {
      route: [{ agree: ["a/one", "b/two"] }, "d/three"],
      judge: { model: "c/judge", rubric: "Is it the right label?", passMark: 7 },
    };
    of = await startPlanFleet({ ...ticketVendors(rows, models, task), rows: toJsonl(rows) });
    const { own, plan } = await of.plan("--sample", "80");
    expect(plan.history.trialRows).toBe(80);
    expect(plan.assumptions).toEqual([]);
    const real = await of.run("real");
    expectCostInRange(own, real);
    expectClose(own, real);
  });

  it.skipIf(isMissing)(
    `of a cascade, two cheap models that agree, else a dear one: of a pilot, then of a larger sample${WHY_SKIPPED}`,
    async () => {
      of = await startPlanFleet(await cascade());
      const { fleet } = of;
      const blind = await of.plan();

      const pilot = await fleet.command("pilot", `${fleet.dir}/rows.jsonl`, "--task", RECORDED_TASK, "--sample", "200", "--json").result;
      expect(pilot.code, pilot.stderr).toBe(0);
      const asked = fleet.simulator.ledger().total.calls;
      const piloted = await of.plan();
      expect(fleet.simulator.ledger().total.calls).toBe(asked);
      expect(piloted.plan.history.trialRows).toBe(200);
      expect(piloted.plan.assumptions).toEqual([]);

      const sampled = await of.plan("--sample", "400", "--baseline", DEAR_MODEL);
      expect(sampled.plan.history.trialRows).toBe(400);
      const width = ({ own }: typeof blind) => own.costNanoUsd.high - own.costNanoUsd.low;
      expect(width(piloted)).toBeLessThan(width(blind));
      expect(width(sampled)).toBeLessThan(width(piloted));

      const real = await of.run("real");
      expectInRange(blind.own, real);
      expectCostInRange(piloted.own, real);
      expectTimeClose(piloted.own, real);
      expectClose(sampled.own, real);
      const again = await of.plan();
      expectClose(again.own, real);
    },
  );
});

/** Of recorded models, with limits at which their 660 rows take some 25 seconds. */
async function cascade() {
  const models = [...CHEAP_MODELS, DEAR_MODEL];
  const task = { route: [{ agree: CHEAP_MODELS, on: "answer" }, DEAR_MODEL] };
  const limited = (options: object, providers: "vendors" | "providers") => {
    const all = structuredClone(options) as Record<string, Record<string, { models: Record<string, { limits: { rpm: number } }> }>>;
    for (const vendor of ["google", "openai"]) for (const model of Object.values(all[providers]![vendor]!.models)) model.limits.rpm = 1_600;
    return all;
  };
  return {
    simulator: limited(replayOptions(GSM8K, models), "vendors") as unknown as TestFleetOptions["simulator"],
    config: (url: string) => limited(recordedFleet(url, models, task), "providers"),
    task: RECORDED_TASK,
    rows: toInput(await readRecording(GSM8K)),
  };
}
