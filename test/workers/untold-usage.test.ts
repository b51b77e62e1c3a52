// A vendor that answers and doesn't always say what it took.

import { afterAll, beforeAll, expect, it } from "vitest";
import { readDayTotals } from "../../src/cost/redis-live-totals.ts";
import { dayOf } from "../../src/job/day.ts";
import { NO_USAGE } from "../../src/job/usage.ts";
import { createRedisLessonBook } from "../../src/prompt/redis-lesson-book.ts";
import { createSpendingReport } from "../../src/report/spending-report.ts";
import { streamOf } from "../results/sample-results.ts";
import { until } from "../support/fleet.ts";
import { startProcessFleet, type ProcessFleet } from "../support/process-fleet.ts";

const TOLD = { ...NO_USAGE, inputTokens: 40, outputTokens: 8 };

let fleet: ProcessFleet;
beforeAll(async () => {
  fleet = await startProcessFleet({
    call({ request }) {
      const isTold = JSON.stringify(request).includes("and say what it took");
      const answer = { text: "an answer", finish: { unified: "stop", raw: "stop" } } as const;
      return Promise.resolve({
        outcome: { kind: "answered", answer },
        ...(isTold ? { usage: TOLD } : {}),
        limits: [],
        status: 200,
        billable: true,
      });
    },
  });
});
afterAll(() => fleet?.stop());

it("is booked at estimates that ledger, report and live totals tell from exact costs, and that teach nothing", async () => {
  await fleet.send("quiet", ["question one", "question two", "question three"]);
  const quiet = await fleet.ended("quiet");
  expect(quiet.results.map(({ status }) => status)).toEqual(["answered", "answered", "answered"]);
  expect(quiet.ledger.map(({ outcome, isEstimated }) => [outcome, isEstimated])).toEqual(
    Array.from({ length: 3 }, () => ["answered", true]),
  );
  for (const { costNanoUsd } of quiet.ledger) expect(costNanoUsd).toBeGreaterThan(0);

  await fleet.send("both", ["question one, and say what it took", "question two"]);
  const { results, ledger } = await fleet.ended("both");
  const [exact, estimate] = ledger.toSorted((a, b) => a.row - b.row);
  expect(exact).toMatchObject({ isEstimated: false, usage: TOLD, costNanoUsd: 80_000 });
  expect(estimate).toMatchObject({ isEstimated: true });
  expect(results[0]!.trail[0]).not.toHaveProperty("isEstimated");

  const { total } = await createSpendingReport({ read: () => streamOf(results), ledger: () => streamOf(ledger) }, ["both"], { by: [] });
  expect(total).toMatchObject({
    costNanoUsd: 80_000 + estimate!.costNanoUsd,
    estimated: { calls: 1, costNanoUsd: estimate!.costNanoUsd },
    spent: { answers: { calls: 2 } },
  });
  const [today] = await readDayTotals(fleet.redis, [dayOf(Date.now())]);
  expect(today?.combinations).toMatchObject([{ calls: 5, estimatedCalls: 4, uncertainCalls: 0 }]);
  const lessons = createRedisLessonBook({ redis: fleet.redis, provider: "alpha" });
  const learned = await until("a lesson", async () => [...(await lessons.read()).values()][0]);
  expect(learned).toMatchObject({ calls: 1, answers: 1, counted: TOLD.inputTokens, output: TOLD.outputTokens });
});
