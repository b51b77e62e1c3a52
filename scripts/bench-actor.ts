// The process of an actor: made by its kind, then carries out commands until it is told to end (or its parent is gone).

import { bareProducer, bareRecorder, bareWorker } from "./bench-bare.ts";
import { fleetProducer, fleetRole, simulatedVendor } from "./bench-fleet.ts";
import { fleetRoles, foreignClient, rowProducer, simulatedVendors } from "./bench-limits-actors.ts";
import { bottleneckClient, bullmqClient, pLimitClient } from "./bench-limits-baseline-actors.ts";
import type { ActorReply, ActorRequest, Commands } from "./bench-stage.ts";

const KINDS: Readonly<Record<string, (options: never) => Promise<Commands> | Commands>> = {
  bareProducer,
  bareRecorder,
  bareWorker,
  bottleneckClient,
  bullmqClient,
  fleetProducer,
  fleetRole,
  fleetRoles,
  foreignClient,
  pLimitClient,
  rowProducer,
  simulatedVendor,
  simulatedVendors,
};

const [kind = "", options = "{}"] = process.argv.slice(2);
const send = (reply: ActorReply) => process.send?.(reply);
const shown = (error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : String(error));

const made = await KINDS[kind]!(JSON.parse(options) as never);
const commands: Commands = { ...made, cpu: () => Promise.resolve(cpuMs()) };

process.on("disconnect", () => process.exit());
process.on("message", ({ id, command, options: given }: ActorRequest) => {
  void Promise.resolve()
    .then(() => commands[command]!(given as never))
    .then(
      (value) => send({ id, value }),
      (error: unknown) => send({ id, error: shown(error) }),
    )
    .then(() => (command === "end" ? process.exit() : undefined));
});
send({ id: 0 });

/** CPU time of this process so far. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
