// Following a batch until it is over: progress, rows to be fed again, and patience when nothing moves.

import { isOver, type BatchStatus } from "../src/job/batch.ts";
import { StoppedError, UsageError } from "../src/job/errors.ts";
import type { OpenFleet } from "./open-fleet.ts";
import type { Progress } from "./progress.ts";
import type { Holdup } from "./why-stuck.ts";

const POLL_MS = 250;
/** Nothing has ended for this long: the reason is looked for, and again as often. */
const STUCK_MS = 4_000;

export interface FollowOptions {
  readonly batch: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** Nothing has ended for this long → StoppedError with the reasons. */
  readonly patienceMs?: number;
  /** Called at each poll. */
  readonly onPoll?: (status: BatchStatus) => Promise<void>;
  /** Why nothing may be moving, for the line of progress and the message. */
  readonly whyStuck?: () => Promise<readonly Holdup[]>;
}

/** Resolves with the last status: of a batch that is over, or of one still running when `signal` aborts. */
export async function followBatch(open: OpenFleet, options: FollowOptions): Promise<BatchStatus> {
  const { states, clock } = open;
  const { batch, progress, signal, patienceMs } = options;
  let movedAt = clock.now();
  let lastDone = -1;
  let note = "";
  let noteAt = 0;
  const noteWhy = async () => {
    const now = clock.now();
    if (now - movedAt < STUCK_MS) note = "";
    else if (now - noteAt > STUCK_MS) {
      noteAt = now;
      note = reasonsOf((await options.whyStuck?.()) ?? []);
    }
  };
  try {
    for (;;) {
      const status = await states.status(batch);
      if (!status) throw new UsageError(`there is no batch "${batch}"`, "See them with: modelfleet status");
      if (status.done !== lastDone || status.paused) movedAt = clock.now();
      lastDone = status.done;
      if (signal.aborted) return status;
      await noteWhy();
      progress.update(status, note);
      if (isOver(status.state)) return status;
      if (patienceMs !== undefined && clock.now() - movedAt > patienceMs) {
        throw outOfPatience(patienceMs, (await options.whyStuck?.()) ?? []);
      }
      await options.onPoll?.(status);
      await clock.sleep(POLL_MS, signal);
    }
  } finally {
    progress.end();
  }
}

function outOfPatience(patienceMs: number, holdups: readonly Holdup[]): StoppedError {
  const reasons = reasonsOf(holdups);
  const remedies = [...new Set(holdups.flatMap(({ remedy }) => remedy ?? []))];
  return new StoppedError(
    `no row has ended for ${Math.round(patienceMs / 1_000)} s${reasons === "" ? "" : `: ${reasons}`}`,
    `${remedies.length > 0 ? `To go on: ${remedies.join("; ")}. ` : ""}Nothing is lost: the same command again goes on from here.`,
  );
}

function reasonsOf(holdups: readonly Holdup[]): string {
  return holdups.map(({ reason }) => reason).join("; ");
}
