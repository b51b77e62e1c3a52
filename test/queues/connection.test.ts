import type { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { clientName, connectRedis, maskRedisUrl, requireRedis } from "../../queues/connection.ts";
import { freePort } from "../../queues/embedded-redis.ts";
import type { Logger } from "../../src/runtime/logger.ts";
import { NOT_OURS, startTestRedis, type TestRedis } from "../support/redis.ts";

let server: TestRedis;
beforeAll(async () => {
  server = await startTestRedis();
});
afterAll(() => server.stop());

function recordingLog() {
  const lines: string[] = [];
  const write = (fields: object, text: string) => lines.push(`${text} ${JSON.stringify(fields)}`);
  return { lines, log: { warn: write, info: write } as unknown as Logger };
}

/** A URL of the server with this user and password. */
function withCredentials(password: string): string {
  const url = new URL(server.url);
  url.password = password;
  return url.href;
}

describe("requireRedis", () => {
  it("accepts a durable server that never evicts", async ({ skip }) => {
    if (!server.isOurs) skip(NOT_OURS);
    expect(await requireRedis(server.url)).toMatchObject({ warnings: [], version: expect.stringMatching(/^\d+\.\d+/) });
  });

  it("warns of a server that may evict or that forgets on restart", async ({ skip }) => {
    if (!server.isOurs) skip(NOT_OURS);
    const lax = await startTestRedis();
    const redis = lax.client();
    await redis.config("SET", "maxmemory-policy", "allkeys-lru");
    await redis.config("SET", "appendonly", "no");
    const { warnings } = await requireRedis(lax.url);
    expect(warnings).toEqual([expect.stringContaining("allkeys-lru"), expect.stringContaining("appendonly yes")]);
    await lax.stop();
  });

  it("says in one message that there is no Redis, and what to do", async () => {
    const port = await freePort();
    await expect(requireRedis(`redis://:secret@127.0.0.1:${port}`)).rejects.toMatchObject({
      name: "StoppedError",
      message: expect.stringMatching(new RegExp(`^No Redis at redis://:\\*\\*\\*@127.0.0.1:${port}: .*ECONNREFUSED`)),
      hint: expect.stringContaining("REDIS_URL"),
    });
  });

  it("says that the password is missing or wrong, without showing it", async ({ skip }) => {
    if (!server.isOurs) skip(NOT_OURS);
    const redis = server.client();
    await redis.config("SET", "requirepass", "right");
    try {
      for (const url of [server.url, withCredentials("wrong-one")]) {
        const error = await requireRedis(url).catch((error: unknown) => error);
        expect(error).toMatchObject({ name: "StoppedError", hint: expect.stringContaining("password") });
        expect(String(error)).not.toContain("wrong-one");
      }
      expect(await requireRedis(withCredentials("right"))).toMatchObject({ version: expect.any(String) });
    } finally {
      await redis.config("SET", "requirepass", "");
    }
  });

  it("refuses an address that is none", async () => {
    await expect(requireRedis("localhost:6379")).rejects.toMatchObject({ name: "UsageError", hint: expect.stringContaining("redis://") });
  });
});

describe("connectRedis", () => {
  const open: Redis[] = [];
  afterAll(() => {
    for (const redis of open) redis.disconnect();
  });

  it("names its connections after the fleet, the purpose and the process", async () => {
    const redis = connectRedis(server.url, { role: "client", name: "pool openai" });
    open.push(redis);
    expect(await redis.client("GETNAME")).toBe(`modelfleet:pool_openai:${process.pid}`);
    expect(clientName("x")).toBe(`modelfleet:x:${process.pid}`);
  });

  it("waits for Redis in a worker and goes on, saying once that it is away and once that it is back", async ({ skip }) => {
    if (!server.isOurs) skip(NOT_OURS);
    const { log, lines } = recordingLog();
    const redis = connectRedis(server.url, { role: "worker", name: "test", log });
    open.push(redis);
    await redis.set("kept", "yes");
    await server.kill();
    await vi.waitFor(() => expect(redis.status).toBe("reconnecting"));
    const answer = redis.get("kept");
    await server.restart();
    expect(await answer).toBe("yes");
    await vi.waitFor(() => expect(lines.at(-1)).toContain("Redis is back"));
    expect(lines.filter((line) => line.startsWith("Redis is away")).length).toBe(1);
  });

  it("fails fast in a command", async () => {
    const redis = connectRedis(`redis://127.0.0.1:${await freePort()}`, { role: "client", name: "test" });
    open.push(redis);
    await expect(redis.ping()).rejects.toThrow(/max retries/);
  });
});

describe("maskRedisUrl", () => {
  it("shows everything but the password", () => {
    expect(maskRedisUrl("rediss://me:secret@host:6380/2")).toBe("rediss://me:***@host:6380/2");
    expect(maskRedisUrl("redis://host:6379")).toBe("redis://host:6379");
  });
});
