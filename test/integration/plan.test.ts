// A plan against the real run that follows: the same file through a fleet on the simulator, with limits that make the run take some twenty seconds. Cost is held to
// a tenth and time to 15 % where there is a history; without one the real figures must lie in the printed range.

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { classifyConfig, classifyRows, classifySimulator, toJsonl } from "../support/classify.ts";
import { expectClose, expectInRange, startPlanFleet, type PlanFleet } from "../support/plan-fleet.ts";

const MEETINGS = resolve(import.meta.dirname, "../../../shared/data/meetings-qmsum.jsonl");

let of: PlanFleet | undefined;
afterEach(async () => {
  await of?.fleet.stop();
  of = undefined;
});

describe("a plan, and the run of the same file", { timeout: 180_000 }, () => {
  it("of a task that is bound by requests a minute: after a sample", async () => {
    const rows = classifyRows(420);
    of = await startPlanFleet({
      simulator: classifySimulator(rows, { latencyMs: 100 }),
      config: classifyConfig({ limits: { rpm: 1_200, tpm: 50_000_000 } }),
      task: "classify",
      rows: toJsonl(rows),
    });
    const blind = await of.plan();
    expect(blind.plan.history.answers).toBe(0);
    expect(blind.plan.sampleRows).toBe(200);
    const sampled = await of.plan("--sample", "40");
    expect(sampled.own.boundBy).toBe("alpha/one: rpm");
    const real = await of.run("all");
    expect(sampled.own.calls.expected).toBe(real.calls);
    expectClose(sampled.own, real);
    expectInRange(blind.own, real);
  });

  it.skipIf(!existsSync(MEETINGS))(
    `of one that is bound by tokens a minute: after a former run${existsSync(MEETINGS) ? "" : " (skipped: ../shared/data/meetings-qmsum.jsonl is missing)"}`,
    async () => {
      const lines = (await readFile(MEETINGS, "utf8")).trim().split("\n");
      const limits = { rpm: 60_000, itpm: 700_000, otpm: 700_000 };
      const price = { input: 1, output: 5 };
      of = await startPlanFleet({
        simulator: {
          answers: { file: MEETINGS, textField: "query", answerField: "reference" },
          vendors: { vendor: { kind: "anthropic", latency: { baseMs: 200, jitterMs: 400 }, models: { reader: { price, limits } } } },
        },
        config: (url) => ({
          providers: {
            vendor: { kind: "anthropic", apiKey: "${SIMULATED_KEY}", baseUrl: `${url}/vendor`, models: { reader: { price, limits } } },
          },
          tasks: {
            summarize: {
              prompt: { user: "{{ input.query }}\n\n{{ input.excerpt }}" },
              output: { type: "object", required: ["answer"], properties: { answer: { type: "string" } } },
              route: ["vendor/reader"],
              maxOutputTokens: 1_000,
            },
          },
        }),
        task: "summarize",
        rows: `${lines.filter((_, i) => i < 450 && i % 6 > 3).join("\n")}\n`,
      });
      await of.fleet.file("some.jsonl", `${lines.filter((_, i) => i < 450 && i % 6 === 0).join("\n")}\n`);
      const blind = await of.plan();
      await of.run("some", "some.jsonl");
      const seen = await of.plan();
      expect(seen.own.boundBy).toBe("vendor/reader: itpm");
      const real = await of.run("all");
      expectClose(seen.own, real);
      expectInRange(seen.own, real);
      expectInRange(blind.own, real);
    },
  );
});
