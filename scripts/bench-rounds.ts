// Runs variants in turns: what disturbs the machine for a while disturbs them all.

import { median, type Variant } from "./bench-report.ts";
import type { Stage } from "./bench-stage.ts";

export interface Contender {
  readonly name: string;
  /** Outside the clock. */
  readonly prepare?: (round: number) => Promise<unknown>;
  /** Does the work once; answers with the milliseconds it took. */
  readonly run: (round: number) => Promise<number>;
  /** The processes whose CPU time is shown, Redis aside. */
  readonly processes?: readonly string[];
}

/** One round for warming up, which doesn't count, then `rounds` of them; every other one in reverse order. */
export async function runInTurns(
  stage: Stage,
  contenders: readonly Contender[],
  { rounds, jobs }: { readonly rounds: number; readonly jobs: number },
): Promise<readonly Variant[]> {
  const times = new Map(contenders.map(({ name }) => [name, [] as number[]]));
  const cpus = new Map(contenders.map(({ name }) => [name, [] as ReadonlyMap<string, number>[]]));
  for (let round = -1; round < rounds; round++) {
    for (const contender of round % 2 === 0 ? contenders : contenders.toReversed()) {
      await contender.prepare?.(round);
      const before = await stage.cpu();
      const ms = await contender.run(round);
      const after = await stage.cpu();
      if (round < 0) continue;
      times.get(contender.name)!.push(ms);
      cpus
        .get(contender.name)!
        .push(new Map(Array.from(after, ([name, used]) => [name, ((used - (before.get(name) ?? 0)) * 1_000) / jobs])));
    }
  }
  return contenders.map(({ name, processes }): Variant => {
    const readings = cpus.get(name)!;
    const cpuUs = new Map(["Redis", ...(processes ?? [])].map((each) => [each, median(readings.map((reading) => reading.get(each) ?? 0))]));
    return { name, ms: times.get(name)!, ...(processes ? { cpuUs } : {}) };
  });
}
