// The calls of this process that wait for one model, in order of asking. The first of them hold tickets; the others ask when the fleet's line is short.

import type { PermitReply } from "./limiter.ts";
import type { PermitAnswer } from "./permit-book.ts";
import { BUSY_WAIT_MS, expectedWaitMs, isShut, pauseMs, reasonOf, type Waiter } from "./waiter.ts";

/** Most asks of one model in one script; fewer after a refusal, for the rest would only be refused as well. */
const MOST_ASKS = 64;
const FEWEST_ASKS = 4;
/** A ticket waits so long for others that come due: they go together. */
const TOGETHER_MS = 4;

export interface ModelLine {
  add(waiter: Waiter, now: number): void;
  /** Who is to be asked for now: due tickets, and the next without one. */
  due(now: number): readonly Waiter[];
  /** The answers to `due`, in its order; tells whose permits nobody waits for any more. */
  take(asked: readonly Waiter[], answers: readonly PermitAnswer[], now: number): readonly Waiter[];
  /** Lets go of those whose patience is over, who have no ticket and are not just about to be asked for. */
  dismissImpatient(now: number): void;
  /** The caller has given up. */
  quit(waiter: Waiter, now: number): void;
  /** A place became free: those that wait for one ask at once. */
  freed(): void;
  /** When there is something to do next; infinite when nobody waits. */
  nextAt(): number;
  /** All leave; tells whose tickets are to be refunded. */
  close(): readonly Waiter[];
}

export function createModelLine(): ModelLine {
  let waiters: Waiter[] = [];
  let nextAskAt = 0;
  let heldUntil = 0;
  let asksPerTurn = MOST_ASKS;

  const sweep = () => {
    if (waiters.some(({ hasLeft }) => hasLeft)) waiters = waiters.filter(({ hasLeft }) => !hasLeft);
  };

  const leave = (waiter: Waiter, waitMs: number) => {
    if (waiter.hasLeft) return;
    waiter.hasLeft = true;
    waiter.resolve({ kind: "wait", waitMs: Math.max(1, Math.ceil(waitMs)), isShut: isShut(waiter), reason: reasonOf(waiter) });
  };

  const takeAnswer = (waiter: Waiter, answer: PermitAnswer, now: number) => {
    waiter.isOut = false;
    waiter.ticket = undefined;
    waiter.refusal = undefined;
    switch (answer.kind) {
      case "granted":
        if (waiter.hasLeft) return;
        waiter.hasLeft = true;
        waiter.resolve(toReply(waiter, answer));
        break;
      case "ticket":
        waiter.ticket = { ticket: answer.ticket, dueAt: now + answer.waitMs };
        waiter.expectedAt = waiter.ticket.dueAt;
        break;
      case "refused":
        waiter.refusal = answer;
        waiter.expectedAt = answer.by === "calls" ? undefined : now + answer.waitMs;
        if (waiter.expectedAt !== undefined && waiter.expectedAt > waiter.deadline) leave(waiter, answer.waitMs);
        break;
      default:
        answer satisfies never;
    }
  };

  const planNextAsk = (asked: readonly Waiter[], now: number) => {
    const refused = asked.filter(({ refusal }) => refusal !== undefined);
    const served = asked.length - refused.length;
    asksPerTurn = refused.length === 0 ? Math.min(MOST_ASKS, asksPerTurn * 2) : Math.max(FEWEST_ASKS, served * 2);
    const held = refused.find(({ refusal }) => refusal?.by === "hold")?.refusal;
    if (held) heldUntil = now + held.waitMs;
    const first = refused[0]?.refusal;
    nextAskAt = first ? now + pauseMs(first) : 0;
  };

  return {
    add(waiter, now) {
      if (heldUntil > waiter.deadline) {
        waiter.refusal = { kind: "refused", waitMs: heldUntil - now, by: "hold", scope: waiter.ask.model };
        return leave(waiter, heldUntil - now);
      }
      waiters.push(waiter);
      if (waiters.length === 1) nextAskAt = 0;
    },
    due(now) {
      const dueTickets = waiters.filter(({ ticket }) => ticket && ticket.dueAt <= now);
      const others = nextAskAt <= now ? waiters.filter(({ ticket }) => !ticket).slice(0, asksPerTurn) : [];
      return [...dueTickets, ...others];
    },
    take(asked, answers, now) {
      const unwanted = asked.filter(({ hasLeft }, i) => hasLeft && answers[i]?.kind !== "refused");
      const newcomers = asked.filter(({ ticket }) => !ticket);
      asked.forEach((waiter, i) => takeAnswer(waiter, answers[i] as PermitAnswer, now));
      // A ticket that was refused after all asks anew, with the others.
      if (newcomers.length > 0 || asked.some(({ refusal }) => refusal)) planNextAsk(asked, now);
      sweep();
      return unwanted;
    },
    dismissImpatient(now) {
      if (nextAskAt <= now) return;
      for (const [position, waiter] of waiters.entries()) {
        if (waiter.deadline <= now && !waiter.ticket && !waiter.isOut) leave(waiter, expectedWaitMs(waiters, position, now));
      }
      sweep();
    },
    quit(waiter, now) {
      leave(waiter, waiter.isOut ? 1 : expectedWaitMs(waiters, waiters.indexOf(waiter), now));
      if (!waiter.isOut) sweep();
    },
    freed() {
      if (waiters.some(({ refusal }) => refusal?.by === "calls")) nextAskAt = 0;
    },
    nextAt() {
      let at = Number.POSITIVE_INFINITY;
      for (const { ticket, deadline } of waiters) at = Math.min(at, ticket ? ticket.dueAt + TOGETHER_MS : Math.min(deadline, nextAskAt));
      return at;
    },
    close() {
      const holders = waiters.filter(({ ticket, isOut }) => ticket && !isOut);
      for (const waiter of waiters) leave(waiter, BUSY_WAIT_MS);
      return holders;
    },
  };
}

function toReply({ ask }: Waiter, { cutOff }: Extract<PermitAnswer, { kind: "granted" }>): PermitReply {
  if (!cutOff) return { kind: "granted", permit: ask.nonce };
  const { nonce, ...lost } = cutOff;
  return { kind: "granted", permit: ask.nonce, cutOff: { permit: nonce, ...lost } };
}
