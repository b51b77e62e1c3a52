// The budgets as a router sees them: read four times a second, so that no job is bound to a model whose call could not be paid.

import type { Job } from "../src/job/job.ts";
import type { ModelSpec } from "../src/job/model.ts";
import type { ModelId } from "../src/job/names.ts";
import type { TaskSpec } from "../src/job/task.ts";
import { BATCH_CAP, type BudgetSpec, type Spending } from "../src/cost/budget.ts";
import { accountKey, shutAccount, whyShut } from "../src/cost/budget-gate.ts";
import { tokenPricesFor } from "../src/cost/token-prices.ts";
import type { AccountState } from "../src/cost/purse.ts";
import { noteHeld, readRefusingStates } from "../src/cost/redis-budget-states.ts";
import type { ModelView } from "../src/routing/model-view.ts";
import type { Clock } from "../src/runtime/clock.ts";
import type { RedisConnection } from "../queues/connection.ts";

const READ_EVERY_MS = 250;
/** Accounts that hold calls back are noted so often, that whoever looks sees calls wait. */
const NOTE_EVERY_MS = 5_000;

export interface BudgetWatch {
  /** Why no budget lets the job's call to the model through; undefined: they do. */
  readonly whyShut: ModelView["whyShut"];
  stop(): Promise<void>;
}

export function createBudgetWatch(options: {
  readonly budgets: readonly BudgetSpec[];
  readonly models: ReadonlyMap<ModelId, ModelSpec>;
  readonly redis: RedisConnection;
  readonly clock: Clock;
}): BudgetWatch {
  const { budgets, models, redis, clock } = options;
  const stopping = new AbortController();
  let states: ReadonlyMap<string, AccountState> = new Map();
  /** With the first job whose batch has a budget of its own, theirs are read too. */
  let watched = budgets;

  const held = new Map<string, AccountState>();
  let noteAt = clock.now();
  const note = async () => {
    if (held.size === 0 || clock.now() < noteAt) return;
    noteAt = clock.now() + NOTE_EVERY_MS;
    const accounts = [...held.values()];
    held.clear();
    await noteHeld(redis, accounts, clock.now());
  };

  const running = (async () => {
    while (!stopping.signal.aborted) {
      try {
        states = new Map((await readRefusingStates(redis, watched)).map((state) => [accountKey(state), state]));
        await note();
      } catch {
        // Redis is away: the last reading stands, and reservations fail anyway.
      }
      await clock.sleep(READ_EVERY_MS, stopping.signal);
    }
  })();

  return {
    whyShut(task, job, { model, inputTokens, costNanoUsd }) {
      if (job.isCapped && watched === budgets) watched = [...budgets, BATCH_CAP];
      if (watched.length === 0) return undefined;
      const spec = models.get(model);
      if (!spec) return undefined;
      const call = { spending: spendingOf(task, job, { spec, inputTokens }), expectedNanoUsd: costNanoUsd };
      const account = shutAccount(budgets, states, call);
      if (!account) return undefined;
      held.set(accountKey(account), account);
      return whyShut(budgets, states, call);
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/** What a call of the job to the model counts towards, at the prices for its length. */
export function spendingOf(
  { name }: Pick<TaskSpec, "name">,
  { batch, tags, tenant, isCapped }: Job,
  { spec: { id, provider, price }, inputTokens }: { readonly spec: ModelSpec; readonly inputTokens: number },
): Spending {
  return {
    model: id,
    provider,
    task: name,
    batch,
    ...(tags === undefined ? {} : { tags }),
    ...(tenant === undefined ? {} : { tenant }),
    ...(price === undefined ? {} : { price: tokenPricesFor(price, inputTokens) }),
    ...(isCapped === undefined ? {} : { isCapped }),
  };
}
