// Sees to it that a fleet does the work of a command: one that is running and knows the task, else one inside this process.

import type { Fleet } from "../src/config/fleet.ts";
import { loadFleet } from "../src/config/load.ts";
import { UsageError } from "../src/job/errors.ts";
import { splitModelId, type ModelId } from "../src/job/names.ts";
import { readEnvironment } from "../src/runtime/environment.ts";
import { liveProcesses, servesTask } from "../queues/fleet-registry.ts";
import { allRoles, startFleetProcess, type FleetProcess } from "../workers/fleet-process.ts";
import { processLog, type OpenFleet } from "./open-fleet.ts";
import { say } from "./terminal.ts";

export interface FleetKeeper {
  /** Starts a fleet here, unless one is running that serves the task. */
  ensure(): Promise<void>;
  /** Called now and then: when the fleet that did the work is gone, one is started here; what keeps it from that is told once. */
  replaceLost(): Promise<void>;
  /** Of the fleet started here; calls in flight get `graceMs`. */
  stop(graceMs: number): Promise<void>;
}

export interface FleetKeeperOptions {
  /** The command's name, for the log. */
  readonly role: string;
  readonly task: string;
  /** The models that will be called: their providers' pools are needed. */
  readonly models: readonly ModelId[];
  readonly config?: string | undefined;
  /** With the dashboard, when a fleet is started here. */
  readonly web?: boolean | undefined;
}

/** An attached fleet of which no router is left for this long is replaced by one of our own: it may just be restarting. */
const ROUTER_GONE_MS = 12_000;
/** Sooner when every process has taken its leave: it was another command's, and that has ended. */
const FLEET_GONE_MS = 3_000;

export function createFleetKeeper(open: OpenFleet, options: FleetKeeperOptions): FleetKeeper {
  const { redis, clock } = open;
  const providers = [...new Set(options.models.map((model) => splitModelId(model).provider))];
  let own: FleetProcess | undefined;
  let starting: Promise<void> | undefined;
  let seenAt = clock.now();
  let toldWhyNot = false;

  const start = async () => {
    if (own) return;
    const processes = await liveProcesses(redis);
    if (servesTask(processes, options.task, providers)) {
      say(`a fleet of ${processes.length} ${processes.length === 1 ? "process" : "processes"} is running: it does the work`);
      if (processes.some((each) => each.configHash !== open.fleet.hash))
        say("warning: it runs with another configuration than this command's");
      return;
    }
    own = await startOwn(open, options);
    if (own.webUrl) say(`dashboard ${own.webUrl}/ · queues ${own.webUrl}/queues`);
  };

  const ensure = (): Promise<void> => {
    starting ??= start().finally(() => (starting = undefined));
    return starting;
  };

  return {
    ensure,
    async replaceLost() {
      const processes = await liveProcesses(redis);
      if (processes.some((each) => each.roles.includes("router"))) seenAt = clock.now();
      if (clock.now() - seenAt < (processes.length === 0 ? FLEET_GONE_MS : ROUTER_GONE_MS)) return;
      try {
        await ensure();
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        if (!toldWhyNot) say(`warning: the fleet is gone, and this command can't start one: ${error.message}`);
        toldWhyNot = true;
      }
    },
    async stop(graceMs) {
      await starting?.catch(() => undefined);
      await own?.stop(graceMs);
    },
  };
}

async function startOwn(open: OpenFleet, { role, config, web = false }: FleetKeeperOptions): Promise<FleetProcess> {
  const environment = readEnvironment();
  const fleet: Fleet = await loadFleet(config, { environment }); // vendors will be called: the keys must be there
  return startFleetProcess({
    fleet,
    redisUrl: open.redisUrl,
    roles: allRoles(fleet, { web }),
    clock: open.clock,
    log: processLog(role, environment.variable("LOG_LEVEL") ?? "error"),
  });
}
