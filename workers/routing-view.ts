// What binding looks at, put together for a process: the models as they are now, what has drifted, what the budgets allow.

import { createBudgetWatch } from "./budget-watch.ts";
import { createDriftWatch } from "./drift-watch.ts";
import { createModelView, type LiveModelView } from "./model-view.ts";
import type { ProcessContext } from "./process-context.ts";

/** Its `stop` stops all of it. */
export function createRoutingView({ fleet, redis, queues, breaker, peers, stats, clock, log }: ProcessContext): LiveModelView {
  const budgets = createBudgetWatch({ budgets: fleet.budgets, models: fleet.models, redis, clock });
  const drift = createDriftWatch({ tasks: fleet.tasks.values(), stats, redis, clock, log });
  const view = createModelView({
    models: fleet.models,
    queues,
    breaker,
    peers,
    stats,
    isDemoted: (task, model) => drift.isDemoted(task, model),
    whyShut: (task, job, call) => budgets.whyShut(task, job, call),
    clock,
  });
  return {
    ...view,
    async stop() {
      await Promise.all([view.stop(), drift.stop(), budgets.stop()]);
    },
  };
}
