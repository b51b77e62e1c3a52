// caps: a fleet that always has work, held against the vendors' caps, with 1, 2 and 4 pool processes.
//
// Caps far below what the machine can do share a run, each with a vendor of its own; the highest has one to itself. Every pool process runs the pools of all
// vendors of its run. Rows lie in the task queues beforehand, more than can be called.

import { poolProcesses, startFleet, startVendors, watchSlots, type Slots } from "./bench-limits-fleet.ts";
import { share429, stretchBetween, useOf, type Dimension, type Stretch } from "./bench-limits-ledger.ts";
import { taskPerModel, type ModelLimits, type VendorSetup } from "./bench-limits-setup.ts";
import { hasMeetings, meanMeetingTokens } from "./bench-limits-work.ts";
import { measureWindow } from "./bench-limits-window.ts";
import type { Stage } from "./bench-stage.ts";

/** `tokens`: 600,000 tokens per minute; a number: so many requests per minute. */
export type Cap = number | "tokens";

/** The kinds of vendors, and how much each lets through at once. */
const VENDOR_KINDS = [
  { kind: "openai", burstSeconds: 1 },
  { kind: "openai", burstSeconds: 10 },
  { kind: "anthropic", burstSeconds: 1 },
] as const;
const TOKENS_PER_MINUTE = 600_000;
/** Beside a limit of tokens, far from it: every real vendor has both. */
const AMPLE_RPM = 6_000;
/** From here on a vendor has the machine to itself. */
const ALONE_FROM_RPM = 20_000;
/** Rows for the time in which the processes start, and some to be left over. */
const SPARE_MS = 30_000;
/** With less than this left at the end, the queues may not have been full all the time. */
const LEAST_LEFT_SECONDS = 6;
const MODEL = "m";

export interface CapsScale {
  readonly caps: readonly Cap[];
  readonly pools: readonly number[];
  readonly warmUpMs: number;
  readonly windowMs: number;
}

/** What of one vendor was measured in one run. */
export interface CapUse {
  readonly cap: Cap;
  readonly vendor: VendorSetup;
  readonly pools: number;
  readonly stretch: Stretch;
  readonly dimension: Dimension;
  readonly use: number;
  readonly share429: number;
  readonly slots: Slots;
  /** The work ran out before the end: the figures are of no use. */
  readonly ranDry: boolean;
}

export interface CapsRun {
  readonly uses: readonly CapUse[];
  /** Of the machine, meanwhile. */
  readonly idle: number;
  /** CPU time per call of all vendors together, in microseconds. */
  readonly cpuUs: Readonly<Record<"pools" | "router" | "recorder" | "redis", number>>;
}

/** The runs that the scale comes to; each wants a stage of its own. */
export function capsRuns({ caps, pools }: CapsScale): readonly { readonly vendors: readonly VendorSetup[]; readonly pools: number }[] {
  const playable = caps.filter((cap) => cap !== "tokens" || hasMeetings);
  const low = playable.filter((cap) => cap === "tokens" || cap < ALONE_FROM_RPM);
  const high = playable.filter((cap) => !low.includes(cap));
  const together = low.length === 0 ? [] : [low.flatMap((cap) => VENDOR_KINDS.map((each) => vendorAt(cap, each)))];
  const alone = high.flatMap((cap) => VENDOR_KINDS.map((each) => [vendorAt(cap, each)]));
  return pools.flatMap((count) => [...together, ...alone].map((vendors) => ({ vendors, pools: count })));
}

function vendorAt(cap: Cap, { kind, burstSeconds }: (typeof VENDOR_KINDS)[number]): VendorSetup {
  const tokens = kind === "openai" ? { tpm: TOKENS_PER_MINUTE } : { itpm: TOKENS_PER_MINUTE, otpm: TOKENS_PER_MINUTE };
  const limits: ModelLimits = cap === "tokens" ? { rpm: AMPLE_RPM, ...tokens } : { rpm: cap };
  const work = cap === "tokens" ? "meetings" : "tickets";
  return { name: `${kind}-${cap}-${burstSeconds}s`, kind, burstSeconds, models: { [MODEL]: { limits, work } } };
}

export async function runCaps(
  stage: Stage,
  {
    vendors,
    pools,
    warmUpMs,
    windowMs,
  }: { readonly vendors: readonly VendorSetup[]; readonly pools: number; readonly warmUpMs: number; readonly windowMs: number },
): Promise<CapsRun> {
  const { url } = await startVendors(stage, vendors);
  const tasks = taskPerModel(vendors);
  const producer = await stage.actor("rowProducer");
  const perSecond = await Promise.all(vendors.map(callsPerSecond));
  const rows = perSecond.map((calls) => Math.ceil((calls * (SPARE_MS + warmUpMs + windowMs)) / 1_000));
  await Promise.all([
    startFleet(stage, { vendors, urlOf: () => url, tasks, pools: poolProcesses(vendors, pools) }),
    ...tasks.map(({ name, work }, i) => producer.call("produce", { task: name, batch: name, work, rows: rows[i] })),
  ]);
  await stage.sleep(warmUpMs);
  const slots = watchSlots(
    stage,
    url,
    vendors.map(({ name }) => ({ vendor: name, model: MODEL })),
  );
  const cpuBefore = await stage.cpu();
  const { before, after, idle } = await measureWindow(stage, url, windowMs).finally(() => slots.stop());
  const cpuAfter = await stage.cpu();
  const taken = await slots.stop();

  const uses = vendors.map((vendor, i): CapUse => {
    const { limits, work } = vendor.models[MODEL]!;
    const stretch = stretchBetween(before, after, { vendor: vendor.name, model: MODEL });
    return {
      cap: work === "meetings" ? "tokens" : limits.rpm!,
      vendor,
      pools,
      stretch,
      ...useOf(stretch, limits),
      share429: share429(stretch),
      slots: taken.get(`${vendor.name}/${MODEL}`)!,
      ranDry: rows[i]! - after.vendors[vendor.name]!.total.answered < perSecond[i]! * LEAST_LEFT_SECONDS,
    };
  });
  const calls = Math.max(
    1,
    uses.reduce((sum, { stretch }) => sum + stretch.calls, 0),
  );
  const cpuOf = (belongs: (name: string) => boolean) =>
    Array.from(cpuAfter, ([name, ms]) => (belongs(name) ? ms - (cpuBefore.get(name) ?? 0) : 0)).reduce(
      (sum, ms) => sum + (ms * 1_000) / calls,
      0,
    );
  return {
    uses,
    idle,
    cpuUs: {
      pools: cpuOf((name) => name.startsWith("pool ")),
      router: cpuOf((name) => name === "router"),
      recorder: cpuOf((name) => name === "recorder"),
      redis: cpuOf((name) => name === "Redis"),
    },
  };
}

async function callsPerSecond({ models }: VendorSetup): Promise<number> {
  const { limits, work } = models[MODEL]!;
  if (work === "tickets") return limits.rpm! / 60;
  return (TOKENS_PER_MINUTE / 60 / (await meanMeetingTokens())) * 1.2;
}
