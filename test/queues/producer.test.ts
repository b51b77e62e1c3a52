// What a script gives a producer may come from JavaScript, unchecked: a row that can't be one is told to the script, before it holds up the fleet.

import { Queue } from "bullmq";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createProducer, type Producer } from "../../queues/producer.ts";
import type { RowFields } from "../../queues/row-writer.ts";
import { UsageError } from "../../src/job/errors.ts";
import { taskQueue } from "../../src/runtime/keys.ts";
import { startTestRedis, type TestRedis } from "../support/redis.ts";

let server: TestRedis;
let producer: Producer;

beforeAll(async () => {
  server = await startTestRedis();
});
afterAll(() => server.stop());
beforeEach(async () => {
  await server.client().flushall();
  producer = await createProducer({ redisUrl: server.url, task: "ask", batch: "b" });
});
afterEach(() => producer.stop());

const add = (row: unknown) => producer.add(row as RowFields);

describe("a producer", () => {
  it.each([
    ["tags.customer", { tags: { customer: 42 } }],
    ["tags.customer", { tags: { customer: null } }],
    ["tags", { tags: null }],
    ["tags", { tags: "team=red" }],
    ["tenant", { tenant: null }],
    ["tenant", { tenant: "" }],
    ["tenant", { tenant: "t".repeat(65) }],
    ["id", { id: 42 }],
    ["line", { line: 0 }],
    ["deadline", { deadline: "tomorrow" }],
    ["dataClass", { dataClass: 1 }],
    ["allow", { allow: "acme/small" }],
    ["deny.0", { deny: ["small"] }],
    ["input", { input: ["text"] }],
    ["body", { body: "text" }],
    ["bytes", { bytes: Number.NaN }],
  ])("rejects a row with a bad %s by its name, and takes no number for it: %j", async (field, fields) => {
    await expect(add({ input: { text: "a" }, ...fields })).rejects.toThrow(
      expect.objectContaining({ name: "UsageError", message: expect.stringContaining(`${field}: `) }),
    );
    await producer.add({ input: { text: "b" } });
    expect(await producer.seal()).toBe(1);
  });

  it("rejects what is no row, or holds no input", async () => {
    for (const row of [undefined, null, "text", [], {}, { body: {} }]) await expect(add(row)).rejects.toThrow(UsageError);
  });

  it("gives on every field of a row that is one", async () => {
    const row: RowFields = {
      input: { text: "a" },
      body: { messages: [] },
      id: "r-1",
      line: 3,
      tags: { team: "red", "": "" },
      deadline: 2e12,
      tenant: "a\ud800b",
      dataClass: "internal",
      allow: ["acme/small"],
      deny: [],
      trial: "checked",
    };
    await producer.add({ ...row, bytes: 10 });
    await add({ input: {}, tags: undefined, tenant: undefined });
    await producer.seal();
    const queue = new Queue(taskQueue("ask"), { connection: { url: server.url } });
    const data = (await queue.getJobs(["waiting", "prioritized"], 0, -1, true)).map((job) => job.data as unknown);
    await queue.close();
    expect(data).toEqual([
      { v: 1, batch: "b", row: 0, ...row, fleet: {} },
      { v: 1, batch: "b", row: 1, input: {}, fleet: {} },
    ]);
  });
});
