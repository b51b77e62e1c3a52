// Anthropic, through its SDK.

import Anthropic, { APIError } from "@anthropic-ai/sdk";
import type { ProviderSpec } from "../job/model.ts";
import type { Clock } from "../runtime/clock.ts";
import { readAnthropicAnswer } from "./anthropic-answer.ts";
import { ANTHROPIC_RULES } from "./anthropic-errors.ts";
import { readAnthropicLimits } from "./anthropic-headers.ts";
import { askForSchema, hasSampling, SAMPLING_VERSION } from "./anthropic-parameters.ts";
import { toAnthropicParams } from "./anthropic-request.ts";
import { failedBody, httpFetch } from "./http-fetch.ts";
import type { Provider } from "./provider.ts";
import { createScrub } from "./scrub.ts";
import { createVendorProvider } from "./vendor-call.ts";
import { readFailure } from "./vendor-failure.ts";

const OFFICIAL_ADDRESS = "https://api.anthropic.com";

/**
 * The client is made once and keeps its connections alive. Calls go through its `post` rather than `messages.create`, which writes a
 * warning to the console for every call to an older model.
 */
export function createAnthropicProvider(options: { spec: ProviderSpec; clock: Clock }): Provider {
  const { spec, clock } = options;
  const scrub = createScrub(spec.apiKey);
  const client = new Anthropic({
    apiKey: spec.apiKey,
    baseURL: spec.baseUrl?.replace(/\/v1\/?$/, "") ?? OFFICIAL_ADDRESS,
    webhookKey: null,
    maxRetries: 0,
    logLevel: "off",
    openTelemetry: false,
    fetch: httpFetch,
  });

  return createVendorProvider(
    {
      translate: (call) => toAnthropicParams(call.model, call.request),
      instruction: (model, output) => askForSchema(output, model).instruction,
      send: (body, { timeoutMs, signal }) => {
        const headers = hasSampling(body) ? { "anthropic-version": SAMPLING_VERSION } : {};
        return client.post("/v1/messages", { body, headers, timeout: timeoutMs, signal }).asResponse();
      },
      ask: ({ timeoutMs, signal }) => client.get("/v1/models", { timeout: timeoutMs, signal }).asResponse(),
      failureOf: (error) => {
        if (!(error instanceof APIError) || error.status === undefined || !error.headers) return undefined;
        return readFailure(error.status, error.headers, failedBody(error.headers) ?? error.message);
      },
      read: (body, call, { answerTool }) =>
        readAnthropicAnswer(body, { request: call.request, model: call.model.name, answerTool, now: clock.now(), scrub }),
      readLimits: (headers) => readAnthropicLimits(headers, clock.now()),
      rules: ANTHROPIC_RULES,
      requestIdHeader: "request-id",
    },
    { clock, scrub },
  );
}
