// What is to come, soonest first: a binary heap. What comes at the same time comes in the order in which it was added.

export interface EventQueue<Event> {
  add(at: number, event: Event): void;
  /** When the next one is due; infinite where there is none. */
  nextAt(): number;
  take(): Event | undefined;
}

interface Entry<Event> {
  readonly at: number;
  readonly order: number;
  readonly event: Event;
}

export function createEventQueue<Event>(): EventQueue<Event> {
  const heap: Entry<Event>[] = [];
  let added = 0;
  const isBefore = (a: Entry<Event>, b: Entry<Event>) => a.at < b.at || (a.at === b.at && a.order < b.order);

  const sinkFrom = (start: number, entry: Entry<Event>) => {
    let at = start;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= heap.length) break;
      const child = left + 1 < heap.length && isBefore(heap[left + 1]!, heap[left]!) ? left + 1 : left;
      if (!isBefore(heap[child]!, entry)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = entry;
  };

  return {
    add(time, event) {
      const entry = { at: time, order: added++, event };
      let at = heap.length;
      heap.push(entry);
      while (at > 0) {
        const parent = (at - 1) >> 1;
        if (!isBefore(entry, heap[parent]!)) break;
        heap[at] = heap[parent]!;
        at = parent;
      }
      heap[at] = entry;
    },
    nextAt: () => heap[0]?.at ?? Number.POSITIVE_INFINITY,
    take() {
      const first = heap[0];
      const last = heap.pop();
      if (first && last && first !== last) sinkFrom(0, last);
      return first?.event;
    },
  };
}
