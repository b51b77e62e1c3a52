// npm run bench:limits: how exactly the fleet keeps to its vendors' limits, and what it does when a vendor is not well. Everything is told by the simulator's
// ledger, which knows what was really called; the fleet's processes are real ones.

import { Command } from "commander";
import { StoppedError, UsageError } from "../src/job/errors.ts";
import { listenForShutdown } from "../src/runtime/shutdown.ts";
import { benchBaselines } from "./bench-limits-baselines.ts";
import { benchCaps } from "./bench-limits-caps-part.ts";
import type { Cap } from "./bench-limits-caps.ts";
import { benchFaults } from "./bench-limits-faults.ts";
import { benchMakespan } from "./bench-limits-makespan.ts";
import { benchOverhead } from "./bench-limits-overhead.ts";
import { benchOutage } from "./bench-limits-outage-part.ts";
import type { Part, PartContext } from "./bench-limits-part.ts";
import { renderPart } from "./bench-limits-report.ts";
import { openStage } from "./bench-stage.ts";
import { reportError, say } from "./terminal.ts";

const PARTS: Readonly<Record<string, Part>> = {
  caps: benchCaps,
  faults: benchFaults,
  makespan: benchMakespan,
  baselines: benchBaselines,
  overhead: benchOverhead,
  outage: benchOutage,
};
/** What --quick plays where no parts are named. */
const QUICK_PARTS = ["caps"];

interface Options {
  readonly quick?: boolean;
  readonly only?: readonly string[];
  readonly caps?: readonly string[];
  readonly pools?: readonly string[];
  readonly faults?: readonly string[];
  readonly profile?: string;
}

const program = new Command("bench:limits")
  .description(
    "how exactly the fleet keeps to its vendors' limits, and what it does when a vendor is not well; a table for each part, then one line of JSON",
  )
  .addHelpText(
    "after",
    `
Parts, with the minutes they take:
  caps       16  use of each cap under saturation, share of calls refused, with 1, 2 and 4 pool processes
  faults      4  the same with a pool process killed, and with somebody else on the account
  makespan    2  a finite mixed batch against the least time that the limits allow
  baselines   4  the same work by BullMQ's own limiter, p-limit and bottleneck, side by side
  overhead    2  CPU per job with limits that never bind, against none
  outage      6  a vendor dies under full load, and comes back

What was really called is told by the simulator's own ledger. Everything runs on this machine, which should have nothing else to do.`,
  )
  .option("--only <part...>", `of ${Object.keys(PARTS).join(", ")}`)
  .option("--quick", "short windows, few variants, less exact; without --only: caps alone, half a minute")
  .option("--caps <cap...>", "caps: only these, in requests per minute, or tokens")
  .option("--pools <number...>", "caps: only these numbers of pool processes")
  .option("--faults <fault...>", "outage: only these of refuse, closed, outage, hang")
  .option("--profile <folder>", "have every process write a CPU profile there");

try {
  await bench(program.parse().opts<Options>());
} catch (error) {
  process.exitCode = reportError(error);
}

async function bench({ quick, only, caps, pools, faults, profile }: Options): Promise<void> {
  const unknown = only?.find((part) => !(part in PARTS));
  if (unknown !== undefined) throw new UsageError(`there is no part "${unknown}"`, `Its parts are: ${Object.keys(PARTS).join(", ")}.`);
  const chosen = only ?? (quick ? QUICK_PARTS : Object.keys(PARTS));
  const shutdown = listenForShutdown(() => say("stopping"));
  const context: PartContext = {
    isQuick: quick ?? false,
    ...(caps ? { caps: caps.map((cap): Cap => (cap === "tokens" ? cap : wholeNumber(cap))) } : {}),
    ...(pools ? { pools: pools.map(wholeNumber) } : {}),
    ...(faults ? { faults } : {}),
    tell: say,
    async onStage(play) {
      const stage = await openStage({ signal: shutdown.signal, profileDir: profile });
      try {
        return await play(stage);
      } finally {
        await stage.stop();
      }
    },
  };
  const found: Record<string, object> = {};
  try {
    for (const [name, part] of Object.entries(PARTS)) {
      if (!chosen.includes(name)) continue;
      const report = await part(context);
      found[name] = report.data;
      process.stdout.write(`\n${renderPart(report)}\n\n`);
    }
    process.stdout.write(`${JSON.stringify({ bench: "limits", parts: found })}\n`);
  } catch (error) {
    if (!shutdown.signal.aborted) throw error;
    throw new StoppedError("interrupted", undefined, { cause: error });
  } finally {
    shutdown.dispose();
  }
}

function wholeNumber(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new UsageError(`"${text}" is not a whole number above zero`);
}
