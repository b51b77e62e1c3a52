// The messages of an OpenAI chat-completions body as Anthropic's: system and developer messages are lifted out, in order, and
// tool results, messages of their own at OpenAI, join one user message.

import type { JsonObject, JsonValue } from "../job/json.ts";
import { asArray, asObject, asText, parseJson } from "./read-json.ts";
import { malformed, noCounterpart } from "./untranslatable.ts";

interface Conversation {
  readonly system: readonly string[];
  readonly messages: readonly JsonObject[];
}

export function toAnthropicMessages(value: JsonValue | undefined): Conversation {
  const given = asArray(value);
  if (!given || given.length === 0) throw malformed("messages is not a list with messages");
  const system: string[] = [];
  const turns: { role: "user" | "assistant"; blocks: JsonObject[] }[] = [];
  const add = (role: "user" | "assistant", blocks: JsonObject[]) => {
    const last = turns.at(-1);
    if (last?.role === role) last.blocks.push(...blocks);
    else if (blocks.length > 0) turns.push({ role, blocks });
  };
  for (const [at, entry] of given.entries()) {
    const message = asObject(entry);
    switch (message?.role) {
      case "system":
      case "developer":
        system.push(...textsOf(message.content, at));
        break;
      case "user":
        add("user", userBlocks(message.content, at));
        break;
      case "assistant":
        add("assistant", assistantBlocks(message, at));
        break;
      case "tool":
        add("user", [toolResult(message, at)]);
        break;
      case "function":
        throw noCounterpart("a message with the role function");
      default:
        throw malformed(`messages[${at}] has no known role`);
    }
  }
  if (turns.length === 0) throw noCounterpart("a conversation of system messages only");
  return { system, messages: turns.map(toMessage) };
}

/** A lone text goes as a string, as most users of the vendor's API send it. */
function toMessage({ role, blocks }: { role: string; blocks: readonly JsonObject[] }): JsonObject {
  const [first] = blocks;
  return { role, content: blocks.length === 1 && first?.type === "text" ? (first.text as string) : blocks };
}

function userBlocks(content: JsonValue | undefined, at: number): JsonObject[] {
  return partsOf(content, at).flatMap((part) => {
    if (part.type === "image_url") return [toImage(asText(asObject(part.image_url)?.url), at)];
    return textBlocks(textOf(part, at));
  });
}

function assistantBlocks(message: JsonObject, at: number): JsonObject[] {
  if (message.function_call) throw noCounterpart("function_call");
  if (message.audio) throw noCounterpart("an answer in audio");
  const texts = message.content === undefined || message.content === null ? [] : textsOf(message.content, at);
  const refusal = asText(message.refusal);
  const calls = (asArray(message.tool_calls) ?? []).map((call) => toToolUse(asObject(call), at));
  return [...texts, ...(refusal === undefined ? [] : [refusal])].flatMap(textBlocks).concat(calls);
}

function toToolUse(call: JsonObject | undefined, at: number): JsonObject {
  const declared = asObject(call?.function);
  if (!declared) throw noCounterpart(`messages[${at}]: a tool call that is no function's`);
  const [id, name] = [asText(call?.id), asText(declared.name)];
  const input = asObject(parseJson(asText(declared.arguments) ?? "{}"));
  if (id === undefined || name === undefined || !input) throw malformed(`messages[${at}]: a tool call without id, name or JSON arguments`);
  return { type: "tool_use", id, name, input };
}

function toolResult(message: JsonObject, at: number): JsonObject {
  const id = asText(message.tool_call_id);
  if (id === undefined) throw malformed(`messages[${at}] has no tool_call_id`);
  return { type: "tool_result", tool_use_id: id, content: textsOf(message.content, at).join("") };
}

/** `data:image/png;base64,…` or an address. */
function toImage(url: string | undefined, at: number): JsonObject {
  if (url === undefined) throw malformed(`messages[${at}]: an image without a url`);
  const [, mediaType, data] = /^data:([\w/+.-]+);base64,(.*)$/s.exec(url) ?? [];
  if (mediaType !== undefined && data !== undefined) return { type: "image", source: { type: "base64", media_type: mediaType, data } };
  if (!/^https?:/.test(url)) throw malformed(`messages[${at}]: an image url that is neither http(s) nor base64 data`);
  return { type: "image", source: { type: "url", url } };
}

function textsOf(content: JsonValue | undefined, at: number): string[] {
  return partsOf(content, at).map((part) => textOf(part, at));
}

function textOf(part: JsonObject, at: number): string {
  const text = part.type === "text" ? part.text : part.type === "refusal" ? part.refusal : undefined;
  if (typeof text === "string") return text;
  if (part.type === "text") throw malformed(`messages[${at}]: a text part without text`);
  throw noCounterpart(`messages[${at}]: a part of type ${JSON.stringify(part.type ?? null)}`);
}

function partsOf(content: JsonValue | undefined, at: number): readonly JsonObject[] {
  if (typeof content === "string") return [{ type: "text", text: content }];
  const parts = asArray(content)?.map(asObject);
  if (!parts || parts.some((part) => !part)) throw malformed(`messages[${at}].content is neither text nor a list of parts`);
  return parts.filter((part) => part !== undefined);
}

/** The vendor refuses empty text blocks. */
function textBlocks(text: string): JsonObject[] {
  return text === "" ? [] : [{ type: "text", text }];
}
