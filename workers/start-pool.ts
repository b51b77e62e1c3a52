// Puts a pool together: the provider's client, its limiter, and what estimates tokens.

import { UsageError } from "../src/job/errors.ts";
import { createRedisLimiter } from "../src/limits/redis-limiter.ts";
import { createRedisLessonBook } from "../src/prompt/redis-lesson-book.ts";
import { createTokenEstimator } from "../src/prompt/token-estimate.ts";
import { createTokenLearner } from "../src/prompt/token-learner.ts";
import { createProvider } from "../src/providers/create-provider.ts";
import type { Provider } from "../src/providers/provider.ts";
import { callSubjects } from "./call-request.ts";
import { createPool } from "./pool.ts";
import type { FleetPart, ProcessContext } from "./process-context.ts";

/** `provider`: absent, the one the configuration names. Throws a `UsageError` for a name that isn't configured. */
export async function startPool(context: ProcessContext, name: string, provider?: Provider): Promise<FleetPart> {
  const { fleet, redis, clock } = context;
  const spec = fleet.providers.get(name);
  if (!spec)
    throw new UsageError(
      `there is no provider "${name}" in ${fleet.path}`,
      `Its providers are: ${Array.from(fleet.providers.keys()).join(", ")}.`,
    );
  return createPool(context, {
    name,
    provider: provider ?? createProvider({ spec, clock }),
    limiter: createRedisLimiter({ redis, clock, providers: new Map([[name, spec]]) }),
    estimator: await createTokenEstimator(),
    learner: createTokenLearner({
      book: createRedisLessonBook({ redis, provider: name }),
      tasks: Array.from(fleet.tasks.values(), callSubjects).flat(),
      models: spec.models.map(({ id }) => id),
      clock,
    }),
  });
}
