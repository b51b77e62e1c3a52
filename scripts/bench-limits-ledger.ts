// What the simulator's ledger says of a stretch of time: how much of a model's cap was used, and what share of the calls was refused.

import type { LedgerCounts } from "../src/simulator/ledger-book.ts";
import type { Ledger } from "../src/simulator/simulator-ledger.ts";
import type { SimulatorState } from "../src/simulator/simulator.ts";
import type { ModelLimits } from "./bench-limits-setup.ts";

export type Dimension = keyof ModelLimits;

export interface Stretch {
  readonly seconds: number;
  readonly calls: number;
  readonly answered: number;
  readonly refused429: number;
  readonly charged: Readonly<Partial<Record<Dimension, number>>>;
}

/** @param simulatorUrl of the simulator itself, not of a vendor. */
export async function readLedger(simulatorUrl: string): Promise<Ledger> {
  return (await (await fetch(`${simulatorUrl}/_control/ledger?calls=0`)).json()) as Ledger;
}

export async function readState(simulatorUrl: string): Promise<SimulatorState> {
  return (await (await fetch(`${simulatorUrl}/_control/state`)).json()) as SimulatorState;
}

/** Of a model, or of one client of the vendor (the end of its key). */
export type Booked = { readonly vendor: string } & ({ readonly model: string } | { readonly client: string });

export function stretchBetween(before: Ledger, after: Ledger, booked: Booked): Stretch {
  const from = countsOf(before, booked);
  const to = countsOf(after, booked);
  const more = (name: "calls" | "answered" | "refused429") => (to?.[name] ?? 0) - (from?.[name] ?? 0);
  const charged = Object.entries(to?.charged ?? {}).map(([dimension, amount]) => [
    dimension,
    amount - (from?.charged[dimension as Dimension] ?? 0),
  ]);
  return {
    seconds: (after.atMs - before.atMs) / 1_000,
    calls: more("calls"),
    answered: more("answered"),
    refused429: more("refused429"),
    charged: Object.fromEntries(charged),
  };
}

function countsOf({ vendors }: Ledger, booked: Booked): LedgerCounts | undefined {
  const vendor = vendors[booked.vendor];
  return "model" in booked ? vendor?.models[booked.model] : vendor?.clients[booked.client];
}

/** The share of the cap that was charged, in the dimension that was used most: the one that binds. `others`: what somebody else took of it. */
export function useOf({ seconds, charged }: Stretch, limits: ModelLimits, others?: Stretch): { dimension: Dimension; use: number } {
  const uses = Object.entries(limits).map(([name, perMinute]) => {
    const dimension = name as Dimension;
    const available = (perMinute * seconds) / 60 - (others?.charged[dimension] ?? 0);
    return { dimension, use: (charged[dimension] ?? 0) / available };
  });
  return uses.reduce((most, each) => (each.use > most.use ? each : most));
}

export function share429({ calls, refused429 }: Stretch): number {
  return calls === 0 ? 0 : refused429 / calls;
}
