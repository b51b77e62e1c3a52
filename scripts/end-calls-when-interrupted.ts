// The end of commands that make calls: the first signal lets calls in flight end and their results be kept, the second ends at once. So does an end that takes too long.

import { listenForShutdown, type Shutdown } from "../src/runtime/shutdown.ts";
import { say } from "./terminal.ts";

/** Calls in flight after Ctrl-C. */
export const GRACE_MS = 5_000;
/** Calls in flight and the recording of what they brought need less: who takes longer waits for a Redis or a store that is away. */
const LATEST_END_MS = 15_000;

export interface CallsEnd extends Shutdown {
  /** No call is left to be waited for: what follows may take its time. */
  noteCallsOver(): void;
}

/** `onFirst` is called before the first signal is told of, to take progress bars off the terminal. */
export function endCallsWhenInterrupted(onFirst: () => void = () => undefined): CallsEnd {
  let areCallsOver = false;
  const shutdown = listenForShutdown(() => {
    onFirst();
    say("stopping: calls in flight may end; Ctrl-C again stops at once");
    setTimeout(() => areCallsOver || giveUp(), LATEST_END_MS).unref();
  });
  return {
    ...shutdown,
    noteCallsOver() {
      areCallsOver = true;
    },
  };
}

/** What is waited for may never come, and would keep the process alive. */
function giveUp(): never {
  say(`interrupted: Redis or the store did not answer within ${LATEST_END_MS / 1_000} s. Nothing is lost: the same command again goes on.`);
  process.exit(130);
}
