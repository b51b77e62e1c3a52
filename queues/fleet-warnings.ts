// What should worry somebody who looks at the fleet: processes that disagree on the configuration, and work that no process does.

import type { Fleet } from "../src/config/fleet.ts";
import { isOver, type BatchStatus } from "../src/job/batch.ts";
import { splitModelId } from "../src/job/names.ts";
import type { Heartbeat } from "./fleet-registry.ts";

export interface FleetSeen {
  readonly fleet: Fleet;
  readonly batches: readonly BatchStatus[];
  readonly processes: readonly Heartbeat[];
}

export function fleetWarnings(seen: FleetSeen): readonly string[] {
  return [...disagreement(seen), ...missingRoles(seen)];
}

function disagreement({ fleet, processes }: FleetSeen): readonly string[] {
  const others = processes.filter((each) => each.configHash !== fleet.hash);
  if (others.length === 0) return [];
  const named = others.map((each) => `${each.roles.join(", ")} (${each.host}, pid ${each.pid})`).join("; ");
  const verb = others.length === 1 ? "1 process runs" : `${others.length} processes run`;
  return [`${verb} another configuration than ${fleet.path}: ${named}. Give every process the same file and restart those.`];
}

/** Nobody is missed while nothing is to be done: an inbox is live for ever, a paused batch waits on purpose. */
function missingRoles({ fleet, batches, processes }: FleetSeen): readonly string[] {
  const live = batches.filter((batch) => !isOver(batch.state) && !batch.paused && batch.stored < (batch.total ?? batch.cursor));
  if (live.length === 0) return [];
  const providers = live.flatMap((batch) => {
    const models = fleet.tasks.get(batch.task)?.route.flatMap((step) => step.models) ?? [];
    return models.map((model) => `pool:${splitModelId(model).provider}`);
  });
  const running = new Set(processes.flatMap((each) => each.roles));
  const missing = [...new Set(["router", "reroute", "recorder", ...providers])].filter((role) => !running.has(role));
  if (missing.length === 0) return [];
  const commands = missing.map((role) => `modelfleet ${role.replace(":", " ")}`).join(", ");
  return [`Work is waiting, and no process runs ${missing.join(", ")}. Start ${missing.length === 1 ? "it" : "them"}: ${commands}.`];
}
