// An abort signal that many wait on at once, each for as long as its own work takes.

import { setMaxListeners } from "node:events";

/** Lifts Node's warning at eleven listeners, which takes many waiters for a leak. Answers with the signal. */
export function sharedSignal(signal: AbortSignal): AbortSignal {
  setMaxListeners(0, signal);
  return signal;
}
