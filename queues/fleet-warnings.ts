// What should worry somebody who looks at the fleet: processes that disagree on the configuration, and work that no process does.

import type { Fleet } from "../src/config/fleet.ts";
import { isOver, type BatchStatus } from "../src/job/batch.ts";
import { splitModelId } from "../src/job/names.ts";
import { taskModels } from "../src/job/task.ts";
import type { DriftNote } from "./drift-notes.ts";
import type { Heartbeat } from "./fleet-registry.ts";

export interface FleetSeen {
  readonly drifts: readonly DriftNote[];
  readonly fleet: Fleet;
  readonly batches: readonly BatchStatus[];
  readonly processes: readonly Heartbeat[];
}

export function fleetWarnings(seen: FleetSeen): readonly string[] {
  return [...disagreement(seen), ...missingRoles(seen), ...fallenAnswers(seen)];
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
    const task = fleet.tasks.get(batch.task);
    return (task ? taskModels(task) : []).map((model) => `pool:${splitModelId(model).provider}`);
  });
  const running = new Set(processes.flatMap((each) => each.roles));
  const missing = [...new Set(["router", "reroute", "recorder", ...providers])].filter((role) => !running.has(role));
  if (missing.length === 0) return [];
  const commands = missing.map((role) => `modelfleet ${role.replace(":", " ")}`).join(", ");
  return [`Work is waiting, and no process runs ${missing.join(", ")}. Start ${missing.length === 1 ? "it" : "them"}: ${commands}.`];
}

function fallenAnswers({ fleet, drifts }: FleetSeen): readonly string[] {
  const watched = drifts.filter(({ task }) => fleet.tasks.get(task)?.drift !== undefined);
  return watched.map(({ task, of, subject, before, now, seen }) => {
    const what =
      of === "checks" ? `${subject} passes ${share(now)} of its checks` : `${subject.replaceAll("+", " and ")} agree on ${share(now)}`;
    const demoted = of === "checks" && fleet.tasks.get(task)?.drift?.isDemoting ? " It goes behind all others until it recovers." : "";
    return `Drift in ${task}: ${what} of late (${Math.round(seen)} answers), the pilot saw ${share(before)}.${demoted} Run the pilot again: modelfleet pilot FILE --task ${task}.`;
  });
}

function share(rate: number): string {
  return `${(rate * 100).toFixed(1)} %`;
}
