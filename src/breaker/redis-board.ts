// The fleet's breakers, in Redis: one slot per provider.

import type { Redis } from "ioredis";
import { providerKeys } from "../runtime/keys.ts";
import { runScript } from "../runtime/redis-script.ts";
import type { BreakerBoard } from "./breaker-board.ts";
import type { BreakerSettings, Tally } from "./breaker-machine.ts";
import { countScript } from "./count-script.ts";
import { readScript } from "./read-script.ts";
import { swapScript } from "./swap-script.ts";

export function createRedisBoard({ redis, settings }: { redis: Redis; settings: BreakerSettings }): BreakerBoard {
  return {
    async read(provider) {
      const [now, ...fields] = await runScript<[number, ...string[]]>(redis, readScript, [providerKeys(provider).breakers], []);
      const states = new Map<string, string>();
      for (let i = 0; i < fields.length; i += 2) states.set(fields[i] ?? "", fields[i + 1] ?? "");
      return { now, states };
    },
    async count(provider, counts) {
      const args = Array.from(counts, ([field, { ok, failed }]) => [field, ok, failed]).flat();
      const keys = [providerKeys(provider).tallies];
      const [now = 0, ...sums] = await runScript<number[]>(redis, countScript, keys, [settings.windowMs, settings.cellMs, ...args]);
      const windows = new Map<string, Tally>();
      [...counts.keys()].forEach((field, i) => windows.set(field, { ok: sums[2 * i] ?? 0, failed: sums[2 * i + 1] ?? 0 }));
      return { now, windows };
    },
    async swap(provider, field, expected, next) {
      const { breakers, tallies } = providerKeys(provider);
      return (await runScript<string>(redis, swapScript, [breakers, tallies], [field, expected ?? "", next ?? ""])) || undefined;
    },
  };
}
