// Signals: the first asks for a clean end, the second ends at once.

import { sharedSignal } from "./shared-signal.ts";

export interface Shutdown {
  /** Aborted by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  /** Which it was. */
  cause(): "SIGINT" | "SIGTERM" | undefined;
  /** Stops listening. */
  dispose(): void;
}

/** 128 + the signal's number, as shells count. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/** `onFirst` is called once, to tell the person at the terminal what happens now. */
export function listenForShutdown(onFirst: (cause: "SIGINT" | "SIGTERM") => void = () => undefined): Shutdown {
  const controller = new AbortController();
  let cause: "SIGINT" | "SIGTERM" | undefined;
  const handle = (name: "SIGINT" | "SIGTERM") => () => {
    if (cause !== undefined) process.exit(EXIT_CODES[name]);
    cause = name;
    onFirst(name);
    controller.abort();
  };
  const onInterrupt = handle("SIGINT");
  const onTerminate = handle("SIGTERM");
  process.on("SIGINT", onInterrupt);
  process.on("SIGTERM", onTerminate);
  return {
    signal: sharedSignal(controller.signal),
    cause: () => cause,
    dispose() {
      process.off("SIGINT", onInterrupt);
      process.off("SIGTERM", onTerminate);
    },
  };
}
