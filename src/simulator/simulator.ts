// The simulator: local vendors that speak OpenAI's and Anthropic's wire formats to the official clients, with real limits, prices and faults, and the ground
// truth of what was asked of them. Each vendor lives under its own base path; whatever it answers is labelled simulated.

import { systemClock, type Clock } from "../runtime/clock.ts";
import { createFaultBoard, type ActiveFault, type FaultFilter, type FaultInput } from "./faults.ts";
import { loadAnswerSources } from "./load-answer-sources.ts";
import { createSimulatedVendor, type SimulatedVendor } from "./simulated-vendor.ts";
import type { ModelState } from "./simulated-model.ts";
import { createSimulatorControl } from "./simulator-control.ts";
import { createSimulatorLedger, type Ledger } from "./simulator-ledger.ts";
import { parseSimulatorOptions, type SimulatorOptionsInput } from "./simulator-options.ts";
import { createSimulatorServer } from "./simulator-server.ts";

export interface SimulatorState {
  readonly vendors: Readonly<Record<string, { readonly kind: string; readonly models: Readonly<Record<string, ModelState>> }>>;
  readonly faults: readonly ActiveFault[];
}

export interface Simulator {
  /** Listens. OpenAI clients use `<url>/<vendor>/v1` as their base URL, Anthropic ones `<url>/<vendor>`. Rejects when the port is taken. */
  start(): Promise<{ readonly url: string; readonly port: number }>;
  /** Breaks off what is under way. Harmless when repeated. */
  stop(): Promise<void>;
  ledger(): Ledger;
  /** Throws a `UsageError` for an unknown fault, vendor or model. */
  setFault(fault: FaultInput): void;
  /** Ends all faults, or those that match the filter. */
  clearFaults(filter?: FaultFilter): void;
  state(): SimulatorState;
  /** Empty books, full buckets, no faults. */
  reset(): void;
}

/** Throws a `UsageError` for wrong options (all problems listed) and unreadable recordings or answer keys. */
export function createSimulator(input: SimulatorOptionsInput, dependencies: { readonly clock?: Clock } = {}): Simulator {
  const options = parseSimulatorOptions(input);
  const clock = dependencies.clock ?? systemClock;
  const { seed } = options;
  const ledger = createSimulatorLedger({ callLog: options.callLog, now: () => clock.now() });
  const modelNames = Object.fromEntries(Object.entries(options.vendors).map(([name, vendor]) => [name, Object.keys(vendor.models)]));
  const faults = createFaultBoard({ seed, now: () => clock.now(), models: modelNames });
  const sources = loadAnswerSources(options);
  const vendors = new Map<string, SimulatedVendor>(
    Object.entries(options.vendors).map(([name, vendor]) => [
      name,
      createSimulatedVendor({ name, options: vendor, seed, clock, ledger, faults, sources: sources[name] ?? {} }),
    ]),
  );
  let stopped: Promise<void> | undefined;

  const simulator: Simulator = {
    start: () => server.start(),
    stop: () => (stopped ??= server.stop()),
    ledger: () => ledger.read(),
    setFault: (fault) => faults.set(fault),
    clearFaults: (filter) => faults.clear(filter),
    state: () => ({
      vendors: Object.fromEntries(
        [...vendors].map(([name, vendor]) => [name, { kind: options.vendors[name]?.kind ?? "", models: vendor.models() }]),
      ),
      faults: faults.active(),
    }),
    reset() {
      ledger.reset();
      faults.clear();
      for (const vendor of vendors.values()) vendor.refill();
    },
  };
  const server = createSimulatorServer({
    host: options.host,
    port: options.port,
    clock,
    vendors,
    control: createSimulatorControl(simulator),
  });
  return simulator;
}
