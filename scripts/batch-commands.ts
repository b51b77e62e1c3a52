// modelfleet cancel · pause · resume: what can be done to a batch while it runs.

import type { Command } from "commander";
import { UsageError } from "../src/job/errors.ts";
import { recallDelayed } from "../queues/recall-delayed.ts";
import { configOption } from "./batch-options.ts";
import { openFleet, type OpenFleet } from "./open-fleet.ts";
import { say } from "./terminal.ts";

interface Options {
  readonly config?: string;
}

export function registerBatchCommands(program: Command): void {
  const add = (name: string, description: string, act: (open: OpenFleet, batch: string) => Promise<void>) =>
    configOption(program.command(`${name} <batch>`))
      .description(description)
      .action(async (batch: string, options: Options) => {
        const open = await openFleet(options);
        try {
          await act(open, batch);
        } finally {
          await open.close();
        }
      });

  add("cancel", "end a batch: no more calls; rows without a result end as cancelled", async ({ states, queues }, batch) => {
    const before = known(await states.cancel(batch), batch);
    if (before === "open" || before === "sealed") {
      await recallDelayed(batch, queues);
      say(`batch ${batch} is being cancelled: calls in flight end, the other rows end as cancelled`);
    } else say(`batch ${batch} is ${before} already`);
  });
  add("pause", "hold a batch: calls in flight end, no new ones begin", async ({ states }, batch) => {
    const state = known(await states.pause(batch, true), batch);
    say(
      state === "open" || state === "sealed"
        ? `batch ${batch} is paused; go on with: modelfleet resume ${batch}`
        : `batch ${batch} is ${state} already`,
    );
  });
  add("resume", "let a paused batch go on", async ({ states }, batch) => {
    const state = known(await states.pause(batch, false), batch);
    say(
      state === "open" || state === "sealed"
        ? `batch ${batch} goes on; rows that were set aside return within some seconds`
        : `batch ${batch} is ${state}`,
    );
  });
}

function known<State extends string>(state: State | "unknown", batch: string): State {
  if (state === "unknown") throw new UsageError(`there is no batch "${batch}"`, "See them with: modelfleet status");
  return state;
}
