// The waiting side of a limiter: the calls of this process that wait for one provider. First come, first served per model; all that is due is asked for
// in one script per turn, and nothing is asked again before its time.
//
// waiting ──▶ granted ──▶ (given back, if its caller has left meanwhile)
//         ├─▶ a ticket: its place in the fleet's line is paid ──(due)──▶ granted       ──(its caller leaves)──▶ refunded
//         ├─▶ wait: its turn lies beyond its patience · its patience is over · aborted · the limiter stopped
//         └─▶ rejected: Redis failed

import type { ModelId } from "../job/names.ts";
import type { Clock } from "../runtime/clock.ts";
import type { PermitReply } from "./limiter.ts";
import { createModelLine, type ModelLine } from "./model-line.ts";
import type { PermitAnswer, PermitAsk } from "./permit-book.ts";
import type { Waiter } from "./waiter.ts";

const LONGEST_STOP_MS = 2_000;

export interface PermitLine {
  join(ask: Waiter["ask"], options: { readonly patienceMs: number; readonly signal: AbortSignal }): Promise<PermitReply>;
  /** A call of this process ended: those that wait for its place try at once. */
  freed(): void;
  stop(): Promise<void>;
}

export function createPermitLine(options: {
  clock: Clock;
  ask: (asks: readonly PermitAsk[]) => Promise<readonly PermitAnswer[]>;
  /** Gives back what was granted to a caller that has left, or refunds its ticket; a failure is of no consequence, leases run out. */
  giveBack: (ask: Waiter["ask"], ticket?: number) => Promise<void>;
}): PermitLine {
  const { clock } = options;
  const lines = new Map<ModelId, ModelLine>();
  const returns = new Set<Promise<void>>();
  let arrivals = 0;
  let endings = 0;
  let isStopped = false;
  let turn: Promise<void> | undefined;
  let alarm: AbortController | undefined;
  let isScheduled = false;

  const lineOf = (model: ModelId): ModelLine => {
    const line = lines.get(model) ?? createModelLine();
    lines.set(model, line);
    return line;
  };

  const schedule = () => {
    if (isScheduled || turn) return;
    isScheduled = true;
    setImmediate(() => {
      isScheduled = false;
      alarm?.abort();
      turn = takeTurns().finally(() => {
        turn = undefined;
        setAlarm();
      });
    });
  };

  /** Asks for all that is due, until nothing is. */
  const takeTurns = async () => {
    while (!isStopped) {
      const now = clock.now();
      for (const line of lines.values()) line.dismissImpatient(now);
      const due = Array.from(lines.values(), (line) => line.due(now)).flat();
      if (due.length === 0) return;
      await askFor(due.toSorted((a, b) => a.order - b.order));
    }
  };

  const askFor = async (due: readonly Waiter[]) => {
    for (const waiter of due) waiter.isOut = true;
    const endingsBefore = endings;
    let answers: readonly PermitAnswer[];
    try {
      const now = clock.now();
      answers = await options.ask(due.map(({ ask, deadline, ticket }) => toAsk(ask, Math.max(0, deadline - now), ticket?.ticket)));
    } catch (error) {
      for (const waiter of due) {
        giveBack(waiter);
        waiter.reject(error);
        waiter.isOut = false;
        lineOf(waiter.ask.model).quit(waiter, clock.now());
      }
      return;
    }
    const now = clock.now();
    for (const [model, line] of lines) {
      const own = due.flatMap((waiter, i) => (waiter.ask.model === model ? [{ waiter, answer: answers[i] as PermitAnswer }] : []));
      if (own.length === 0) continue;
      const asked = own.map(({ waiter }) => waiter);
      const unwanted = line.take(
        asked,
        own.map(({ answer }) => answer),
        now,
      );
      for (const waiter of unwanted) giveBack(waiter);
    }
    // A place that became free while the question was out: the answer may be older than it.
    if (endings !== endingsBefore) for (const line of lines.values()) line.freed();
  };

  /** Its permit, or its ticket if it has one. */
  const giveBack = ({ ask, ticket }: Waiter) => {
    const returned = options.giveBack(ask, ticket?.ticket).catch(() => undefined);
    returns.add(returned);
    void returned.finally(() => returns.delete(returned));
  };

  /** Wakes when there is something to do next. */
  const setAlarm = () => {
    const nextAt = Math.min(Number.POSITIVE_INFINITY, ...Array.from(lines.values(), (line) => line.nextAt()));
    alarm?.abort();
    if (nextAt === Number.POSITIVE_INFINITY || isStopped) return;
    const mine = new AbortController();
    alarm = mine;
    void clock.sleep(Math.max(0, nextAt - clock.now()), mine.signal).then(() => mine.signal.aborted || schedule());
  };

  return {
    join(ask, { patienceMs, signal }) {
      return new Promise((resolve, reject) => {
        const line = lineOf(ask.model);
        const now = clock.now();
        const quit = () => {
          if (waiter.ticket && !waiter.isOut) giveBack(waiter);
          line.quit(waiter, clock.now());
        };
        const forget = () => signal.removeEventListener("abort", quit);
        const waiter: Waiter = {
          ask,
          order: arrivals++,
          deadline: now + patienceMs,
          resolve: (reply) => (forget(), resolve(reply)),
          reject: (error) => (forget(), reject(error)),
          ticket: undefined,
          refusal: undefined,
          expectedAt: undefined,
          isOut: false,
          hasLeft: false,
        };
        if (signal.aborted || isStopped) return line.quit(waiter, now);
        signal.addEventListener("abort", quit, { once: true });
        line.add(waiter, now);
        schedule();
      });
    },

    freed() {
      endings++;
      for (const line of lines.values()) line.freed();
      schedule();
    },

    async stop() {
      isStopped = true;
      alarm?.abort();
      for (const line of lines.values()) for (const waiter of line.close()) giveBack(waiter);
      // Without Redis nothing can be given back: then the leases run out.
      const bound = new AbortController();
      const settled = Promise.resolve(turn).then(() => Promise.all(returns));
      await Promise.race([settled, clock.sleep(LONGEST_STOP_MS, bound.signal)]);
      bound.abort();
    },
  };
}

function toAsk(ask: Waiter["ask"], patienceMs: number, ticket: number | undefined): PermitAsk {
  return { ...ask, patienceMs, ...(ticket === undefined ? {} : { ticket }) };
}
