// The fleet's breakers, in Redis: one slot per provider.

import type { Redis } from "ioredis";
import { providerKeys } from "../runtime/keys.ts";
import { runScript } from "../runtime/redis-script.ts";
import type { BreakerBoard } from "./breaker-board.ts";
import type { BreakerSettings } from "./breaker-machine.ts";
import { countScript } from "./count-script.ts";
import { readScript } from "./read-script.ts";
import { swapScript } from "./swap-script.ts";
import type { WindowTally } from "./tally.ts";

export function createRedisBoard({ redis, settings }: { redis: Redis; settings: BreakerSettings }): BreakerBoard {
  return {
    async read(provider) {
      const keys = [providerKeys(provider).breakers];
      const [now, ...states] = await runScript<[number, ...string[]]>(redis, readScript, keys, []);
      return { now, states: pairs(states) };
    },
    async count(provider, counts) {
      const { tallies, breakers } = providerKeys(provider);
      const args = Array.from(counts, ([field, { begun, ok, failed, streak, breaks }]) => [
        field,
        begun,
        ok,
        failed,
        streak,
        breaks ? 1 : 0,
      ]).flat();
      const [now, sums, states] = await runScript<[number, number[], string[]]>(
        redis,
        countScript,
        [tallies, breakers],
        [settings.windowMs, settings.cellMs, ...args],
      );
      const windows = new Map<string, WindowTally>();
      [...counts.keys()].forEach((field, i) => {
        const [begun = 0, ok = 0, failed = 0, streak = 0] = sums.slice(4 * i);
        windows.set(field, { begun, ok, failed, streak });
      });
      return { now, states: pairs(states), windows };
    },
    async swap(provider, field, expected, next) {
      const { breakers, tallies } = providerKeys(provider);
      return (await runScript<string>(redis, swapScript, [breakers, tallies], [field, expected ?? "", next ?? ""])) || undefined;
    },
  };
}

function pairs(flat: readonly string[]): ReadonlyMap<string, string> {
  const map = new Map<string, string>();
  for (let i = 0; i < flat.length; i += 2) map.set(flat[i] ?? "", flat[i + 1] ?? "");
  return map;
}
