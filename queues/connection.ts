// Connections to Redis: how each kind of process waits for it, and one check before anything starts.

import { Redis } from "ioredis";
import { StoppedError, UsageError } from "../src/job/errors.ts";
import type { Logger } from "../src/runtime/logger.ts";

/** Names of our connections begin with this, and end with the process id: see {@link clientName}. */
export const CLIENT_PREFIX = "modelfleet";
const CONNECT_TIMEOUT_MS = 5_000;
const LONGEST_RECONNECT_MS = 1_000;
const OLDEST_VERSION = [6, 2] as const;

/** A connection, for those who only pass it on. */
export type RedisConnection = Redis;

export interface ConnectOptions {
  /**
   * `worker`: commands wait for Redis as long as it takes and go on when it is back.
   * `client` (producers, commands): commands fail after two attempts to reach it.
   */
  readonly role: "worker" | "client";
  /** What the connection is for, shown in `CLIENT LIST`. */
  readonly name: string;
  readonly log?: Logger;
}

/** Opens a connection. An outage is logged once, and its end. Close it with `quit()` or `disconnect()`. */
export function connectRedis(url: string, { role, name, log }: ConnectOptions): Redis {
  const shownUrl = maskRedisUrl(url);
  const redis = new Redis(url, {
    connectionName: clientName(name),
    connectTimeout: CONNECT_TIMEOUT_MS,
    maxRetriesPerRequest: role === "worker" ? null : 1,
    retryStrategy: (attempt) => Math.min(LONGEST_RECONNECT_MS, 50 * 2 ** Math.min(attempt, 10)),
  });
  let isAway = false;
  let reason = "the connection was lost";
  // The message alone: the error's other fields may hold the command with its password.
  redis.on("error", (error: Error) => (reason = reasonOf(error)));
  redis.on("reconnecting", () => {
    if (!isAway) log?.warn({ redis: shownUrl, reason }, "Redis is away");
    isAway = true;
  });
  redis.on("ready", () => {
    if (isAway) log?.info({ redis: shownUrl }, "Redis is back");
    isAway = false;
    reason = "the connection was lost";
  });
  return redis;
}

/** The name of one of our connections: prefix, purpose, process. */
export function clientName(name: string): string {
  return `${CLIENT_PREFIX}:${name.replaceAll(/[^\w.-]/g, "_")}:${process.pid}`;
}

/** The URL as it may be printed. */
export function maskRedisUrl(url: string): string {
  const parsed = parseRedisUrl(url);
  if (parsed.password) parsed.password = "***";
  return parsed.href;
}

export interface RedisCheck {
  readonly version: string;
  /** What is unsafe about the server's settings, each a sentence. */
  readonly warnings: readonly string[];
}

/**
 * Checks that Redis can be reached and is new enough. Waits while the server is loading its data.
 * @throws StoppedError when it can't be used, saying why and what to do; UsageError when the URL is none.
 */
export async function requireRedis(url: string): Promise<RedisCheck> {
  const shownUrl = maskRedisUrl(url);
  const redis = new Redis(url, {
    connectionName: clientName("check"),
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    disconnectTimeout: 100, // where no connection came about, its timer would hold the process up for two seconds
  });
  let failure: Error | undefined;
  redis.on("error", (error: Error) => (failure ??= error));
  try {
    await redis.connect();
    return readInfo(await redis.info(), shownUrl);
  } catch (error) {
    if (error instanceof StoppedError) throw error;
    // ioredis rejects with "Connection is closed"; the reason came as an event.
    const reason = failure ?? (error as Error);
    throw new StoppedError(`No Redis at ${shownUrl}: ${reasonOf(reason)}`, hintFor(reason));
  } finally {
    redis.disconnect();
  }
}

/** Settings as INFO tells them, for CONFIG is forbidden on hosted servers. */
function readInfo(info: string, shownUrl: string): RedisCheck {
  const field = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(info)?.[1];
  const version = field("redis_version") ?? "0";
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major < OLDEST_VERSION[0] || (major === OLDEST_VERSION[0] && minor < OLDEST_VERSION[1])) {
    throw new StoppedError(
      `Redis at ${shownUrl} is version ${version}; modelfleet needs ${OLDEST_VERSION.join(".")} or later`,
      "Upgrade the server.",
    );
  }
  const policy = field("maxmemory_policy");
  const warnings: string[] = [];
  if (policy !== undefined && policy !== "noeviction") {
    warnings.push(`Redis at ${shownUrl} has maxmemory-policy ${policy}: it may throw queued jobs away. Set it to noeviction.`);
  }
  if (field("aof_enabled") === "0") {
    warnings.push(
      `Redis at ${shownUrl} has its append-only file off: a restart loses what was queued since the last snapshot. Set appendonly yes.`,
    );
  }
  return { version, warnings };
}

function parseRedisUrl(url: string): URL {
  if (/^rediss?:\/\//.test(url) && URL.canParse(url)) return new URL(url);
  throw new UsageError("The address of Redis is not a redis:// or rediss:// URL", "Write it like redis://user:password@host:6379/0.");
}

function reasonOf(error: Error): string {
  // Where a name has several addresses, Node puts one error per address into an empty one.
  if (error instanceof AggregateError && !error.message) return error.errors.map((each: Error) => each.message).join(", ");
  return error.message;
}

function hintFor(error: Error): string {
  return /NOAUTH|WRONGPASS|NOPERM|AUTH/i.test(error.message)
    ? "Put the right user and password into REDIS_URL: redis://user:password@host:6379."
    : "Start it, or set REDIS_URL to one that runs.";
}
