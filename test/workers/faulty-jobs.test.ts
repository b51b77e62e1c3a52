// Faults of our own code that one job meets and others don't, put into a fleet: in its router, and in its pool, where a call may have been made and paid.

import { Queue } from "bullmq";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import type { Job } from "../../src/job/job.ts";
import { NO_USAGE } from "../../src/job/usage.ts";
import { modelQueue, taskQueue } from "../../src/runtime/keys.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { until } from "../support/fleet.ts";
import { startProcessFleet, type ProcessFleet } from "../support/process-fleet.ts";

const ROWS = 12;
const IN_ROUTER = "words that the router stumbles over";
const IN_POOL = "words that the pool stumbles over";
const textOf = (row: number) => (row === 3 ? IN_ROUTER : row === 7 ? IN_POOL : `question ${row}`);

vi.mock("../../src/routing/analyse.ts", async (original) => {
  const { analyse } = await original<typeof import("../../src/routing/analyse.ts")>();
  const faulty: typeof analyse = (job: Job, ...rest) => {
    if (job.input["text"] === IN_ROUTER) throw new TypeError(`no property of "${IN_ROUTER}"`);
    return analyse(job, ...rest);
  };
  return { analyse: faulty };
});

let fleet: ProcessFleet;
/** The jobs in whose work a fault was met, by their ids in the log. */
const logged: string[] = [];

beforeAll(async () => {
  fleet = await startProcessFleet({
    call({ request }) {
      if (JSON.stringify(request).includes(IN_POOL)) throw new RangeError(`no place for "${IN_POOL}"`);
      const answer = { text: "an answer", finish: { unified: "stop", raw: "stop" } } as const;
      const usage = { ...NO_USAGE, inputTokens: 10, outputTokens: 5 };
      return Promise.resolve({ outcome: { kind: "answered", answer }, usage, limits: [], status: 200, billable: true });
    },
    log: { ...silentLogger, error: ({ job }: { readonly job: string }) => void logged.push(job) },
  });
});
afterAll(() => fleet?.stop());

it("end as errors, with the fault's place and none of the row's words, after some tries; the others run, and the batch ends", async () => {
  const queues = [taskQueue("ask"), modelQueue("alpha/one")].map((name) => new Queue(name, { connection: fleet.redis }));
  await fleet.send(
    "b",
    Array.from({ length: ROWS }, (_, row) => textOf(row)),
  );
  await until("the rows that nothing ails", async () => (await fleet.context.states.status("b"))?.answered === ROWS - 2);
  // A job's next try needn't be waited for.
  const { results } = await fleet.ended("b", () => Promise.all(queues.map((queue) => queue.promoteJobs())));
  await Promise.all(queues.map((queue) => queue.close()));

  expect(results.map(({ row, status }) => [row, status])).toEqual(
    Array.from({ length: ROWS }, (_, row) => [row, row === 3 || row === 7 ? "error" : "answered"]),
  );
  const [inRouter, inPool] = [results[3]!, results[7]!];
  for (const [result, fault] of [
    [inRouter, "TypeError"],
    [inPool, "RangeError"],
  ] as const) {
    const message = expect.stringContaining(`11 times, last: ${fault} at test/workers/faulty-jobs.test.ts:`);
    expect(result).toMatchObject({ error: { code: "crashed", message } });
    expect(JSON.stringify(result.status === "error" && result.error)).not.toContain("stumbles");
  }
  // Each try of the pool's may have been paid; the last one of them is in the books as well.
  expect(inRouter.trail).toEqual([]);
  expect(inPool.trail.map(({ outcome }) => outcome)).toEqual(Array.from({ length: 11 }, () => "uncertain"));
  const jobs = [...new Set(logged)];
  expect(jobs.map((job) => logged.filter((each) => each === job).length)).toEqual([11, 11]);
});
