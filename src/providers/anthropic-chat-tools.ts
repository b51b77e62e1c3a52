// The tools of an OpenAI chat-completions body as Anthropic's.

import type { JsonObject, JsonValue } from "../job/json.ts";
import { asArray, asObject, asText } from "./read-json.ts";
import { malformed, noCounterpart } from "./untranslatable.ts";

/** `tools` and `tool_choice` in Anthropic's words; undefined where the body has no tools. */
export function readTools(body: JsonObject): JsonObject | undefined {
  const tools = asArray(body.tools) ?? [];
  if (tools.length === 0) return undefined;
  const choice = readChoice(body.tool_choice ?? "auto");
  const single = body.parallel_tool_calls === false && choice.type !== "none";
  return { tools: tools.map(toTool), tool_choice: single ? { ...choice, disable_parallel_tool_use: true } : choice };
}

function toTool(tool: JsonValue): JsonObject {
  const { type, function: declared } = asObject(tool) ?? {};
  if (type !== "function") throw noCounterpart(`a tool of type ${JSON.stringify(type ?? null)}`);
  const { name, description, parameters, strict } = asObject(declared) ?? {};
  if (!asText(name)) throw malformed("a tool has no name");
  return {
    name: name as string,
    ...(asText(description) ? { description: description as string } : {}),
    input_schema: asObject(parameters) ?? { type: "object", properties: {} },
    ...(strict === true ? { strict } : {}),
  };
}

function readChoice(choice: JsonValue): JsonObject {
  if (choice === "auto" || choice === "none") return { type: choice };
  if (choice === "required") return { type: "any" };
  const name = asText(asObject(asObject(choice)?.function)?.name);
  if (name === undefined) throw noCounterpart(`tool_choice ${JSON.stringify(choice).slice(0, 80)}`);
  return { type: "tool", name };
}
