// Live statistics of the models, task by task, shared by the fleet: pools add the calls they made, routers read what all of them saw.
//
// Each second what is new goes to the fleet's books, one per provider. They are read every two seconds while somebody asks, in between the last reading
// counts. While a book is away, calls are kept for later, and the last reading stands.

import { splitModelId, type ModelId } from "../job/names.ts";
import type { Clock } from "../runtime/clock.ts";
import { addCalls, sumsOf, toStats, type CallSeen, type CallSums } from "./call-sums.ts";
import { NO_STATS, type ModelStats } from "./model-stats.ts";
import { statsSubject, type StatsBook, type StatsSubject } from "./stats-book.ts";

export interface CallStats {
  /** Never throws; of tasks and models that it wasn't made for, nothing is kept. */
  add(task: string, model: ModelId, call: CallSeen): void;
  /** As last read, without waiting. */
  of(task: string, model: ModelId): ModelStats;
  /** Reads the books now, for those who ask only once. Rejects when one can't be read. */
  read(): Promise<void>;
  /** Hands in what is new, unless the books are away. Idempotent. */
  stop(): Promise<void>;
}

const HAND_IN_MS = 1_000;
const READ_MS = 2_000;
/** Nobody has asked for so long: no more reading. */
const INTEREST_MS = 10_000;
const STOP_PATIENCE_MS = 1_000;

/** `books`: by provider. `tasks` and `models`: all there are to know about. */
export function createCallStats({
  books,
  tasks,
  models,
  clock,
}: {
  readonly books: ReadonlyMap<string, StatsBook>;
  readonly tasks: Iterable<string>;
  readonly models: Iterable<ModelId>;
  readonly clock: Clock;
}): CallStats {
  const allModels = [...models];
  const known = new Map(Array.from(tasks, (task) => [task, new Map(allModels.map((model) => [model, NO_STATS]))]));
  let unshared = new Map<StatsSubject, CallSums>();
  let wantedAt = 0;
  const stopping = new AbortController();
  let handingIn: Promise<void> | undefined;
  let following: Promise<void> | undefined;

  const readBook = async (book: StatsBook) => {
    for (const [subject, sums] of await book.read()) {
      const bar = subject.indexOf("|");
      const ofTask = known.get(subject.slice(0, bar));
      const model = subject.slice(bar + 1) as ModelId;
      if (ofTask?.has(model)) ofTask.set(model, toStats(sums));
    }
  };

  const follow = async () => {
    while (!stopping.signal.aborted && clock.now() - wantedAt < INTEREST_MS) {
      await Promise.all(Array.from(books.values(), (book) => readBook(book).catch(() => undefined)));
      await clock.sleep(READ_MS, stopping.signal);
    }
    following = undefined;
  };

  const handIn = async () => {
    const calls = unshared;
    unshared = new Map();
    await Promise.all(
      Array.from(byProvider(calls), async ([provider, ofProvider]) => {
        try {
          await books.get(provider)?.add(ofProvider);
        } catch {
          // Kept for the next time. If the book got them all the same, they count twice, which does no harm.
          for (const [subject, sums] of ofProvider) keep(subject, sums);
        }
      }),
    );
  };

  const keep = (subject: StatsSubject, sums: CallSums) => {
    const before = unshared.get(subject);
    unshared.set(subject, before ? addCalls(before, sums) : sums);
  };

  const share = async () => {
    while (unshared.size > 0 && !stopping.signal.aborted) {
      await clock.sleep(HAND_IN_MS, stopping.signal);
      await handIn();
    }
    handingIn = undefined;
  };

  let stopped: Promise<void> | undefined;
  const end = async () => {
    stopping.abort();
    const patience = new AbortController();
    const rest = Promise.all([handingIn, following]).then(() => (unshared.size > 0 ? handIn() : undefined));
    await Promise.race([rest, clock.sleep(STOP_PATIENCE_MS, patience.signal)]);
    patience.abort();
  };

  return {
    add(task, model, call) {
      if (stopping.signal.aborted || !known.get(task)?.has(model)) return;
      const sums = sumsOf(call);
      if (!sums) return;
      keep(statsSubject(task, model), sums);
      handingIn ??= share();
    },
    of(task, model) {
      wantedAt = clock.now();
      following ??= stopping.signal.aborted ? undefined : follow();
      return known.get(task)?.get(model) ?? NO_STATS;
    },
    async read() {
      await Promise.all(Array.from(books.values(), readBook));
    },
    stop() {
      stopped ??= end();
      return stopped;
    },
  };
}

function byProvider(calls: ReadonlyMap<StatsSubject, CallSums>): ReadonlyMap<string, Map<StatsSubject, CallSums>> {
  const sorted = new Map<string, Map<StatsSubject, CallSums>>();
  for (const [subject, sums] of calls) {
    const { provider } = splitModelId(subject.slice(subject.indexOf("|") + 1) as ModelId);
    const own = sorted.get(provider) ?? new Map<StatsSubject, CallSums>();
    sorted.set(provider, own.set(subject, sums));
  }
  return sorted;
}
