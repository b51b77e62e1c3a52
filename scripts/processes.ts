// modelfleet up · web · router · pool · reroute · recorder: the processes of the fleet, alone or all together.

import { InvalidArgumentError, type Command } from "commander";
import type { Fleet } from "../src/config/fleet.ts";
import { loadFleet } from "../src/config/load.ts";
import { readEnvironment } from "../src/runtime/environment.ts";
import { listenForShutdown } from "../src/runtime/shutdown.ts";
import { systemClock } from "../src/runtime/clock.ts";
import { allRoles, startFleetProcess, type Role } from "../workers/fleet-process.ts";
import { configOption } from "./batch-options.ts";
import { findRedis, processLog } from "./open-fleet.ts";
import { reportError, say } from "./terminal.ts";

interface Options {
  readonly config?: string;
  readonly grace: number;
  readonly web?: boolean;
}

/** Calls in flight get this long at shutdown, unless told otherwise. */
const GRACE_SECONDS = 20;

export function registerProcesses(program: Command): void {
  const add = (name: string, description: string) =>
    configOption(program.command(name))
      .description(description)
      .option("--grace <seconds>", "how long calls in flight may go on at shutdown", seconds, GRACE_SECONDS);

  add("up", "the whole fleet on this machine, with dashboard")
    .option("--no-web", "without the web pages")
    .action((options: Options) => serve(options, (fleet) => allRoles(fleet, { web: options.web !== false })));
  add("web", "one process of the fleet: HTTP, dashboard, Bull Board, metrics").action((options: Options) => serve(options, () => ["web"]));
  add("router", "one process of the fleet: binds jobs to models").action((options: Options) => serve(options, () => ["router"]));
  add("pool <provider>", "one process of the fleet: calls one provider's models").action((provider: string, options: Options) =>
    serve(options, () => [`pool:${provider}`]),
  );
  add("reroute", "one process of the fleet: moves failed jobs to other models").action((options: Options) =>
    serve(options, () => ["reroute"]),
  );
  add("recorder", "one process of the fleet: writes results to the store").action((options: Options) => serve(options, () => ["recorder"]));
}

async function serve(options: Options, rolesOf: (fleet: Fleet) => readonly Role[]): Promise<void> {
  const graceMs = options.grace * 1_000;
  const shutdown = listenForShutdown(() => say(`stopping: calls in flight get ${graceMs / 1_000} s; press Ctrl-C again to stop at once`));
  const fleet = await loadFleet(options.config, { environment: readEnvironment() });
  for (const warning of fleet.warnings) say(`warning: ${warning}`);
  const roles = rolesOf(fleet);
  const server = await findRedis(fleet);
  try {
    const running = await startFleetProcess({
      fleet,
      redisUrl: server.url,
      roles,
      clock: systemClock,
      log: processLog(roles.length > 1 ? "fleet" : roles[0]!),
    });
    say(`modelfleet ${roles.join(", ")}: running${fleet.redisUrl === undefined ? ` with its own Redis, ${server.url}` : ""}`);
    if (running.webUrl) say(`dashboard ${running.webUrl}/ · queues ${running.webUrl}/queues · metrics ${running.webUrl}/metrics`);
    if (!shutdown.signal.aborted) await new Promise((resolve) => shutdown.signal.addEventListener("abort", resolve, { once: true }));
    // What could not be stopped would keep the process alive.
    await running.stop(graceMs).catch((error: unknown) => process.exit(reportError(error)));
  } finally {
    await server.stop();
    shutdown.dispose();
  }
}

function seconds(text: string): number {
  if (!/^\d{1,6}(\.\d+)?$/.test(text)) throw new InvalidArgumentError("a number of seconds is expected.");
  return Number(text);
}
