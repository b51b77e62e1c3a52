// The contract of a vendor's wire format: requests in, answers, errors and headers out. Two implementations: OpenAI's and Anthropic's.

import type { IncomingHttpHeaders } from "node:http";

import type { JsonObject } from "../job/json.ts";
import type { Ask } from "./ask.ts";
import type { LimitState } from "./call-limits.ts";
import type { SimulatedAnswer } from "./compose-answer.ts";
import type { HttpAnswer, VendorError } from "./vendor-error.ts";

export type ParsedRequest = { readonly kind: "ask"; readonly ask: Ask } | { readonly kind: "error"; readonly error: VendorError };

export interface WireFormat {
  /** Path of the call, below the vendor's base path. */
  readonly callPath: string;
  /** Checks a request as the vendor would. */
  parse(body: JsonObject, headers: IncomingHttpHeaders): ParsedRequest;
  answer(ask: Ask, answer: SimulatedAnswer, context: { readonly id: string; readonly nowMs: number }): object;
  error(error: VendorError, requestId: string): HttpAnswer;
  /** A model of the list, and the list. */
  models(names: readonly string[]): object;
  model(name: string): object;
  /** The API key that the caller sent. */
  apiKey(headers: IncomingHttpHeaders): string | undefined;
  requestHeaders(requestId: string, tookMs: number): Readonly<Record<string, string>>;
  limitHeaders(states: readonly LimitState[], nowMs: number): Readonly<Record<string, string>>;
}

/** The text of a message's content: a string, or parts of which some are text. */
export function contentText(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content
    .map((part: { text?: unknown; content?: unknown }) => (typeof part?.text === "string" ? part.text : contentText(part?.content)))
    .join("\n");
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function bearerToken(headers: IncomingHttpHeaders): string | undefined {
  return /^Bearer (.+)$/i.exec(headers.authorization ?? "")?.[1];
}
