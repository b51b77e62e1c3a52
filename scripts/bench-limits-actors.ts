// The actors of bench:limits: simulated vendors, processes of the fleet with any roles, a producer of rows, and a foreign client of the same account.

import { createSimulator } from "../src/simulator/simulator.ts";
import type { SimulatorOptionsInput } from "../src/simulator/simulator-options.ts";
import { loadFleet } from "../src/config/load.ts";
import { systemClock } from "../src/runtime/clock.ts";
import { readEnvironment } from "../src/runtime/environment.ts";
import { createLogger } from "../src/runtime/logger.ts";
import { createProducer } from "../queues/producer.ts";
import { startFleetProcess, type Role } from "../workers/fleet-process.ts";
import { rowsOf, type Work } from "./bench-limits-work.ts";
import type { Commands } from "./bench-stage.ts";

/** A simulator of any vendors in a process of its own. `close` stops listening, so that connections are refused; `open` listens at the same port, with empty books. */
export async function simulatedVendors({ options }: { readonly options: SimulatorOptionsInput }): Promise<Commands> {
  let simulator = createSimulator(options);
  const { url, port } = await simulator.start();
  return {
    url: () => Promise.resolve(url),
    close: () => simulator.stop(),
    async open() {
      simulator = createSimulator({ ...options, port });
      await simulator.start();
    },
    end: () => simulator.stop(),
  };
}

/** One process of the fleet, with one or more roles. */
export async function fleetRoles({ config, roles }: { readonly config: string; readonly roles: readonly Role[] }): Promise<Commands> {
  const fleet = await loadFleet(config, { environment: readEnvironment() });
  const log = createLogger({ role: roles[0]!, level: "error" });
  const running = await startFleetProcess({ fleet, redisUrl: fleet.redisUrl!, roles, clock: systemClock, log });
  return { end: () => running.stop(0) };
}

interface BatchOfRows {
  readonly task: string;
  readonly batch: string;
  readonly work: Work;
}

/** Puts rows into task queues by the TypeScript API: a stated number, or as many as the window takes until it is told to stop. */
export function rowProducer({ redisUrl }: { readonly redisUrl: string }): Commands {
  const feeding = new Map<string, () => Promise<number>>();
  return {
    async produce({ task, batch, work, rows }: BatchOfRows & { readonly rows: number }) {
      const rowAt = await rowsOf(work);
      const producer = await createProducer({ redisUrl, task, batch, windowRows: 2 ** 31, windowBytes: 2 ** 40 });
      for (let row = 0; row < rows; row++) await producer.add({ input: rowAt(row) });
      await producer.seal();
      await producer.stop();
    },
    async feed({ task, batch, work, windowRows }: BatchOfRows & { readonly windowRows: number }) {
      const rowAt = await rowsOf(work);
      const producer = await createProducer({ redisUrl, task, batch, windowRows });
      let isOver = false;
      const adding = (async () => {
        for (let row = 0; !isOver; row++) await producer.add({ input: rowAt(row) });
      })();
      feeding.set(batch, async () => {
        isOver = true;
        await adding;
        const rows = await producer.seal();
        await producer.stop();
        return rows;
      });
    },
    /** Ends a `feed`; answers with its number of rows. */
    sealFed: ({ batch }: { readonly batch: string }) => feeding.get(batch)!(),
    end: () => Promise.resolve(),
  };
}

/** The end of its key, by which the simulator's ledger names it. */
export const FOREIGN_CLIENT = "frgn";

/** Somebody else on the same account: calls at a fixed pace, whatever becomes of them. */
export function foreignClient(options: {
  readonly url: string;
  readonly kind: "openai" | "anthropic";
  readonly perMinute: number;
}): Commands {
  const { url, kind, perMinute } = options;
  const key = `sk-${FOREIGN_CLIENT}`;
  const address = kind === "openai" ? `${url}/chat/completions` : `${url}/v1/messages`;
  const headers = {
    "content-type": "application/json",
    ...(kind === "openai" ? { authorization: `Bearer ${key}` } : { "x-api-key": key, "anthropic-version": "2023-06-01" }),
  };
  const call = async (model: string) => {
    const body = JSON.stringify({ model, max_tokens: 16, messages: [{ role: "user", content: "Ticket: somebody else's" }] });
    const response = await fetch(address, { method: "POST", headers, body });
    await response.arrayBuffer();
  };
  let isOver = false;
  return {
    async begin({ model }: { readonly model: string }) {
      const startedAt = performance.now();
      void (async () => {
        for (let made = 0; !isOver; made++) {
          const dueMs = startedAt + (made * 60_000) / perMinute - performance.now();
          if (dueMs > 0) await systemClock.sleep(dueMs);
          void call(model).catch(() => undefined);
        }
      })();
    },
    end() {
      isOver = true;
      return Promise.resolve();
    },
  };
}
