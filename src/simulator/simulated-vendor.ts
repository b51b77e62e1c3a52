// One simulated vendor: takes requests in its wire format, carries out what is decided of them, and books it.

import type { IncomingHttpHeaders } from "node:http";

import type { JsonObject } from "../job/json.ts";
import type { Clock } from "../runtime/clock.ts";
import type { AnswerSource } from "./answer-source.ts";
import { createAnthropicFormat } from "./anthropic-format.ts";
import { tightest } from "./call-limits.ts";
import { decideCall, type CallDecision } from "./decide-call.ts";
import { faultEnding, malformedBody } from "./fault-ending.ts";
import type { Fault, FaultBoard } from "./faults.ts";
import { drawLatencyMs } from "./latency.ts";
import { createOpenaiFormat } from "./openai-format.ts";
import { createRandom, hashToUnit } from "../runtime/seeded-random.ts";
import { createSimulatedModels, type ModelState, type SimulatedModel } from "./simulated-model.ts";
import type { Delivery, LedgerCall, SimulatorLedger } from "./simulator-ledger.ts";
import type { VendorOptions } from "./simulator-options.ts";
import type { VendorError } from "./vendor-error.ts";
import { isObject, type ParsedRequest } from "./wire-format.ts";

export interface VendorRequest {
  readonly method: string;
  /** Below the vendor's base path, without the query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Undefined: larger than any vendor takes. */
  readonly body: string | undefined;
}

export type Reply =
  /** `cut`: the connection is reset after half of the body. */
  | { readonly kind: "send" | "cut"; readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: string }
  | { readonly kind: "drop" }
  | { readonly kind: "hang" };

/** What becomes of a request: after `afterMs` the reply is produced (and billed), whether the caller is still there or not; then `end` is told how it went. */
export interface Handling {
  readonly afterMs: number;
  readonly produce: () => Reply;
  readonly end: (delivery: Delivery) => void;
}

export interface SimulatedVendor {
  handle(request: VendorRequest): Handling;
  models(): Readonly<Record<string, ModelState>>;
  /** Fills every bucket. */
  refill(): void;
}

/** Under this name calls to no known model are booked. */
const UNKNOWN_MODEL = "(unknown)";
const DEFAULT_SLOW_MS = 5000;

export function createSimulatedVendor(context: {
  readonly name: string;
  readonly options: VendorOptions;
  readonly seed: number;
  readonly clock: Clock;
  readonly ledger: SimulatorLedger;
  readonly faults: FaultBoard;
  /** The source of each model's answers. */
  readonly sources: Readonly<Record<string, AnswerSource>>;
}): SimulatedVendor {
  const { name, options, clock, ledger, faults } = context;
  const format = options.kind === "anthropic" ? createAnthropicFormat() : createOpenaiFormat({ headers: options.kind === "openai" });
  const models = createSimulatedModels({ options, sources: context.sources, nowMs: clock.now() });
  const random = createRandom(Math.floor(hashToUnit(context.seed, "vendor", name) * 2 ** 32));
  const idPrefix = Math.floor(hashToUnit(context.seed, "ids", name, String(clock.now())) * 2 ** 32).toString(36);
  let requests = 0;

  /** One request, with what every reply to it needs. */
  interface Exchange {
    readonly request: VendorRequest;
    readonly id: string;
    readonly startedMs: number;
  }

  const hasKey = (headers: IncomingHttpHeaders) => options.apiKey === undefined || format.apiKey(headers) === options.apiKey;

  const send = (
    { id, startedMs }: Exchange,
    status: number,
    body: string | object,
    headers: Readonly<Record<string, string>> = {},
  ): Reply => ({
    kind: "send",
    status,
    headers: {
      "content-type": "application/json",
      "x-modelfleet-simulated": "true",
      ...format.requestHeaders(`sim-req-${id}`, clock.now() - startedMs),
      ...headers,
    },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });

  const sendError = (exchange: Exchange, error: VendorError, model?: SimulatedModel): Reply => {
    const { status, headers, body } = format.error(error, `sim-req-${exchange.id}`);
    return send(exchange, status, body, { ...limitHeaders(model), ...headers });
  };

  const limitHeaders = (model: SimulatedModel | undefined) =>
    model ? format.limitHeaders(tightest(model.scopes, clock.now()), clock.now()) : {};

  /** Everything but a call: the list of models, unknown paths. Not booked; only faults of the whole vendor bear on it. */
  const handleOther = (exchange: Exchange): Handling => {
    const { slow, fault } = faults.draw(name, "");
    const ending = fault && faultEnding(fault, "", random());
    const produce = (): Reply => {
      const { method, path, headers } = exchange.request;
      if (ending?.kind === "drop" || ending?.kind === "hang") return { kind: ending.kind };
      if (ending?.kind === "error") return sendError(exchange, ending.error);
      if (!hasKey(headers)) return sendError(exchange, { kind: "bad-key" });
      const [, list, wanted] = /^(\/v1\/models)(?:\/(.+))?$/.exec(path) ?? [];
      if (method !== "GET" || !list) return sendError(exchange, { kind: "unknown-path", path: `${method} ${path}` });
      if (wanted === undefined) return send(exchange, 200, format.models([...models.keys()]));
      const model = unescapePath(wanted);
      return models.has(model) ? send(exchange, 200, format.model(model)) : sendError(exchange, { kind: "unknown-model", model });
    };
    return { afterMs: slowMs(slow), produce, end: () => {} };
  };

  const handleCall = (exchange: Exchange): Handling => {
    const { request, startedMs } = exchange;
    const body = parseBody(request.body);
    const parsed = parse(body, request);
    const modelName = typeof body?.["model"] === "string" ? body["model"] : "";
    const model = models.get(modelName);
    const prompt = parsed.kind === "ask" ? parsed.ask.userMessages[0] : undefined;
    const booked = ledger.begin({
      vendor: name,
      model: model ? modelName : UNKNOWN_MODEL,
      apiKey: format.apiKey(request.headers),
      price: model?.price,
      prompt,
      atMs: startedMs,
    });
    const { slow, fault } = faults.draw(name, modelName);
    for (const each of [slow, fault]) if (each) booked.fault(each.fault);
    const ending = fault && faultEnding(fault, modelName, random());
    const decision = decideCall({ request: parsed, hasKey: hasKey(request.headers), model, modelName, ending, nowMs: startedMs });
    return carryOut(decision, exchange, model, booked, slowMs(slow));
  };

  const parse = (body: JsonObject | undefined, request: VendorRequest): ParsedRequest => {
    if (request.body === undefined) return { kind: "error", error: { kind: "too-large" } };
    if (body) return format.parse(body, request.headers);
    return {
      kind: "error",
      error: { kind: "bad-request", message: "We could not parse the JSON body of your request: a JSON object is expected." },
    };
  };

  const carryOut = (
    decision: CallDecision,
    exchange: Exchange,
    model: SimulatedModel | undefined,
    booked: LedgerCall,
    addedMs: number,
  ): Handling => {
    const { end } = booked;
    if (decision.kind !== "drop" && decision.charged) booked.charged(decision.charged);
    if (decision.kind === "drop") {
      booked.failed("connection-refused");
      return { afterMs: addedMs, produce: () => ({ kind: "drop" }), end };
    }
    if (decision.kind === "error" || !model) {
      const error: VendorError = decision.kind === "error" ? decision.error : { kind: "unknown-model", model: "" };
      const { status } = format.error(error, "");
      if (error.kind === "rate-limit" || (error.kind === "slow-down" && status === 429)) booked.refused();
      else booked.failed(String(status));
      return { afterMs: addedMs, produce: () => sendError(exchange, error, model), end };
    }

    model.enter();
    booked.admitted();
    const leave = () => {
      model.leave();
      booked.released();
    };
    if (decision.kind === "hang") {
      booked.failed("hung");
      const endHung = (delivery: Delivery) => {
        leave();
        end(delivery);
      };
      return { afterMs: 0, produce: () => ({ kind: "hang" }), end: endHung };
    }

    const { answer } = decision;
    const afterMs = drawLatencyMs(model.latency, answer.usage.outputTokens, random) + addedMs;
    if (decision.kind === "malformed") {
      booked.failed("malformed");
      const produce = () => {
        leave();
        const { contentType, body } = malformedBody(random());
        return send(exchange, 200, body, { "content-type": contentType });
      };
      return { afterMs, produce, end };
    }

    const { ask, isCut } = decision;
    const settle = model.beginOutput(ask, answer, exchange.startedMs, afterMs);
    const produce = (): Reply => {
      booked.charged(settle(clock.now()));
      leave();
      booked.answered(answer.usage);
      const message = format.answer(ask, answer, { id: exchange.id, nowMs: clock.now() });
      const reply = send(exchange, 200, message, { ...limitHeaders(model), "x-modelfleet-answer-source": answer.source });
      return isCut && reply.kind === "send" ? { ...reply, kind: "cut" } : reply;
    };
    return { afterMs, produce, end };
  };

  return {
    handle(request) {
      const exchange = { request, id: `${idPrefix}-${++requests}`, startedMs: clock.now() };
      return request.method === "POST" && request.path === format.callPath ? handleCall(exchange) : handleOther(exchange);
    },
    models: () => Object.fromEntries([...models].map(([name, model]) => [name, model.state(clock.now())])),
    refill() {
      for (const model of models.values()) for (const scope of model.scopes) scope.refill(clock.now());
    },
  };
}

function slowMs(fault: Fault | undefined): number {
  return fault ? (fault.delayMs ?? DEFAULT_SLOW_MS) : 0;
}

function parseBody(body: string | undefined): JsonObject | undefined {
  try {
    const parsed: unknown = JSON.parse(body ?? "");
    return isObject(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function unescapePath(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
