// Micro-batching: calls made within one turn of the event loop become one.

/**
 * Turns `run` over many items into a function over one. Items that arrive in the same turn, or while `maxInFlight` runs are out,
 * go together (at most `maxItems` at a time), in order. `run` must answer with one reply per item, in order; when it throws, each of its items is rejected with that error.
 */
export function coalesce<Item, Reply>(
  run: (items: readonly Item[]) => Promise<readonly Reply[]>,
  options: { maxItems: number; maxInFlight?: number },
): (item: Item) => Promise<Reply> {
  interface Waiting {
    item: Item;
    resolve: (reply: Reply) => void;
    reject: (error: unknown) => void;
  }
  const maxInFlight = options.maxInFlight ?? 4;
  let waiting: Waiting[] = [];
  let inFlight = 0;
  let scheduled = false;

  const schedule = () => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      while (waiting.length > 0 && inFlight < maxInFlight) void flush(waiting.splice(0, options.maxItems));
    });
  };

  const flush = async (entries: Waiting[]) => {
    inFlight++;
    try {
      const replies = await run(entries.map((entry) => entry.item));
      entries.forEach((entry, i) => entry.resolve(replies[i] as Reply));
    } catch (error) {
      for (const entry of entries) entry.reject(error);
    } finally {
      inFlight--;
      if (waiting.length > 0) schedule();
    }
  };

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      schedule();
    });
}
