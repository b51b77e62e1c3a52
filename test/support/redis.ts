// A Redis of a test's own: its own port, its own folder, killed and restarted at will.

import { spawn, type ChildProcess } from "node:child_process";
import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { freePort } from "../../queues/embedded-redis.ts";
import { findRedisBinary, redisServerArguments } from "../../queues/redis-binary.ts";
import { chooseRedis, type RedisWay } from "../../scripts/ensure-redis.ts";
import { startRedisContainer } from "../../scripts/redis-container.ts";
import { readEnvironment } from "../../src/runtime/environment.ts";

/** Only where nothing of our own can be started do the tests use the server of REDIS_URL. */
export const TEST_ORDER: readonly RedisWay[] = ["binary", "container", "url"];

export interface TestRedis {
  readonly url: string;
  /** False for the server of REDIS_URL: it is not ours to kill or empty. Skip with {@link NOT_OURS} then. */
  readonly isOurs: boolean;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** The same port, with its append-only file. Returns when it answers. */
  restart(): Promise<void>;
  stop(): Promise<void>;
  /** A connection that waits for the server however long it takes; `stop()` closes it. */
  client(): Redis;
}

export const NOT_OURS = "needs a Redis that it may kill: neither redis-server nor Docker is here, and REDIS_URL is not ours";

export async function startTestRedis(): Promise<TestRedis> {
  const server = await startServer(await chooseRedis(TEST_ORDER));
  const clients: Redis[] = [];
  const client = () => {
    const redis = new Redis(server.url, { maxRetriesPerRequest: null, retryStrategy: () => 50 });
    redis.on("error", () => undefined);
    clients.push(redis);
    return redis;
  };
  await answering(server.url);
  return {
    url: server.url,
    isOurs: server.isOurs,
    client,
    kill: () => server.kill(),
    async restart() {
      await server.restart();
      await answering(server.url);
    },
    async stop() {
      for (const redis of clients) redis.disconnect();
      await server.stop();
    },
  };
}

type TestServer = Pick<TestRedis, "url" | "isOurs" | "kill" | "restart" | "stop">;

async function startServer(way: RedisWay): Promise<TestServer> {
  switch (way) {
    case "binary":
      return startBinary();
    case "container":
      return { isOurs: true, ...(await startRedisContainer({ hostPort: await freePort() })) };
    case "url": {
      const refuse = () => Promise.reject(new Error(NOT_OURS));
      return { url: readEnvironment().redisUrl ?? "", isOurs: false, kill: refuse, restart: refuse, stop: async () => {} };
    }
    default:
      return way satisfies never;
  }
}

async function startBinary(): Promise<TestServer> {
  const binary = await findRedisBinary();
  if (!binary) throw new Error("chosen, but not on the PATH: redis-server");
  const dir = await mkdtemp(join(tmpdir(), "modelfleet-redis-"));
  const port = await freePort();
  let child: ChildProcess | undefined;
  const start = () => {
    child = spawn(binary, redisServerArguments({ port, dir }), { stdio: "ignore" });
  };
  const kill = async () => {
    const ended = child;
    child = undefined;
    if (!ended || ended.exitCode !== null || ended.signalCode !== null) return;
    const exit = new Promise((resolve) => ended.once("exit", resolve));
    ended.kill("SIGKILL");
    await exit;
  };
  // A test run that is broken off must not leave its server behind.
  const killNow = () => {
    child?.kill("SIGKILL");
    rmSync(dir, { recursive: true, force: true });
  };
  process.once("exit", killNow);
  start();
  return {
    url: `redis://127.0.0.1:${port}`,
    isOurs: true,
    kill,
    restart: async () => {
      await kill();
      start();
    },
    async stop() {
      await kill();
      process.off("exit", killNow);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Returns when the server answers and has loaded its data. */
async function answering(url: string): Promise<void> {
  const redis = new Redis(url, { maxRetriesPerRequest: null, retryStrategy: () => 25 });
  redis.on("error", () => undefined);
  try {
    await redis.ping();
  } finally {
    redis.disconnect();
  }
}
