// A process's copies of the fleet's breakers, by provider and field, and the one way to change a breaker: through the board's swap, so of two
// processes with the same idea one wins and the other takes over its result.

import type { Clock } from "../runtime/clock.ts";
import type { BoardCopy, BreakerBoard } from "./breaker-board.ts";
import type { StoredBreaker } from "./breaker-machine.ts";

type Change = (stored: StoredBreaker | undefined) => StoredBreaker | undefined | "leave";

export interface BreakerCopies {
  /** The board's time, as far as we know. */
  now(): number;
  get(provider: string, field: string): StoredBreaker | undefined;
  all(): Iterable<{ readonly provider: string; readonly field: string; readonly stored: StoredBreaker }>;
  /** Replaces the provider's copies by what the board has just answered. */
  take(provider: string, copy: BoardCopy): void;
  /** Reads the provider's breakers anew. */
  refresh(provider: string): Promise<void>;
  /** Applies `change` to a breaker, again if another process was faster. Answers whether `change` had its way (it may decline with "leave"). */
  update(provider: string, field: string, change: Change): Promise<boolean>;
}

/** `onNotClosed` is told of each breaker that is not closed, whenever it is seen so. */
export function createBreakerCopies(options: {
  board: BreakerBoard;
  clock: Clock;
  onNotClosed: (provider: string, field: string) => void;
}): BreakerCopies {
  const { board, clock, onNotClosed } = options;
  /** Texts as the board keeps them; a closed breaker has none. */
  const texts = new Map<string, Map<string, string>>();
  /** The board's time minus ours. */
  let aheadMs = 0;

  const keep = (provider: string, field: string, text: string | undefined) => {
    const own = texts.get(provider) ?? new Map<string, string>();
    texts.set(provider, own);
    if (text === undefined) own.delete(field);
    else {
      own.set(field, text);
      onNotClosed(provider, field);
    }
  };

  const take = (provider: string, { now, states }: BoardCopy) => {
    aheadMs = now - clock.now();
    texts.delete(provider);
    for (const [field, text] of states) keep(provider, field, text);
  };

  return {
    now: () => clock.now() + aheadMs,
    get: (provider, field) => parse(texts.get(provider)?.get(field)),
    *all() {
      for (const [provider, own] of texts) {
        for (const [field, text] of own) yield { provider, field, stored: parse(text) as StoredBreaker };
      }
    },
    take,
    async refresh(provider) {
      take(provider, await board.read(provider));
    },
    async update(provider, field, change) {
      for (;;) {
        const expected = texts.get(provider)?.get(field);
        const next = change(parse(expected));
        if (next === "leave") return false;
        const text = next && JSON.stringify(next);
        if (text === expected) return true;
        const actual = await board.swap(provider, field, expected, text);
        keep(provider, field, actual);
        if (actual === text) return true;
      }
    },
  };
}

function parse(text: string | undefined): StoredBreaker | undefined {
  return text === undefined ? undefined : (JSON.parse(text) as StoredBreaker);
}
