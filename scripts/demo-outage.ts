// The demo's plot: halfway through the batch a vendor goes down, a few seconds later it is back. What the fleet makes of it is told as it is seen.

import type { BatchStatus } from "../src/job/batch.ts";
import { splitModelId, type ModelId } from "../src/job/names.ts";
import type { TaskSpec } from "../src/job/task.ts";
import { readBreakers } from "../queues/breaker-states.ts";
import type { OpenFleet } from "./open-fleet.ts";
import type { Progress } from "./progress.ts";
import { say } from "./terminal.ts";

export interface Outage {
  /** The given progress, with a word on what is going on. */
  readonly progress: Progress;
  /** To be called at each poll of the batch: takes the vendor down, brings it back, and tells. */
  onPoll(status: BatchStatus): Promise<void>;
}

/** Long enough for the breaker to open: it waits until half of the calls of its last ten seconds have failed. */
const DOWN_MS = 8_000;

/** The vendor is that of the route's first choice, which the simulator knows under the provider's name. */
export function createOutage(options: {
  readonly open: OpenFleet;
  readonly task: TaskSpec;
  readonly simulatorUrl: string;
  readonly progress: Progress;
}): Outage {
  const { open, task, simulatorUrl, progress } = options;
  const { clock } = open;
  const model = task.route.steps[0]!.models[0]!;
  const vendor = splitModelId(model).provider;
  const startedAt = clock.now();
  let phase: "before" | "down" | "back" | "recovered" = "before";
  let bringBackAt = Infinity;
  let isOpenTold = false;

  /** A line of its own: the bar goes away, and comes back with the next update. */
  const tell = (text: string) => {
    progress.end();
    say(`${((clock.now() - startedAt) / 1_000).toFixed(0).padStart(4)} s  ${text}`);
  };

  const tellBreaker = async () => {
    const state = (await readBreakers(open.redis, [model])).get(model);
    if (!isOpenTold && state?.kind === "open") {
      isOpenTold = true;
      tell(`The breaker of ${model} opens (${shortReason(state.reason, model)}): its tickets go to other models.`);
    }
    if (phase === "back" && state?.kind === "closed") {
      phase = "recovered";
      if (isOpenTold) tell(`A probe was answered: the breaker closes, and ${model} takes tickets again.`);
    }
  };

  return {
    progress: {
      update(status, note) {
        if (status.cursor > 0) progress.update(status, phase === "down" ? `${vendor} is down` : note);
      },
      end: () => progress.end(),
    },
    async onPoll({ done, total }) {
      if (phase === "before" && total !== undefined && done >= total / 2) {
        await control(simulatorUrl, "POST", "", { vendor, fault: "outage" });
        phase = "down";
        bringBackAt = clock.now() + DOWN_MS;
        tell(`The vendor ${vendor} is taken down: every call to it ends in a server error now.`);
      } else if (phase === "down" && clock.now() >= bringBackAt) {
        await control(simulatorUrl, "DELETE", `?vendor=${vendor}`);
        phase = "back";
        tell(`The vendor ${vendor} is back.`);
      }
      if (phase === "down" || phase === "back") await tellBreaker();
    },
  };
}

async function control(simulatorUrl: string, method: "POST" | "DELETE", query: string, body?: object): Promise<void> {
  const response = await fetch(`${simulatorUrl}/_control/faults${query}`, { method, ...(body ? { body: JSON.stringify(body) } : {}) });
  if (!response.ok) throw new Error(`the simulator refuses: ${response.status} ${await response.text()}`);
}

/** Without the model's name, which the sentence has already. */
function shortReason(reason: string, model: ModelId): string {
  return reason.replace(`${model}: `, "");
}
