// Rows of a cancelled batch that wait for a model which isn't available: in the router's slots, and set aside.

import { afterAll, beforeAll, expect, it } from "vitest";
import { recallDelayed } from "../../queues/recall-delayed.ts";
import { taskQueue } from "../../src/runtime/keys.ts";
import { until } from "../support/fleet.ts";
import { startProcessFleet, type ProcessFleet } from "../support/process-fleet.ts";

const HOUR_MS = 3_600_000;
const ROWS = 100;

let fleet: ProcessFleet;
let calls = 0;
beforeAll(async () => {
  fleet = await startProcessFleet({ call: () => Promise.reject(new Error(`call ${++calls}`)) });
});
afterAll(() => fleet?.stop());

it("end at once, whatever they wait for; those of other batches go on waiting", async () => {
  const { states, queues, breaker } = fleet.context;
  const queue = queues.queue(taskQueue("ask"));
  await breaker.trip({ model: "alpha/one" }, "away for an hour", HOUR_MS);
  const questions = Array.from({ length: ROWS }, (_, row) => `question ${row}`);
  await fleet.send("other", questions.slice(0, 5));
  await fleet.send("b", questions);
  const delayed = async (batch: string) => (await queue.getDelayed()).filter(({ id }) => id!.startsWith(`${batch}.`));
  // The first rows were set aside, and their slots are taken by the others.
  const slots = 64;
  await until("all rows to wait", async () => {
    const { waiting, active, delayed: aside } = await queue.getJobCounts("waiting", "active", "delayed");
    return waiting === 0 && active === ROWS + 5 - slots && aside === slots;
  });
  // By themselves they would come back after some seconds.
  for (const job of await queue.getDelayed()) await job.changeDelay(HOUR_MS);
  expect((await delayed("other")).length).toBeGreaterThan(0);

  await states.cancel("b");
  await recallDelayed("b", queues);
  let mostAside = 0;
  const { results } = await fleet.ended("b", async () => {
    mostAside = Math.max(mostAside, (await delayed("b")).length);
  });
  expect(results.map(({ status, ...rest }) => [status, "error" in rest && rest.error.code])).toEqual(
    Array.from({ length: ROWS }, () => ["error", "cancelled"]),
  );
  // Who waited in a slot was told there.
  expect(mostAside).toBe(0);
  expect((await delayed("other")).length).toBeGreaterThan(0);
  expect(calls).toBe(0);
});
