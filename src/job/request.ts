// What a model is asked, before it is put into a vendor's words.

import type { JsonObject, JsonSchema } from "./json.ts";

export interface Message {
  readonly role: "user" | "assistant";
  readonly content: string;
}

/** A rendered prompt. `output`, where given, asks for an answer of that JSON schema. */
export interface PromptRequest {
  readonly kind: "prompt";
  readonly system?: string;
  readonly messages: readonly Message[];
  readonly output?: JsonSchema;
  readonly maxOutputTokens?: number;
  readonly temperature?: number;
}

/** An OpenAI chat-completions body given by the user: goes to OpenAI-kind models unchanged but for `model`, translated to the others. */
export interface OpenAiRequest {
  readonly kind: "openai-chat";
  readonly body: JsonObject;
}

export type ModelRequest = PromptRequest | OpenAiRequest;
