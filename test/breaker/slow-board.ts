// Boards for tests of several processes: answers take time, as those of a server do, or don't come at all.

import type { BreakerBoard } from "../../src/breaker/breaker-board.ts";
import type { Clock } from "../../src/runtime/clock.ts";

/** Each question is on its way for `nextMs()`, and so is each answer. */
export function slowBoard(board: BreakerBoard, { clock, nextMs }: { clock: Clock; nextMs: () => number }): BreakerBoard {
  const travel =
    <Args extends unknown[], Reply>(ask: (...args: Args) => Promise<Reply>) =>
    async (...args: Args): Promise<Reply> => {
      await clock.sleep(nextMs());
      const reply = await ask(...args);
      await clock.sleep(nextMs());
      return reply;
    };
  return {
    read: travel((...args) => board.read(...args)),
    count: travel((...args) => board.count(...args)),
    swap: travel((...args) => board.swap(...args)),
  };
}

/** A board that can be taken away: it then fails at once, as a connection does that doesn't wait. */
export function removableBoard(board: BreakerBoard): BreakerBoard & { isAway: boolean } {
  const removable = {
    isAway: false,
    read: (...args: Parameters<BreakerBoard["read"]>) => here(() => board.read(...args)),
    count: (...args: Parameters<BreakerBoard["count"]>) => here(() => board.count(...args)),
    swap: (...args: Parameters<BreakerBoard["swap"]>) => here(() => board.swap(...args)),
  };
  const here = async <Reply>(ask: () => Promise<Reply>): Promise<Reply> => {
    if (removable.isAway) throw new Error("the board is away");
    return ask();
  };
  return removable;
}
