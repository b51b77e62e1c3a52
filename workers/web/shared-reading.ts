// One reading for everybody who asks at the same time, with a limit to how long anybody waits: a page left open must not load Redis, nor pile
// up requests while it is away.

import { StoppedError } from "../../src/job/errors.ts";
import type { Clock } from "../../src/runtime/clock.ts";

/**
 * `maxAgeMs`: a reading this old is given again. The function returned rejects with StoppedError when `read` takes longer than `timeoutMs`; the
 * reading goes on for those who ask later.
 */
export function createSharedReading<Reading>(
  read: () => Promise<Reading>,
  { clock, maxAgeMs, timeoutMs }: { readonly clock: Clock; readonly maxAgeMs: number; readonly timeoutMs: number },
): () => Promise<Reading> {
  let last: { readonly at: number; readonly reading: Reading } | undefined;
  let current: Promise<Reading> | undefined;

  const start = async (): Promise<Reading> => {
    try {
      const reading = await read();
      last = { at: clock.now(), reading };
      return reading;
    } finally {
      current = undefined;
    }
  };

  return async () => {
    if (last && clock.now() - last.at < maxAgeMs) return last.reading;
    current ??= start();
    return within(current, timeoutMs, clock);
  };
}

/** @throws StoppedError when Redis has not answered in time. */
export async function within<Reply>(reply: Promise<Reply>, timeoutMs: number, clock: Clock): Promise<Reply> {
  const settled = new AbortController();
  const timeout = clock.sleep(timeoutMs, settled.signal).then(() => {
    if (!settled.signal.aborted)
      throw new StoppedError(`Redis has not answered within ${timeoutMs} ms`, "It may be away: this page goes on when it is back.");
    return reply;
  });
  try {
    return await Promise.race([reply, timeout]);
  } finally {
    settled.abort();
  }
}
