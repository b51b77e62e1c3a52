// The breakers as Redis has them at this moment, for readers that don't run one of their own.

import type { Redis } from "ioredis";
import type { BreakerState } from "../src/breaker/breaker.ts";
import { WHOLE_PROVIDER } from "../src/breaker/breaker-board.ts";
import { DEFAULT_BREAKER_SETTINGS, visibleState, worseState, type StoredBreaker } from "../src/breaker/breaker-machine.ts";
import { createRedisBoard } from "../src/breaker/redis-board.ts";
import { splitModelId, type ModelId } from "../src/job/names.ts";

/** Every model's state, its provider's included (the worse of the two). One script per provider. */
export async function readBreakers(redis: Redis, models: Iterable<ModelId>): Promise<ReadonlyMap<ModelId, BreakerState>> {
  const ids = [...models];
  const board = createRedisBoard({ redis, settings: DEFAULT_BREAKER_SETTINGS });
  const providers = [...new Set(ids.map((id) => splitModelId(id).provider))];
  const copies = new Map(await Promise.all(providers.map(async (provider) => [provider, await board.read(provider)] as const)));
  return new Map(
    ids.map((id) => {
      const copy = copies.get(splitModelId(id).provider)!;
      const stateOf = (field: string): BreakerState => {
        const text = copy.states.get(field);
        return visibleState(text === undefined ? undefined : (JSON.parse(text) as StoredBreaker), copy.now);
      };
      return [id, worseState(stateOf(WHOLE_PROVIDER), stateOf(id))];
    }),
  );
}
