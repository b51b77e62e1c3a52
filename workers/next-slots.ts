// How slots go from what they are to what is needed: at once, but not for every flutter, and never by more than is of use.

import { MOST_RAISE, RAISE_EXTRA } from "../src/limits/slots.ts";
import type { SlotReading } from "./slot-meter.ts";

/** Smaller changes are noise. */
const LEAST_CHANGE_SHARE = 0.15;
const LEAST_CHANGE = 1.5;
/** With fewer than this share of them taken at any moment, more would stay empty. */
const FULL_SHARE = 0.8;
/** As many always waited for permits as are granted in this time: that is enough, more of them would only wait as well. */
const ENOUGH_WAITING_SECONDS = 0.25;
/** As are granted in this time, and some are too many: another limit is at work than the configured ones (a pace, a foreign client, another model of the account). */
const LONG_WAITING_SECONDS = 1;
const SPARE = 4;

/** `needed`: by the limits and the latency. `isBusy`: this process is out of CPU, so that calls take longer for want of it, and more slots would only make that worse. */
export function nextSlots(
  present: number,
  { needed, reading, isBusy }: { readonly needed: number; readonly reading: SlotReading; readonly isBusy: boolean },
): number {
  const { occupied, calling, waiting, permitsPerSecond, granted, refused } = reading;
  // Until the next look at them, calls in flight may become more by as many as in the last second.
  const gained = Math.max(0, reading.gained);
  const surplus = waiting - gained;
  const isEnough = isBusy || occupied < present * FULL_SHARE || surplus > permitsPerSecond * ENOUGH_WAITING_SECONDS + 1;
  let wanted = Math.min(needed, isEnough ? present : present * MOST_RAISE + RAISE_EXTRA);
  // While the vendor has the model held, nothing is granted, and nothing is to be learned.
  const isCrowded = granted > 0 && (surplus > permitsPerSecond * LONG_WAITING_SECONDS + SPARE || refused > granted);
  if (isCrowded) wanted = Math.min(wanted, calling + gained + permitsPerSecond * LONG_WAITING_SECONDS + SPARE);
  return Math.abs(wanted - present) < Math.max(LEAST_CHANGE, present * LEAST_CHANGE_SHARE) ? present : wanted;
}
