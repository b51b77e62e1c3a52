// Many commands in one go, whole. ioredis sends commands again that a lost connection left without a reply, but not a pipeline of which some replies had come: it can't
// know what sending it twice would do. Who makes it knows.

import type { ChainableCommander, Redis } from "ioredis";

/**
 * Sends what `fill` puts into a pipeline, once more where the connection was lost in the middle of its replies: commands must bear being repeated.
 * Answers with the replies, in order.
 * @throws the first error among them.
 */
export function sendPipeline(redis: Redis, fill: (pipeline: ChainableCommander) => void): Promise<readonly unknown[]> {
  return repeatWhenCutOff(async () => {
    const pipeline = redis.pipeline();
    fill(pipeline);
    const replies = (await pipeline.exec()) ?? [];
    return replies.map(([error, reply]) => {
      if (error) throw error;
      return reply;
    });
  });
}

/** Does again what a lost connection cut off between two replies. While Redis is away the repetition waits, or fails, as the connection does (see `connectRedis`). */
export async function repeatWhenCutOff<Reply>(send: () => Promise<Reply>): Promise<Reply> {
  for (;;) {
    try {
      return await send();
    } catch (error) {
      if (!isCutOff(error)) throw error;
    }
  }
}

/** Whether the connection was lost between two replies of a pipeline. */
export function isCutOff(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError" && CUT_OFF_WORDS.test(error.message);
}

/** ioredis 6, `abortIncompletePipelines`. */
const CUT_OFF_WORDS = /^Command aborted due to connection close/;
