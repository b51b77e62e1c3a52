// Steps of several calls: their parts side by side, and the join. Each part's outcome is put into the batch's slot; whoever brings the last one hands the job to the
// reroute worker, which decides.
//
// A row may end before its parts are joined (its batch is cancelled, its deadline has passed). Then whoever ends it books what the parts there have cost, after the
// row's end; and who brings a part later finds the row ended, and books its own.

import type { Outcome } from "../src/job/outcome.ts";
import type { ResultError } from "../src/job/result.ts";
import type { BatchStates } from "../queues/batch-state.ts";
import type { CallEnvelope, PartOutcome } from "../queues/payload.ts";
import type { QueueSet } from "../queues/queue-set.ts";
import { ownEntries, withoutHop } from "./call-envelope.ts";
import type { Ending } from "./ending.ts";

export interface StepJoin {
  /**
   * The call that holds the hop for part 0 adds the others: so they are of one step, and there is one such job, whatever happened to who bound it. Those that
   * are there, or have been, are dropped or superseded.
   */
  addOthers(envelope: CallEnvelope): Promise<void>;
  /** Whether the part's outcome was brought before, by a process that was cut off before it could finish the queue job. */
  isBrought(envelope: CallEnvelope): Promise<boolean>;
  /** The first outcome that is brought of a part stays. */
  bring(envelope: CallEnvelope, outcome: Outcome): Promise<void>;
  /** The row ends with this error, whatever its other calls come to. */
  end(envelope: CallEnvelope, error: ResultError): Promise<void>;
}

export function isJoined({ step }: CallEnvelope): boolean {
  return step.models.length > 1;
}

export function createStepJoin({
  states,
  queues,
  ending,
}: {
  readonly states: BatchStates;
  readonly queues: QueueSet;
  readonly ending: Ending;
}): StepJoin {
  const join = async (envelope: CallEnvelope, all: readonly string[]) => {
    const { job, hop, round, step } = envelope;
    const joined = { step, parts: all.map((json) => JSON.parse(json)) };
    await queues.addReroute({ job, hop: hop + 1, round, progress: withoutHop(envelope), joined });
  };

  return {
    async addOthers(envelope) {
      const others = envelope.step.models.slice(1);
      const shared = { ...envelope, progress: withoutHop(envelope), calls: 0, transients: 0 };
      await queues.addCalls(others.map((model, i) => ({ ...shared, part: i + 1, model })));
    },
    async isBrought(envelope) {
      const { job, hop, part, step } = envelope;
      const { isThere, all } = await states.bring(job, hop, { part, parts: step.models.length });
      if (all.length > 0) await join(envelope, all);
      return isThere;
    },
    async bring(envelope, outcome) {
      const { job, hop, part, model, step } = envelope;
      const brought: PartOutcome & { trail: unknown } = { part, model, outcome, trail: ownEntries(envelope) };
      const { isGone, all } = await states.bring(job, hop, { part, parts: step.models.length, json: JSON.stringify(brought) });
      if (all.length > 0) await join(envelope, all);
      else if (isGone) await ending.booked(envelope);
    },
    async end(envelope, error) {
      const { job, hop, step, progress } = envelope;
      await ending.failed(envelope, error);
      const brought = await states.brought(job, hop, step.models.length);
      const trail = brought.flatMap((json) => (JSON.parse(json) as { readonly trail: CallEnvelope["progress"]["trail"] }).trail);
      if (trail.length > 0) await ending.booked({ ...envelope, progress: { ...progress, trail } });
    },
  };
}
