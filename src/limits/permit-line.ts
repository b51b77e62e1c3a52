// The waiting side of a limiter: the calls of this process that wait for one provider. First come, first served per model; everything that
// waits is asked for in one script per turn, and then not again before the head's turn is due.
//
// waiting ──▶ granted ──▶ (given back, if its caller has left meanwhile)
//         ├─▶ wait: its turn lies beyond its patience · its patience is over · aborted · the limiter stopped
//         └─▶ rejected: Redis failed

import type { ModelId } from "../job/names.ts";
import type { Clock } from "../runtime/clock.ts";
import type { PermitReply } from "./limiter.ts";
import type { PermitAnswer, PermitAsk } from "./permit-book.ts";
import { BUSY_WAIT_MS, expectedWaitMs, pauseMs, reasonOf, type Waiter } from "./waiter.ts";

/** Most asks of one model in one script; fewer after a refusal, for the rest would only be refused as well. */
const MOST_ASKS = 64;
const FEWEST_ASKS = 4;
const LONGEST_STOP_MS = 2_000;
interface ModelLine {
  waiters: Waiter[];
  nextTryAt: number;
  heldUntil: number;
  asksPerTurn: number;
}

export interface PermitLine {
  join(ask: Omit<PermitAsk, "patienceMs">, options: { readonly patienceMs: number; readonly signal: AbortSignal }): Promise<PermitReply>;
  /** A call of this process ended: those that wait for its place try at once. */
  freed(): void;
  stop(): Promise<void>;
}

export function createPermitLine(options: {
  clock: Clock;
  ask: (asks: readonly PermitAsk[]) => Promise<readonly PermitAnswer[]>;
  /** Gives back what was granted to a caller that has left; its failure is of no consequence, the lease runs out. */
  giveBack: (ask: Waiter["ask"]) => Promise<void>;
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
    const line = lines.get(model) ?? { waiters: [], nextTryAt: 0, heldUntil: 0, asksPerTurn: MOST_ASKS };
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
      dismissImpatient();
      const due = collectDue();
      if (due.length === 0) return;
      await askFor(due);
    }
  };

  /** Lets go of those whose patience is over and who are not just about to be asked for. */
  const dismissImpatient = () => {
    const now = clock.now();
    for (const line of lines.values()) {
      if (line.nextTryAt <= now) continue;
      line.waiters.forEach((waiter, position) => {
        if (waiter.deadline <= now) leave(waiter, expectedWaitMs(line.waiters, position, now));
      });
      sweep(line);
    }
  };

  const collectDue = (): Waiter[] => {
    const now = clock.now();
    const due: Waiter[] = [];
    for (const line of lines.values()) if (line.nextTryAt <= now) due.push(...line.waiters.slice(0, line.asksPerTurn));
    return due.toSorted((a, b) => a.order - b.order);
  };

  const askFor = async (due: readonly Waiter[]) => {
    for (const waiter of due) waiter.isOut = true;
    const endingsBefore = endings;
    let answers: readonly PermitAnswer[];
    try {
      const now = clock.now();
      answers = await options.ask(due.map(({ ask, deadline }) => ({ ...ask, patienceMs: Math.max(0, deadline - now) })));
    } catch (error) {
      for (const waiter of due) {
        giveBack(waiter);
        waiter.hasLeft = true;
        waiter.reject(error);
      }
      for (const line of lines.values()) sweep(line);
      return;
    }
    const now = clock.now();
    due.forEach((waiter, i) => {
      waiter.isOut = false;
      takeAnswer(waiter, answers[i] as PermitAnswer, now);
    });
    for (const model of new Set(due.map(({ ask }) => ask.model))) {
      const asked = due.filter(({ ask }) => ask.model === model);
      planNextTry(lineOf(model), asked, now);
    }
    // A place that became free while the question was out: the answer may be older than it.
    if (endings !== endingsBefore) tryFreed();
  };

  const takeAnswer = (waiter: Waiter, answer: PermitAnswer, now: number) => {
    if (answer.kind === "refused") {
      waiter.refusal = answer;
      waiter.expectedAt = answer.by === "calls" ? undefined : now + answer.waitMs;
      if (waiter.expectedAt !== undefined && waiter.expectedAt > waiter.deadline) leave(waiter, answer.waitMs);
      return;
    }
    waiter.refusal = undefined;
    if (waiter.hasLeft) return giveBack(waiter);
    waiter.hasLeft = true;
    waiter.resolve(answer);
  };

  const planNextTry = (line: ModelLine, asked: readonly Waiter[], now: number) => {
    const refused = asked.filter(({ refusal }) => refusal !== undefined);
    const granted = asked.length - refused.length;
    line.asksPerTurn = refused.length === 0 ? Math.min(MOST_ASKS, line.asksPerTurn * 2) : Math.max(FEWEST_ASKS, granted * 2);
    const held = refused.find(({ refusal }) => refusal?.by === "hold")?.refusal;
    if (held) line.heldUntil = now + held.waitMs;
    sweep(line);
    const head = line.waiters[0]?.refusal;
    line.nextTryAt = head ? now + pauseMs(head) : 0;
  };

  /** Lines that wait for a place try at once. */
  const tryFreed = () => {
    for (const line of lines.values()) if (line.waiters[0]?.refusal?.by === "calls") line.nextTryAt = 0;
  };

  const isAnyWaiting = () => [...lines.values()].some(({ waiters }) => waiters.length > 0);

  const giveBack = ({ ask }: Waiter) => {
    const returned = options.giveBack(ask).catch(() => undefined);
    returns.add(returned);
    void returned.finally(() => returns.delete(returned));
  };

  /** Wakes at the next try or the next deadline, whichever comes first. */
  const setAlarm = () => {
    const now = clock.now();
    let nextAt = Number.POSITIVE_INFINITY;
    for (const line of lines.values()) {
      if (line.waiters.length > 0) nextAt = Math.min(nextAt, line.nextTryAt);
      for (const waiter of line.waiters) nextAt = Math.min(nextAt, waiter.deadline);
    }
    alarm?.abort();
    if (nextAt === Number.POSITIVE_INFINITY || isStopped) return;
    const mine = new AbortController();
    alarm = mine;
    void clock.sleep(Math.max(0, nextAt - now), mine.signal).then(() => mine.signal.aborted || schedule());
  };

  return {
    join(ask, { patienceMs, signal }) {
      return new Promise((resolve, reject) => {
        const line = lineOf(ask.model);
        const now = clock.now();
        const deadline = now + patienceMs;
        const quit = () => {
          leave(waiter, waiter.isOut ? 1 : expectedWaitMs(line.waiters, line.waiters.indexOf(waiter), clock.now()));
          if (!waiter.isOut) sweep(line);
        };
        const forget = () => signal.removeEventListener("abort", quit);
        const waiter: Waiter = {
          ask,
          order: arrivals++,
          deadline,
          resolve: (reply) => (forget(), resolve(reply)),
          reject: (error) => (forget(), reject(error)),
          refusal: undefined,
          expectedAt: undefined,
          isOut: false,
          hasLeft: false,
        };
        if (signal.aborted || isStopped) return leave(waiter, 1);
        if (line.heldUntil > deadline) {
          waiter.refusal = { kind: "refused", waitMs: line.heldUntil - now, by: "hold", scope: ask.model };
          return leave(waiter, line.heldUntil - now);
        }
        signal.addEventListener("abort", quit, { once: true });
        line.waiters.push(waiter);
        if (line.waiters.length === 1) line.nextTryAt = 0;
        schedule();
      });
    },

    freed() {
      endings++;
      if (isAnyWaiting()) {
        tryFreed();
        schedule();
      }
    },

    async stop() {
      isStopped = true;
      alarm?.abort();
      for (const line of lines.values()) for (const waiter of line.waiters) leave(waiter, BUSY_WAIT_MS);
      // Without Redis nothing can be given back: then the leases run out.
      const bound = new AbortController();
      const settled = Promise.resolve(turn).then(() => Promise.all(returns));
      await Promise.race([settled, clock.sleep(LONGEST_STOP_MS, bound.signal)]);
      bound.abort();
    },
  };
}

function sweep(line: ModelLine): void {
  if (line.waiters.some(({ hasLeft }) => hasLeft)) line.waiters = line.waiters.filter(({ hasLeft }) => !hasLeft);
}

function leave(waiter: Waiter, waitMs: number): void {
  if (waiter.hasLeft) return;
  waiter.hasLeft = true;
  waiter.resolve({ kind: "wait", waitMs: Math.max(1, Math.ceil(waitMs)), reason: reasonOf(waiter) });
}
