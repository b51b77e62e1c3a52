// The contract of a provider: one call to one model, ending in a value. Everything a vendor does its own way stays behind it.

import type { LimitReading } from "../job/limit-reading.ts";
import type { JsonSchema } from "../job/json.ts";
import type { ModelSpec } from "../job/model.ts";
import type { Outcome } from "../job/outcome.ts";
import type { ModelRequest } from "../job/request.ts";
import type { Usage } from "../job/usage.ts";

export interface ProviderCall {
  readonly model: ModelSpec;
  readonly request: ModelRequest;
  /** The whole call's time limit, body included; passing it ends as `transient`. */
  readonly timeoutMs: number;
  /** Aborts the call from outside (shutdown): `report.outcome` is then `cancelled`. */
  readonly signal: AbortSignal;
}

export interface CallReport {
  readonly outcome: Outcome;
  /** Absent where the vendor gave none (errors, time limits). */
  readonly usage?: Usage;
  readonly limits: readonly LimitReading[];
  readonly status?: number;
  readonly requestId?: string;
  /** False where the request certainly never reached the vendor's accounting (refused connection, refused by 429). */
  readonly billable: boolean;
}

export interface Provider {
  /**
   * Makes one call; never rejects. An `answered` outcome is the vendor's finished text as it is: checks come later.
   * A cut-off answer (`length`) is `unfit`/`cut-off`, a content filter or refusal `refused`, with usage, for they are paid.
   */
  call(call: ProviderCall): Promise<CallReport>;
  /** What is put into the prompt where the model can't be held to the schema otherwise; estimates count it. */
  instruction(model: ModelSpec, output: JsonSchema): string | undefined;
  /** Asks the vendor for something free to see whether key and address are good; resolves to undefined or the reason why not. */
  probe(signal: AbortSignal): Promise<string | undefined>;
}
