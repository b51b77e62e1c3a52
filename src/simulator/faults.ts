// Faults of simulated vendors, switched while they run: which are on, and which bears on a call.

import { z } from "zod";

import { UsageError } from "../job/errors.ts";
import { createRandom } from "../runtime/seeded-random.ts";

export const FAULTS = {
  outage: "every call ends in 500 or 503",
  overloaded: "503 (OpenAI) or 529 (Anthropic)",
  "slow-down": "503 Slow Down (OpenAI) or 429 acceleration limit (Anthropic)",
  storm: "429 whatever the buckets hold; delayMs is the retry-after (1 s)",
  "no-retry-after": "the same without retry-after",
  "long-retry-after": "the same with a long one (120 s)",
  quota: "429 insufficient_quota (OpenAI), 400 usage limits reached (Anthropic)",
  billing: "429 credit_balance_exhausted (OpenAI), 402 billing_error (Anthropic)",
  "spend-cap": "429 organization_spend_limit_exceeded (OpenAI), 429 enforced_spend_limit_reached (Anthropic)",
  auth: "401",
  permission: "403",
  "unknown-model": "404",
  "too-large": "413 with an HTML body",
  refuse: "the connection is closed before an answer",
  hang: "no answer ever comes",
  reset: "the connection is reset in the middle of a (billed) answer",
  malformed: "200 with a body that is no JSON, or not the vendor's",
  slow: "delayMs (5 s) are added to every call",
  "content-policy": "400, the request breaks the content policy",
  "content-filter": "200, answer taken by the content filter",
  refusal: "200, the model refuses",
  "cut-off": "200, answer cut off in the middle",
} as const;

export type FaultName = keyof typeof FAULTS;

export const faultOptions = z.strictObject({
  vendor: z.string(),
  /** Absent: every model of the vendor. */
  model: z.string().optional(),
  fault: z.enum(Object.keys(FAULTS) as [FaultName, ...FaultName[]]),
  /** Share of calls it bears on. */
  share: z.number().min(0).max(1).default(1),
  /** Milliseconds until it ends by itself. */
  forMs: z.number().positive().optional(),
  /** What it means depends on the fault: added latency, or the retry-after told. */
  delayMs: z.number().nonnegative().optional(),
});

export type FaultInput = z.input<typeof faultOptions>;
export type Fault = z.output<typeof faultOptions>;
export type FaultFilter = Partial<Pick<Fault, "vendor" | "model" | "fault">>;
export type ActiveFault = Omit<Fault, "forMs"> & { readonly endsInMs?: number };

export interface FaultBoard {
  /** Switches a fault on; the same fault of the same vendor and model is replaced. Throws a `UsageError` when it can't be. */
  set(fault: FaultInput): void;
  /** Ends all faults, or those that match. */
  clear(filter?: FaultFilter): void;
  /** The faults that bear on this call, by chance where they bear on a share. `slow` may come with another; of others the last one set counts. */
  draw(vendor: string, model: string): { readonly slow: Fault | undefined; readonly fault: Fault | undefined };
  active(): readonly ActiveFault[];
}

export function createFaultBoard(options: {
  readonly seed: number;
  readonly now: () => number;
  /** Names of all models, by vendor: what faults may be set for. */
  readonly models: Readonly<Record<string, readonly string[]>>;
}): FaultBoard {
  const random = createRandom(options.seed);
  let faults: (Fault & { endsAt: number })[] = [];
  const dropEnded = () => {
    const now = options.now();
    if (faults.some((fault) => fault.endsAt <= now)) faults = faults.filter((fault) => fault.endsAt > now);
  };

  return {
    set(input) {
      const fault = parseFault(input, options.models);
      this.clear({ vendor: fault.vendor, fault: fault.fault, model: fault.model });
      faults.push({ ...fault, endsAt: fault.forMs === undefined ? Infinity : options.now() + fault.forMs });
    },
    clear(filter = {}) {
      const keys = Object.keys(filter) as (keyof FaultFilter)[];
      faults = faults.filter((fault) => keys.some((key) => fault[key] !== filter[key]));
      if (keys.length === 0) faults = [];
    },
    draw(vendor, model) {
      if (faults.length === 0) return { slow: undefined, fault: undefined };
      dropEnded();
      const bearing = faults.filter(
        (fault) =>
          fault.vendor === vendor && (fault.model === undefined || fault.model === model) && (fault.share === 1 || random() < fault.share),
      );
      return { slow: bearing.findLast((fault) => fault.fault === "slow"), fault: bearing.findLast((fault) => fault.fault !== "slow") };
    },
    active() {
      dropEnded();
      const now = options.now();
      return faults.map(({ endsAt, forMs: _forMs, ...fault }) => ({
        ...fault,
        ...(endsAt === Infinity ? {} : { endsInMs: endsAt - now }),
      }));
    },
  };
}

function parseFault(input: FaultInput, models: Readonly<Record<string, readonly string[]>>): Fault {
  const parsed = faultOptions.safeParse(input);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.map(String).join(".") || "(fault)"}: ${issue.message}`);
    throw new UsageError(`not a fault: ${problems.join("; ")}`, `Faults: ${Object.keys(FAULTS).join(", ")}.`);
  }
  const known = models[parsed.data.vendor];
  if (!known) throw new UsageError(`no vendor "${parsed.data.vendor}" is simulated`, `Vendors: ${Object.keys(models).join(", ")}.`);
  if (parsed.data.model !== undefined && !known.includes(parsed.data.model)) {
    throw new UsageError(`vendor "${parsed.data.vendor}" has no model "${parsed.data.model}"`, `Its models: ${known.join(", ")}.`);
  }
  return parsed.data;
}
