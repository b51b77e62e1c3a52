// A window of time in which something is measured: the ledger at its beginning and end, and how idle the machine was meanwhile. Where nothing was left of the
// machine, what was measured is the machine and not the fleet.

import { cpus } from "node:os";
import type { Ledger } from "../src/simulator/simulator-ledger.ts";
import { readLedger } from "./bench-limits-ledger.ts";
import { percent } from "./bench-limits-report.ts";
import type { Stage } from "./bench-stage.ts";

const LEAST_IDLE = 0.1;

export interface MeasuredWindow {
  readonly before: Ledger;
  readonly after: Ledger;
  /** The share of CPU time that nobody used, over all cores. */
  readonly idle: number;
}

/** @param during is begun with the window; the window ends after `ms`, whether that is over or not. */
export async function measureWindow(
  stage: Stage,
  simulatorUrl: string,
  ms: number,
  during?: () => Promise<unknown>,
): Promise<MeasuredWindow> {
  const spentBefore = spentCpu();
  const before = await readLedger(simulatorUrl);
  const [after] = await Promise.all([stage.sleep(ms).then(() => readLedger(simulatorUrl)), during?.()]);
  const spentAfter = spentCpu();
  return { before, after, idle: (spentAfter.idle - spentBefore.idle) / Math.max(1, spentAfter.all - spentBefore.all) };
}

/** A warning, where one is due. */
export function idleNotes(idles: readonly number[]): readonly string[] {
  const least = Math.min(1, ...idles);
  return least >= LEAST_IDLE ? [] : [`The machine was saturated (${percent(least, 0)} idle in one window): figures may be the machine's.`];
}

function spentCpu() {
  const times = cpus().map((cpu) => cpu.times);
  const sum = (ms: readonly number[]) => ms.reduce((total, each) => total + each, 0);
  return {
    idle: sum(times.map(({ idle }) => idle)),
    all: sum(times.map(({ user, nice, sys, idle, irq }) => user + nice + sys + idle + irq)),
  };
}
