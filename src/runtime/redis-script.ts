// Lua scripts as values: sent by digest, and whole when the server doesn't know them yet.

import { createHash } from "node:crypto";
import type { Redis } from "ioredis";

export interface RedisScript {
  readonly lua: string;
  readonly sha: string;
}

export function redisScript(lua: string): RedisScript {
  return { lua, sha: createHash("sha1").update(lua).digest("hex") };
}

/** Runs a script; all keys lie in one slot. */
export async function runScript<Reply>(
  redis: Redis,
  script: RedisScript,
  keys: readonly string[],
  args: readonly (string | number)[],
): Promise<Reply> {
  try {
    return (await redis.evalsha(script.sha, keys.length, ...keys, ...args)) as Reply;
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith("NOSCRIPT")) throw withoutSource(error, script);
    return await redis.eval(script.lua, keys.length, ...keys, ...args).then(
      (reply) => reply as Reply,
      (failure: unknown) => Promise.reject(withoutSource(failure, script)),
    );
  }
}

/** Whoever prints the error prints the command with it: by its digest, and not the script's source, nor what it was given. */
function withoutSource(error: unknown, { sha }: RedisScript): unknown {
  return error instanceof Error && "command" in error ? Object.assign(error, { command: { name: "evalsha", args: [sha] } }) : error;
}

/** Redis' own clock, unix milliseconds: the one that all machines share. */
export async function serverTimeMs(redis: Redis): Promise<number> {
  const [seconds, microseconds] = await redis.time();
  return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000);
}
