// The progress of a batch on standard error: a bar on a terminal, a line now and then elsewhere.

import { SingleBar } from "cli-progress";
import type { BatchStatus } from "../src/job/batch.ts";
import type { Clock } from "../src/runtime/clock.ts";
import { formatCount, formatDuration, formatUsd } from "../src/report/format.ts";
import { say } from "./terminal.ts";

export interface Progress {
  update(status: BatchStatus, note?: string): void;
  /** Takes the bar away, so that lines can follow. */
  end(): void;
}

const LINE_EVERY_MS = 5_000;
/** The rate shown is that of the last half minute. */
const RATE_OVER_MS = 30_000;

export function createProgress(clock: Clock, isTerminal: boolean): Progress {
  const rate = createRate();
  return isTerminal ? createBar(clock, rate) : createLines(clock, rate);
}

type Rate = ReturnType<typeof createRate>;

function createBar(clock: Clock, rate: Rate): Progress {
  let bar: SingleBar | undefined;
  return {
    update(status, note = "") {
      const total = Math.max(1, status.total ?? status.cursor);
      if (!bar) {
        bar = new SingleBar({
          format: "{bar} {percentage}% {text}",
          barsize: 24,
          hideCursor: true,
          clearOnComplete: true,
          linewrap: false,
          fps: 10,
          barCompleteChar: "█",
          barIncompleteChar: "░",
        });
        bar.start(total, status.done, { text: "" });
      }
      bar.setTotal(total);
      bar.update(status.done, { text: describe(status, rate.perSecond(status, clock.now()), note) });
    },
    end() {
      bar?.stop();
      bar = undefined;
    },
  };
}

function createLines(clock: Clock, rate: Rate): Progress {
  let nextAt = 0;
  let last = "";
  return {
    update(status, note = "") {
      const text = describe(status, rate.perSecond(status, clock.now()), note);
      if (clock.now() < nextAt || text === last) return;
      nextAt = clock.now() + LINE_EVERY_MS;
      last = text;
      say(text);
    },
    end: () => undefined,
  };
}

function describe(status: BatchStatus, perSecond: number, note: string): string {
  const { total, done, failed, rerouted, costNanoUsd } = status;
  const of =
    total === undefined ? `${formatCount(done)} of ${formatCount(status.cursor)}+` : `${formatCount(done)} of ${formatCount(total)}`;
  const parts = [
    of,
    `${formatCount(failed)} failed`,
    `${formatCount(rerouted)} rerouted`,
    `${perSecond >= 10 ? Math.round(perSecond) : perSecond.toFixed(1)}/s`,
  ];
  if (total !== undefined && perSecond > 0 && done < total) parts.push(`ETA ${formatDuration(((total - done) / perSecond) * 1_000)}`);
  parts.push(formatUsd(costNanoUsd));
  if (status.paused) parts.push("paused");
  if (status.cancelling) parts.push("cancelling");
  if (note) parts.push(note);
  return parts.join(" · ");
}

function createRate() {
  const points: { at: number; done: number }[] = [];
  return {
    perSecond({ done }: BatchStatus, now: number): number {
      points.push({ at: now, done });
      while (points.length > 2 && points[0]!.at < now - RATE_OVER_MS) points.shift();
      const first = points[0]!;
      return now > first.at ? Math.max(0, (done - first.done) / ((now - first.at) / 1_000)) : 0;
    },
  };
}
