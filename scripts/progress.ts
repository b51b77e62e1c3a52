// The progress of a batch on standard error: a bar on a terminal, a line now and then elsewhere.

import { SingleBar } from "cli-progress";
import type { BatchStatus } from "../src/job/batch.ts";
import type { Clock } from "../src/runtime/clock.ts";
import { formatCount, formatDuration, formatUsd } from "../src/report/format.ts";
import { say } from "./terminal.ts";

export interface Progress {
  /** `note`: what is going on besides, such as why nothing moves. */
  update(status: BatchStatus, note?: string): void;
  /** Takes the bar away, so that lines can follow. */
  end(): void;
}

const LINE_EVERY_MS = 5_000;
/** The rate shown is that of the last half minute. */
const RATE_OVER_MS = 30_000;
/** Before that, a rate would be chance. */
const RATE_FROM_MS = 1_000;
const BAR_WIDTH = 24;

export function createProgress(clock: Clock, isTerminal: boolean): Progress {
  return isTerminal ? createBar(clock) : createLines(clock);
}

function createBar(clock: Clock): Progress {
  const rate = createRate();
  let bar: SingleBar | undefined;
  return {
    update(status, note = "") {
      const total = Math.max(1, status.total ?? status.cursor);
      const text = describeProgress(status, rate.perSecond(status.done, clock.now()), note);
      if (!bar) {
        bar = new SingleBar({
          format: "{bar} {text}",
          barsize: BAR_WIDTH,
          hideCursor: true,
          clearOnComplete: true,
          linewrap: false,
          fps: 10,
          barCompleteChar: "█",
          barIncompleteChar: "░",
        });
        bar.start(total, status.done, { text });
      }
      bar.setTotal(total);
      bar.update(status.done, { text });
    },
    end() {
      bar?.stop();
      bar = undefined;
    },
  };
}

function createLines(clock: Clock): Progress {
  const rate = createRate();
  let nextAt = 0;
  let last = "";
  return {
    update(status, note = "") {
      const now = clock.now();
      const perSecond = rate.perSecond(status.done, now);
      if (now < nextAt) return;
      const text = describeProgress(status, perSecond, note);
      if (text === last) return;
      nextAt = now + LINE_EVERY_MS;
      last = text;
      say(text);
    },
    end: () => undefined,
  };
}

/** One line: what has ended of what, what went wrong, how fast, how long still, and the cost. `perSecond` undefined: not known yet. */
export function describeProgress(status: BatchStatus, perSecond: number | undefined, note = ""): string {
  const { total, done, cursor, failed, rerouted, costNanoUsd } = status;
  const parts = [rowsOf({ total, done, cursor })];
  if (failed > 0) parts.push(`${formatCount(failed)} failed`);
  if (rerouted > 0) parts.push(`${formatCount(rerouted)} rerouted`);
  if (perSecond !== undefined) parts.push(`${perSecond >= 10 ? formatCount(perSecond) : perSecond.toFixed(1)}/s`);
  if (total !== undefined && perSecond && done < total) parts.push(`${formatRemaining((total - done) / perSecond)} left`);
  if (costNanoUsd > 0) parts.push(formatUsd(costNanoUsd));
  if (total !== undefined && done >= total && status.stored < total) parts.push("storing the last results");
  if (status.paused) parts.push("paused");
  if (status.cancelling) parts.push("cancelling");
  if (note !== "") parts.push(note);
  return parts.join(" · ");
}

/** While rows are still coming, nobody knows of how many: what is in so far is told instead. */
function rowsOf({ total, done, cursor }: Pick<BatchStatus, "total" | "done" | "cursor">): string {
  if (total === undefined)
    return done === 0 && cursor === 0 ? "reading the rows" : `${formatCount(done)} done · ${formatCount(cursor)} rows in so far`;
  const percent = total === 0 ? 100 : Math.floor((100 * done) / total);
  return `${formatCount(done)} of ${formatCount(total)} (${percent} %)`;
}

function formatRemaining(seconds: number): string {
  return seconds < 60 ? `${Math.ceil(seconds)} s` : formatDuration(seconds * 1_000);
}

function createRate() {
  const points: { at: number; done: number }[] = [];
  return {
    /** Over the last half minute; undefined before anything can be said. */
    perSecond(done: number, now: number): number | undefined {
      // Rows that a retry has opened again must not count as negative work.
      if (points.length > 0 && done < points.at(-1)!.done) points.length = 0;
      points.push({ at: now, done });
      while (points.length > 2 && points[0]!.at < now - RATE_OVER_MS) points.shift();
      const first = points[0]!;
      return now - first.at < RATE_FROM_MS ? undefined : (done - first.done) / ((now - first.at) / 1_000);
    },
  };
}
