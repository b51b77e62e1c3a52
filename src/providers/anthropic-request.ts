// A request as the parameters of an Anthropic message.

import type { JsonObject } from "../job/json.ts";
import type { ModelSpec } from "../job/model.ts";
import type { ModelRequest } from "../job/request.ts";
import { fromChatBody } from "./anthropic-chat-request.ts";
import { askForSchema, maxTokens, sampling } from "./anthropic-parameters.ts";
import type { Translation } from "./vendor-call.ts";

export function toAnthropicParams(model: ModelSpec, request: ModelRequest): Translation {
  if (request.kind === "openai-chat") return fromChatBody(model, request.body);
  const asked = request.output === undefined ? undefined : askForSchema(request.output, model);
  const system = [request.system, asked?.instruction].filter(Boolean).join("\n\n");
  const body: JsonObject = {
    model: model.name,
    max_tokens: maxTokens(model, request.maxOutputTokens),
    messages: request.messages.map(({ role, content }) => ({ role, content })),
    ...(system === "" ? {} : { system }),
    ...sampling(request.temperature),
    ...asked?.params,
  };
  return { kind: "ready", body, ...(asked?.answerTool === undefined ? {} : { answerTool: asked.answerTool }) };
}
