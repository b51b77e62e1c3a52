// A Redis for the demo and the tests on whatever machine this is. In this order: REDIS_URL · redis-server or valkey-server on the PATH ·
// a Docker engine · apt-get as root, announced · one clear message. `node scripts/ensure-redis.ts` says which way it went.

import { pathToFileURL } from "node:url";
import { StoppedError, UsageError } from "../src/job/errors.ts";
import { readEnvironment } from "../src/runtime/environment.ts";
import { NO_REDIS, NO_REDIS_HINT } from "../queues/embedded-redis.ts";
import { findRedisBinary } from "../queues/redis-binary.ts";
import { canInstallRedis, installRedis } from "./install-redis.ts";
import { hasDockerEngine, startRedisContainer } from "./redis-container.ts";

/** `url`: the server that REDIS_URL names · `binary`: the fleet starts its own · `container`: one in Docker. */
export type RedisWay = "url" | "binary" | "container";

export interface EnsuredRedis {
  readonly kind: RedisWay;
  /** Absent for `binary`: the fleet starts its own server, in its own folder. */
  readonly url?: string;
  stop(): Promise<void>;
}

/**
 * Finds or makes a Redis. `stop()` ends what was started for it.
 * @throws StoppedError when there is no way, saying what to do.
 */
export async function ensureRedis(): Promise<EnsuredRedis> {
  const kind = await chooseRedis(["url", "binary", "container"]);
  const { redisUrl } = readEnvironment();
  switch (kind) {
    case "url":
      return { kind, ...(redisUrl === undefined ? {} : { url: redisUrl }), stop: async () => {} };
    case "binary":
      return { kind, stop: async () => {} };
    case "container": {
      console.error("No redis-server on the PATH: starting one in Docker (redis:8-alpine).");
      const container = await startRedisContainer();
      return { kind, url: container.url, stop: () => container.stop() };
    }
    default:
      return kind satisfies never;
  }
}

/**
 * The first way that is open, in the given order; installs the server's program when none is and that is possible.
 * MODELFLEET_TEST_REDIS=binary|container leaves no choice.
 */
export async function chooseRedis(order: readonly RedisWay[]): Promise<RedisWay> {
  const environment = readEnvironment();
  const isOpen: Record<RedisWay, () => boolean | Promise<boolean>> = {
    url: () => environment.redisUrl !== undefined,
    binary: async () => (await findRedisBinary()) !== undefined,
    container: hasDockerEngine,
  };
  const forced = environment.variable("MODELFLEET_TEST_REDIS");
  if (forced !== undefined && forced !== "binary" && forced !== "container") {
    throw new UsageError(`MODELFLEET_TEST_REDIS is "${forced}"`, "Set it to binary or container, or not at all.");
  }
  const ways: readonly RedisWay[] = forced === undefined ? order : [forced];
  for (const way of ways) if (await isOpen[way]()) return way;
  if (forced === "container")
    throw new StoppedError("MODELFLEET_TEST_REDIS asks for a container, and no Docker engine can be reached", "Start Docker.");
  if (await canInstallRedis()) {
    await installRedis();
    if (await findRedisBinary()) return "binary";
  }
  throw new StoppedError(`${NO_REDIS}; no Docker engine can be reached, and there is no apt-get that this user may run`, NO_REDIS_HINT);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const way = await chooseRedis(["url", "binary", "container"]).catch((error: unknown) => {
    if (!(error instanceof StoppedError || error instanceof UsageError)) throw error;
    console.error(`${error.message}.\n${error.hint ?? ""}`);
    process.exit(error instanceof UsageError ? 2 : 1);
  });
  console.error(
    { url: "Redis: the server of REDIS_URL.", binary: "Redis: our own server, from the PATH.", container: "Redis: a Docker container." }[
      way
    ],
  );
}
