// Asks a model to put its own answer right: the conversation goes on with that answer and what is wrong with it.

import type { JsonObject, JsonValue } from "../job/json.ts";
import type { Answer } from "../job/outcome.ts";
import type { Message, ModelRequest } from "../job/request.ts";

/** No vendor takes an empty message. */
const NOTHING = "(no answer)";

/** The request once more, with the answer and the reason why it was not taken. */
export function repairRequest(request: ModelRequest, answer: Answer, reason: string): ModelRequest {
  const said: Message = { role: "assistant", content: answer.text.trim() === "" ? NOTHING : answer.text };
  const wrong: Message = {
    role: "user",
    content: `This answer can't be used: ${reason}\n\nAnswer the request once more, in full and in the form it asks for, with this put right. Give only the answer, without a word about the correction.`,
  };
  switch (request.kind) {
    case "prompt":
      return { ...request, messages: [...request.messages, said, wrong] };
    case "openai-chat": {
      const { messages } = request.body;
      const asked: readonly JsonValue[] = Array.isArray(messages) ? messages : [];
      return { ...request, body: { ...request.body, messages: [...asked, toJson(said), toJson(wrong)] } };
    }
    default:
      return request satisfies never;
  }
}

function toJson({ role, content }: Message): JsonObject {
  return { role, content };
}
