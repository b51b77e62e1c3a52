// The flow of answered calls through two vendors, watched ten times a second in their ledgers: when a rate is reached, and whose the traffic is.

import { systemClock } from "../src/runtime/clock.ts";
import type { Ledger } from "../src/simulator/simulator-ledger.ts";
import { readLedger } from "./bench-limits-ledger.ts";
import type { Stage } from "./bench-stage.ts";

const SAMPLE_EVERY_MS = 100;
const WINDOW_MS = 1_000;

interface Counts {
  readonly calls: number;
  readonly answered: number;
}

interface Sample {
  readonly atMs: number;
  readonly primary: Counts;
  readonly fallback: Counts;
}

/** A stretch of one second. */
export interface FlowWindow {
  readonly fromMs: number;
  readonly primaryPerSecond: number;
  readonly fallbackPerSecond: number;
}

export interface Flow {
  /** Waits for the first second, not before `fromMs`, of which `holds` is true; answers with its beginning, or undefined after `patienceMs`. */
  until(fromMs: number, patienceMs: number, holds: (window: FlowWindow) => boolean): Promise<number | undefined>;
  /** Read just now. */
  now(): Promise<Sample>;
  stop(): Promise<void>;
}

export function watchFlow(stage: Stage, urls: { readonly primary: string; readonly fallback: string }): Flow {
  const primary = createCounter(urls.primary);
  const fallback = createCounter(urls.fallback);
  const samples: Sample[] = [];
  let isOver = false;
  const read = async (): Promise<Sample> => {
    const [first, second] = await Promise.all([primary(), fallback()]);
    return { atMs: Date.now(), primary: first, fallback: second };
  };
  const watching = (async () => {
    while (!isOver) {
      samples.push(await read());
      await systemClock.sleep(SAMPLE_EVERY_MS);
    }
  })();

  /** The window that begins with the sample at `index`, once it is over. */
  const windowAt = (index: number): FlowWindow | undefined => {
    const from = samples[index]!;
    const to = samples.slice(index).find(({ atMs }) => atMs - from.atMs >= WINDOW_MS);
    if (!to) return undefined;
    const perSecond = (answered: (sample: Sample) => number) => ((answered(to) - answered(from)) * 1_000) / (to.atMs - from.atMs);
    return {
      fromMs: from.atMs,
      primaryPerSecond: perSecond((sample) => sample.primary.answered),
      fallbackPerSecond: perSecond((sample) => sample.fallback.answered),
    };
  };

  return {
    async until(fromMs, patienceMs, holds) {
      let index = samples.findIndex(({ atMs }) => atMs >= fromMs);
      if (index < 0) index = samples.length;
      for (;;) {
        const window = index < samples.length ? windowAt(index) : undefined;
        if (window && holds(window)) return window.fromMs;
        if (window) index++;
        else if (Date.now() > fromMs + patienceMs) return undefined;
        else await stage.sleep(SAMPLE_EVERY_MS);
      }
    },
    now: read,
    async stop() {
      isOver = true;
      await watching;
    },
  };
}

/** Reads a simulator's totals. One that is away keeps what it had; one that came back with empty books goes on from there. */
function createCounter(url: string): () => Promise<Counts> {
  let base: Counts = { calls: 0, answered: 0 };
  let last: Counts = { calls: 0, answered: 0 };
  return async () => {
    const ledger = await readLedger(url).catch((): Ledger | undefined => undefined);
    if (ledger) {
      const { calls, answered } = ledger.total;
      if (calls < last.calls) base = { calls: base.calls + last.calls, answered: base.answered + last.answered };
      last = { calls, answered };
    }
    return { calls: base.calls + last.calls, answered: base.answered + last.answered };
  };
}
