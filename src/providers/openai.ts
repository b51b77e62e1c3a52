// OpenAI and servers that speak its format, through OpenAI's SDK.

import OpenAI, { APIError } from "openai";
import type { ProviderSpec } from "../job/model.ts";
import type { Clock } from "../runtime/clock.ts";
import { failedBody, httpFetch } from "./http-fetch.ts";
import { readOpenAiAnswer } from "./openai-answer.ts";
import { OPENAI_RULES } from "./openai-errors.ts";
import { readOpenAiLimits } from "./openai-headers.ts";
import { askForSchema, toOpenAiBody } from "./openai-request.ts";
import type { Provider } from "./provider.ts";
import { createScrub } from "./scrub.ts";
import { createVendorProvider } from "./vendor-call.ts";
import { readFailure } from "./vendor-failure.ts";

/** The SDK refuses to be made without one; servers of one's own may ask for none. */
const NO_KEY = "none";
const OFFICIAL_ADDRESS = "https://api.openai.com/v1";

/** The client is made once and keeps its connections alive. Address, key, organisation and project are the configuration's, never the environment's. */
export function createOpenAiProvider(options: { spec: ProviderSpec; clock: Clock }): Provider {
  const { spec, clock } = options;
  const kind = spec.kind === "openai" ? "openai" : "openai-compatible";
  const scrub = createScrub(spec.apiKey);
  const client = new OpenAI({
    apiKey: spec.apiKey || NO_KEY,
    baseURL: spec.baseUrl ?? OFFICIAL_ADDRESS,
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    maxRetries: 0,
    logLevel: "off",
    fetch: httpFetch,
  });

  return createVendorProvider(
    {
      translate: (call) => ({ kind: "ready", body: toOpenAiBody(call.model, kind, call.request) }),
      instruction: (model, output) => askForSchema(output, model, kind).instruction,
      send: (body, { timeoutMs, signal }) => client.post("/chat/completions", { body, timeout: timeoutMs, signal }).asResponse(),
      ask: ({ timeoutMs, signal }) => client.get("/models", { timeout: timeoutMs, signal }).asResponse(),
      failureOf: (error) => {
        if (!(error instanceof APIError) || error.status === undefined || !error.headers) return undefined;
        return readFailure(error.status, error.headers, failedBody(error.headers) ?? error.message);
      },
      read: (body, call) => readOpenAiAnswer(body, call.request, scrub),
      readLimits: readOpenAiLimits,
      rules: OPENAI_RULES,
      requestIdHeader: "x-request-id",
    },
    { clock, scrub },
  );
}
