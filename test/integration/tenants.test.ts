// On whose account jobs are: said in every way in which rows come in, found again in the ledger, the results and the budgets.

import { join } from "node:path";
import { Queue } from "bullmq";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createProducer } from "../../queues/producer.ts";
import { UsageError } from "../../src/job/errors.ts";
import { taskQueue } from "../../src/runtime/keys.ts";
import { classifyConfig, classifyRows, classifySimulator, toJsonl } from "../support/classify.ts";
import { ofFleet, runCommand } from "../support/command-line.ts";
import { startTestFleet, type TestFleet } from "../support/fleet.ts";

const ROWS = classifyRows(12);
let fleet: TestFleet;

beforeAll(async () => {
  fleet = await startTestFleet({
    simulator: classifySimulator(ROWS),
    config: (url) => ({ ...classifyConfig()(url), budgets: [{ scope: "tenant", per: "all", limit: 5 }] }),
  });
}, 60_000);

afterAll(() => fleet?.stop());

async function run(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand([...args, "--config", fleet.config], ofFleet(fleet));
  expect(code, stderr).toBe(0);
  return stdout;
}

it(
  "a tenant given to run, enqueue, a producer or in a payload is in the results, the ledger and its budget",
  { timeout: 60_000 },
  async () => {
    const [ofEnqueue, ofRun, ofProducer, ofPayload] = [ROWS.slice(0, 3), ROWS.slice(3, 5), ROWS.slice(5, 9), ROWS.slice(9)];
    await fleet.start("up", "--no-web");
    const first = await fleet.file("first.jsonl", toJsonl(ofEnqueue));
    await run("enqueue", first, "--task", "classify", "--batch", "enqueued", "--tenant", "acme");

    const second = await fleet.file("second.jsonl", toJsonl(ofRun));
    await run("run", second, "--task", "classify", "--batch", "ran", "--tenant", "Globex & Söhne", "-o", join(fleet.dir, "out.jsonl"));

    const producer = await createProducer({ redisUrl: fleet.redis.url, task: "classify", batch: "produced" });
    for (const [i, { id, text }] of ofProducer.entries())
      await producer.add({ id, input: { text }, ...(i === 0 ? {} : { tenant: "initech" }) });
    for (const tenant of ["", "t".repeat(65)]) await expect(producer.add({ input: {}, tenant })).rejects.toThrow(UsageError);
    await producer.seal();
    await producer.stop();

    const queue = new Queue(taskQueue("classify"), { connection: { url: fleet.redis.url } });
    const payloads = ofPayload.map(({ text }, row) => ({
      batch: "sent",
      row,
      total: ofPayload.length,
      input: { text },
      tenant: "umbrella",
    }));
    await queue.addBulk(payloads.map((data) => ({ name: "row", data })));
    await queue.close();

    for (const batch of ["enqueued", "produced", "sent"]) await run("status", batch, "--follow");
    const { groups } = JSON.parse(await run("report", "--by", "batch,tenant", "--json")) as {
      readonly groups: readonly { readonly group: object; readonly jobs: number; readonly calls: number; readonly costNanoUsd: number }[];
    };
    const counts = groups.map(({ group, jobs, calls }) => ({ ...group, jobs, calls }));
    expect(counts).toHaveLength(5);
    expect(counts).toEqual(
      expect.arrayContaining([
        { batch: "enqueued", tenant: "acme", jobs: 3, calls: 3 },
        { batch: "ran", tenant: "Globex & Söhne", jobs: 2, calls: 2 },
        { batch: "produced", tenant: "initech", jobs: 3, calls: 3 },
        { batch: "produced", tenant: null, jobs: 1, calls: 1 },
        { batch: "sent", tenant: "umbrella", jobs: 3, calls: 3 },
      ]),
    );
    const results = (await run("export", "enqueued")).trimEnd().split("\n");
    expect(results.map((line) => (JSON.parse(line) as { tenant?: string }).tenant)).toEqual(["acme", "acme", "acme"]);

    const accounts = JSON.parse(await run("budgets", "--json")) as readonly { readonly value?: string; readonly spentNanoUsd: number }[];
    const costs = groups.flatMap(({ group, costNanoUsd }) =>
      "tenant" in group && group.tenant !== null ? [[group.tenant, costNanoUsd]] : [],
    );
    expect(Object.fromEntries(accounts.map(({ value, spentNanoUsd }) => [value, spentNanoUsd]))).toEqual(Object.fromEntries(costs));
  },
);
