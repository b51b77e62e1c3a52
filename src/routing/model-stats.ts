// How a model has done on a task of late, as routing reads it. Older calls count less (call-sums.ts has the rule).

export interface ModelStats {
  /** Calls that say something of the model, faded: how much the rates may be trusted. */
  readonly calls: number;
  /** Share of the calls that brought an answer, whether or not it passed its checks; 1 while nothing is known. */
  readonly answerRate: number;
  /** Share of the answers that passed their checks; 1 while nothing is known. */
  readonly passRate: number;
  /** Of answers, from a histogram whose steps are an eighth; absent while there are none. */
  readonly p50Ms?: number;
  readonly p95Ms?: number;
  /** Means over the answers. */
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  readonly costNanoUsd?: number;
}

export const NO_STATS: ModelStats = { calls: 0, answerRate: 1, passRate: 1 };
