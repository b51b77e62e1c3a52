// The part of a call that is the same at every vendor: deadline, abort, reading the answer, and the report.
//
// One controller per call ends it from either side: the caller's signal (→ cancelled) or the time limit (→ transient). Whichever comes first decides.

import type { JsonObject, JsonValue } from "../job/json.ts";
import type { LimitReading } from "../job/limit-reading.ts";
import type { Outcome } from "../job/outcome.ts";
import type { Usage } from "../job/usage.ts";
import type { Clock } from "../runtime/clock.ts";
import { readConnectionFailure } from "./connection-failure.ts";
import type { CallReport, Provider, ProviderCall } from "./provider.ts";
import { parseJson } from "./read-json.ts";
import type { Scrub } from "./scrub.ts";
import { isBillable, toOutcome, type FailureRule, type VendorFailure } from "./vendor-failure.ts";

/** A request in the vendor's words, or the outcome of a call that the vendor's words can't express. */
export type Translation =
  /** `answerTool`: the tool whose input is the answer, where the schema is enforced that way. */
  | { readonly kind: "ready"; readonly body: JsonObject; readonly answerTool?: string }
  | { readonly kind: "unable"; readonly outcome: Outcome };

/** An answer read: its outcome, and its usage where the vendor gave it. */
export interface Reading {
  readonly outcome: Outcome;
  readonly usage?: Usage;
}

export interface SendOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** What a vendor does its own way. */
export interface Vendor {
  translate(call: ProviderCall): Translation;
  instruction: Provider["instruction"];
  /** Through the vendor's SDK; rejects with the SDK's error for whatever isn't 2xx. */
  send(body: JsonObject, options: SendOptions): Promise<Response>;
  /** Asks for the list of models. */
  ask(options: SendOptions): Promise<unknown>;
  /** The HTTP failure in an SDK's error; undefined when there was no HTTP answer. */
  failureOf(error: unknown): VendorFailure | undefined;
  read(body: JsonValue, call: ProviderCall, translation: Translation & { kind: "ready" }): Reading;
  readLimits(headers: Headers): readonly LimitReading[];
  readonly rules: readonly FailureRule[];
  readonly requestIdHeader: string;
}

/** The SDK's own time limit is only there in case ours fails. */
const SDK_MARGIN_MS = 5_000;
const PROBE_TIMEOUT_MS = 10_000;

export function createVendorProvider(vendor: Vendor, options: { readonly clock: Clock; readonly scrub: Scrub }): Provider {
  const { clock, scrub } = options;

  const answered = (response: Response, text: string, call: ProviderCall, translation: Translation & { kind: "ready" }): CallReport => {
    const body = parseJson(text);
    const reading: Reading =
      body === undefined
        ? { outcome: { kind: "transient", reason: scrub(`${response.status} with a body that is not JSON: ${text.slice(0, 200)}`) } }
        : vendor.read(body, call, translation);
    return {
      ...reading,
      limits: vendor.readLimits(response.headers),
      billable: true,
      status: response.status,
      ...requestId(response.headers),
    };
  };

  const failed = (failure: VendorFailure): CallReport => {
    const limits = vendor.readLimits(failure.headers);
    const outcome = toOutcome(failure, vendor.rules, { scrub, now: clock.now(), limits });
    return { outcome, limits, billable: isBillable(failure), status: failure.status, ...requestId(failure.headers) };
  };

  const requestId = (headers: Headers) => {
    const id = headers.get(vendor.requestIdHeader);
    return id === null ? {} : { requestId: id };
  };

  return {
    async call(call) {
      if (call.signal.aborted) return unsent({ kind: "cancelled", reason: "stopped before the call was made" });
      const translation = vendor.translate(call);
      if (translation.kind === "unable") return unsent(translation.outcome);
      const deadline = startDeadline(call);
      try {
        const { signal } = deadline;
        const response = await vendor.send(translation.body, { signal, timeoutMs: Math.ceil(call.timeoutMs) + SDK_MARGIN_MS });
        return answered(response, await response.text(), call, translation);
      } catch (error) {
        const ended = deadline.ended();
        if (ended) return { outcome: ended, limits: [], billable: true };
        const failure = vendor.failureOf(error);
        if (failure) return failed(failure);
        const { reason, billable, isWide } = readConnectionFailure(error);
        return { outcome: { kind: "transient", reason: scrub(reason), ...(isWide ? { isWide } : {}) }, limits: [], billable };
      } finally {
        deadline.stop();
      }
    },

    instruction: (model, output) => vendor.instruction(model, output),

    async probe(signal) {
      try {
        await vendor.ask({ signal, timeoutMs: PROBE_TIMEOUT_MS });
        return undefined;
      } catch (error) {
        if (signal.aborted) return "stopped before the vendor answered";
        const failure = vendor.failureOf(error);
        return scrub(failure ? `${failure.status} ${failure.message}` : readConnectionFailure(error).reason);
      }
    },
  };
}

function unsent(outcome: Outcome): CallReport {
  return { outcome, limits: [], billable: false };
}

function startDeadline(call: ProviderCall): { signal: AbortSignal; ended(): Outcome | undefined; stop(): void } {
  const controller = new AbortController();
  let outcome: Outcome | undefined;
  const end = (ending: Outcome) => {
    outcome ??= ending;
    controller.abort();
  };
  const cancel = () => end({ kind: "cancelled", reason: "stopped during the call" });
  const timer = setTimeout(() => end({ kind: "transient", reason: `no whole answer within ${call.timeoutMs} ms` }), call.timeoutMs);
  call.signal.addEventListener("abort", cancel, { once: true });
  return {
    signal: controller.signal,
    ended: () => outcome,
    stop() {
      clearTimeout(timer);
      call.signal.removeEventListener("abort", cancel);
    },
  };
}
