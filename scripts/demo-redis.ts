// A Redis for the demo that no other fleet uses: one of our own wherever that can be had. The server of REDIS_URL comes last, and only if that database is
// empty: on a Redis with a fleet at work, the demo would take that fleet's jobs.

import { StoppedError } from "../src/job/errors.ts";
import { readEnvironment } from "../src/runtime/environment.ts";
import { connectRedis, requireRedis } from "../queues/connection.ts";
import { chooseRedis } from "./ensure-redis.ts";
import { startRedisContainer } from "./redis-container.ts";
import { say } from "./terminal.ts";

export interface DemoRedis {
  /** Absent: the fleet starts its own server in its folder. */
  readonly url: string | undefined;
  stop(): Promise<void>;
}

/** @throws StoppedError when there is none that can be used, saying what to do. */
export async function findDemoRedis(): Promise<DemoRedis> {
  const way = await chooseRedis(["binary", "container", "url"]);
  switch (way) {
    case "binary":
      return { url: undefined, stop: async () => {} };
    case "container": {
      say("There is no redis-server on the PATH: starting Redis in Docker.\n");
      const container = await startRedisContainer();
      return { url: container.url, stop: () => container.stop() };
    }
    case "url":
      return borrowEmptyDatabase(readEnvironment().redisUrl ?? "");
    default:
      return way satisfies never;
  }
}

async function borrowEmptyDatabase(url: string): Promise<DemoRedis> {
  await requireRedis(url);
  const redis = connectRedis(url, { role: "client", name: "demo-redis" });
  if ((await redis.dbsize()) > 0) {
    redis.disconnect();
    throw new StoppedError(
      "the demo needs a Redis of its own, and the one of REDIS_URL holds data",
      "Install redis-server, start Docker, or name an empty database, such as REDIS_URL=redis://127.0.0.1:6379/9.",
    );
  }
  return {
    url,
    async stop() {
      // It was empty, and only what is named like ours is taken away again.
      for (const match of ["modelfleet:*", "bull:*"]) {
        for await (const keys of redis.scanStream({ match, count: 1_000 }) as AsyncIterable<string[]>)
          if (keys.length > 0) await redis.unlink(...keys);
      }
      redis.disconnect();
    },
  };
}
