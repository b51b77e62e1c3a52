import type { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { connectRedis } from "../../queues/connection.ts";
import { freePort } from "../../queues/embedded-redis.ts";
import { isRedisFailure } from "../../queues/redis-failure.ts";
import { redisScript, runScript } from "../../src/runtime/redis-script.ts";
import { NOT_OURS, startTestRedis, type TestRedis } from "../support/redis.ts";

let server: TestRedis;
let redis: Redis;

beforeAll(async () => {
  server = await startTestRedis();
  redis = server.client();
});
afterAll(() => server.stop());
afterEach(async () => {
  if (!server.isOurs) return;
  await redis.config("SET", "maxmemory", "0");
  await redis.config("SET", "replica-serve-stale-data", "yes");
  await redis.replicaof("NO", "ONE");
});

const whyRefused = (command: Promise<unknown>) => command.then(() => undefined).catch((error: unknown) => error);
const write = redisScript("return redis.call('SET', KEYS[1], ARGV[1])");
const read = redisScript("return redis.call('GET', KEYS[1])");
const WAYS = {
  "a command": { writing: () => whyRefused(redis.set("key", "value")), reading: () => whyRefused(redis.get("key")) },
  "a script": {
    writing: () => whyRefused(runScript(redis, write, ["key"], ["value"])),
    reading: () => whyRefused(runScript(redis, read, ["key"], [])),
  },
};

describe.each(Object.entries(WAYS))(
  "%s is refused by a server that may take it later, and that is no fault of ours:",
  (_, { writing, reading }) => {
    const becomeReplica = async () => redis.replicaof("127.0.0.1", await freePort());

    it("one that is full", async ({ skip }) => {
      if (!server.isOurs) skip(NOT_OURS);
      await redis.config("SET", "maxmemory", "1");
      const error = await writing();
      expect(String(error)).toContain("OOM");
      expect(isRedisFailure(error)).toBe(true);
    });

    it("one that has become a replica", async ({ skip }) => {
      if (!server.isOurs) skip(NOT_OURS);
      await becomeReplica();
      const error = await writing();
      expect(String(error)).toContain("READONLY");
      expect(isRedisFailure(error)).toBe(true);
    });

    it("a replica that has lost its master", async ({ skip }) => {
      if (!server.isOurs) skip(NOT_OURS);
      await redis.config("SET", "replica-serve-stale-data", "no");
      await becomeReplica();
      const error = await reading();
      expect(String(error)).toContain("MASTERDOWN");
      expect(isRedisFailure(error)).toBe(true);
    });
  },
);

it("a connection that is lost, or never came about, is no fault of ours", async () => {
  const closed = server.client();
  await closed.quit();
  const afterQuit = await whyRefused(closed.get("key"));
  const nobody = connectRedis(`redis://127.0.0.1:${await freePort()}`, { role: "client", name: "test" });
  const refused = new Promise((met) => nobody.once("error", met));
  const givenUp = await whyRefused(nobody.get("key"));
  nobody.disconnect();
  for (const error of [afterQuit, await refused, givenUp]) {
    expect(error).toBeInstanceOf(Error);
    expect(isRedisFailure(error), String(error)).toBe(true);
  }
});

it.each([
  // Until Redis 7, what a script met stood behind the general code.
  "ERR Error running script (call to f_9b): @user_script:1: @user_script: 1: -OOM command not allowed when used memory > 'maxmemory'.",
  "ERR max number of clients reached",
  "ERR max daily request limit exceeded. Limit: 10000, Usage: 10000.",
  "LOADING Redis is loading the dataset in memory",
  "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
  "NOAUTH Authentication required.",
])("nor is “%s”", (message) => {
  expect(isRedisFailure(replyError(message))).toBe(true);
});

it("a command that no server would take is a fault of ours, and so is all that Redis has nothing to do with", async () => {
  await redis.lpush("list", "item");
  const wrongType = await whyRefused(redis.get("list"));
  const faultyScript = await whyRefused(runScript(redis, redisScript("return nothing.there"), [], []));
  const unknown = await whyRefused(redis.call("NOSUCHCOMMAND"));
  for (const error of [wrongType, faultyScript, unknown, new TypeError("x is undefined"), new Error("a limit"), "thrown"]) {
    expect(error).toBeDefined();
    expect(isRedisFailure(error), String(error)).toBe(false);
  }
});

function replyError(message: string): Error {
  return Object.assign(new Error(message), { name: "ReplyError" });
}
