// Live totals in Redis: what the calls of each day of UTC come to, by combination of task, model, tenant and tags, and what those of the fleet's whole life do. They
// say what the stores' ledgers say: each change of a ledger is counted once, by the watermark of its batch.

import type { Redis } from "ioredis";
import { DAY_MS, dayOf } from "../job/day.ts";
import type { LedgerChange } from "../job/ledger-changes.ts";
import type { LedgerEntry } from "../job/ledger.ts";
import { totalsKeys, totalsOfDayKey } from "../runtime/keys.ts";
import { runScript } from "../runtime/redis-script.ts";
import { addTotals, sumChanges, TOTAL_NAMES, type CallTotals } from "./call-totals.ts";
import { combinationField, parseCombination, wideFields, type Combination } from "./combination.ts";
import { countScript } from "./count-script.ts";

/** A day's totals stay this long after it is over. */
export const KEPT_DAYS = 62;
/** Combinations of a day that are told apart by their tags; twice as many by their tenants. */
export const ROOM = 2_000;
/** Places among the script's keys, from 1. */
const FLEET = 2;
const FIRST_DAY = Object.keys(totalsKeys).length + 1;

/** Combinations, each with what its calls come to. */
export type CombinationTotals = Combination & CallTotals;

export interface DayTotals {
  /** `2026-11-23`, of UTC. */
  readonly day: string;
  readonly combinations: readonly CombinationTotals[];
}

export interface LiveTotals {
  /** The id of the last result of the batch that is counted; "" for none. */
  watermark(batch: string): Promise<string>;
  /**
   * Counts what results up to `lastId` changed since the watermark, if that is still `after`: safe to be repeated. Undefined: done; else the watermark that there is in
   * its place.
   */
  count(
    batch: string,
    part: { readonly after: string; readonly lastId: string; readonly changes: readonly LedgerChange[] },
  ): Promise<string | undefined>;
  /** Of a batch whose results have gone from Redis. */
  forget(batch: string): Promise<void>;
}

export function createLiveTotals(redis: Redis, { room = ROOM }: { readonly room?: number } = {}): LiveTotals {
  return {
    async watermark(batch) {
      return (await redis.hget(totalsKeys.watermarks, batch)) ?? "";
    },
    async count(batch, { after, lastId, changes }) {
      const { days, sums } = sumsOf(changes);
      const keys = [...Object.values(totalsKeys), ...days.map(totalsOfDayKey)];
      const args = [batch, after, lastId, room, JSON.stringify(sums), ...days.map(expiryOf)];
      const reply = await runScript<number | string>(redis, countScript, keys, args);
      return reply === 1 ? undefined : String(reply);
    },
    async forget(batch) {
      await redis.hdel(totalsKeys.watermarks, batch);
    },
  };
}

/** Days of UTC, `2026-11-23`; a day nothing was counted for has no combinations. */
export async function readDayTotals(redis: Redis, days: readonly string[]): Promise<readonly DayTotals[]> {
  const hashes = await Promise.all(days.map((day) => redis.hgetall(totalsOfDayKey(day))));
  return days.map((day, i) => ({ day, combinations: Object.entries(hashes[i] ?? {}).map(parseTotals) }));
}

/** What calls came to at most over the fleet's life, by task, model and tenant: of all tags together. It never falls. */
export async function readFleetCounters(redis: Redis): Promise<readonly CombinationTotals[]> {
  return Object.entries(await redis.hgetall(totalsKeys.fleetMost)).map(parseTotals);
}

/** As the script takes them: index of the hash among its keys, from 1, the fields, the numbers. */
type Sum = readonly [index: number, field: string, withoutTags: string, withoutTenant: string, ...numbers: number[]];

function sumsOf(changes: readonly LedgerChange[]): { readonly days: readonly string[]; readonly sums: readonly Sum[] } {
  const samples = new Map<string, LedgerEntry>();
  const byPlace = sumChanges(changes, (entry) => {
    // Not yet in its final form, which is made once for all that are alike.
    const place = JSON.stringify([Math.floor(entry.at / DAY_MS), entry.task, entry.model, entry.tenant ?? null, entry.tags]);
    if (!samples.has(place)) samples.set(place, entry);
    return place;
  });
  const days = [...new Set(Array.from(samples.values(), ({ at }) => dayOf(at)))];
  const sums: Sum[] = [];
  const ofFleet = new Map<string, { readonly withoutTenant: string; readonly totals: CallTotals }>();
  for (const [place, totals] of byPlace) {
    const entry = samples.get(place)!;
    const [withoutTags, withoutTenant] = wideFields(entry);
    sums.push([FIRST_DAY + days.indexOf(dayOf(entry.at)), combinationField(entry), withoutTags, withoutTenant, ...numbersOf(totals)]);
    const known = ofFleet.get(withoutTags);
    ofFleet.set(withoutTags, { withoutTenant, totals: known ? addTotals(known.totals, totals) : totals });
  }
  for (const [field, { withoutTenant, totals }] of ofFleet) sums.push([FLEET, field, field, withoutTenant, ...numbersOf(totals)]);
  return { days, sums };
}

function numbersOf(totals: CallTotals): readonly number[] {
  return TOTAL_NAMES.map((name) => totals[name]);
}

function parseTotals([field, values]: readonly [string, string]): CombinationTotals {
  const numbers = values.split(",").map(Number);
  const totals = Object.fromEntries(TOTAL_NAMES.map((name, i) => [name, numbers[i] ?? 0])) as unknown as CallTotals;
  return { ...parseCombination(field), ...totals };
}

function expiryOf(day: string): number {
  return Date.parse(day) + (KEPT_DAYS + 1) * DAY_MS;
}
