// The fleet as configured: what every process of it is given.

import type { BudgetSpec } from "../cost/budget.ts";
import type { ModelSpec, ProviderSpec } from "../job/model.ts";
import type { ModelId } from "../job/names.ts";
import type { TaskSpec } from "../job/task.ts";

export interface Fleet {
  /** The configuration file. */
  readonly path: string;
  /** Digest of what the configuration says, secrets and this machine's addresses aside: processes of one fleet should agree on it. */
  readonly hash: string;
  readonly providers: ReadonlyMap<string, ProviderSpec>;
  readonly models: ReadonlyMap<ModelId, ModelSpec>;
  readonly tasks: ReadonlyMap<string, TaskSpec>;
  readonly budgets: readonly BudgetSpec[];
  /** The classes of data that there are rules for. */
  readonly dataClasses: readonly string[];
  /** Absent: an embedded Redis is to be started. */
  readonly redisUrl?: string;
  /** The file store's folder. */
  readonly storeDir: string;
  /** The store's PostgreSQL; absent: files in `storeDir`. */
  readonly storeUrl?: string;
  /** Everything else this machine keeps: the embedded Redis's data. */
  readonly dataDir: string;
  readonly web: { readonly port: number; readonly host: string };
  readonly queues: QueueSettings;
  /** Models that neither the configuration nor the catalogue has a price of, in sentences: their calls are booked at zero. */
  readonly unpriced: readonly string[];
  /** What is allowed and probably not meant, in sentences. */
  readonly warnings: readonly string[];
}

export interface QueueSettings {
  /** Rows and bytes of a batch that may be enqueued and not yet stored. */
  readonly windowRows: number;
  readonly windowBytes: number;
  /** A worker's lock on its queue job, and how often jobs with a lapsed lock are looked for. */
  readonly lockMs: number;
  readonly stalledCheckMs: number;
  /** How often the recorder looks for rows that vanished from the queues. */
  readonly reconcileMs: number;
}
