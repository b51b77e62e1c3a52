import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

import { createSimulator, type Simulator } from "../../src/simulator/simulator.ts";
import type { SimulatorOptionsInput } from "../../src/simulator/simulator-options.ts";

let simulator: Simulator;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "modelfleet-answers-"));
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => simulator?.stop());

async function start(options: SimulatorOptionsInput) {
  simulator = createSimulator({ port: 0, ...options });
  const { url } = await simulator.start();
  const openai = new OpenAI({ baseURL: `${url}/openai/v1`, apiKey: "any", maxRetries: 0 });
  const anthropic = new Anthropic({ baseURL: `${url}/anthropic`, apiKey: "any", maxRetries: 0 });
  return {
    viaOpenai: async (model: string, content: string, more: Partial<OpenAI.ChatCompletionCreateParamsNonStreaming> = {}) => {
      const done = await openai.chat.completions.create({ model, messages: [{ role: "user", content }], ...more });
      return {
        text: done.choices[0]?.message.content ?? "",
        inputTokens: done.usage?.prompt_tokens,
        outputTokens: done.usage?.completion_tokens,
      };
    },
    viaAnthropic: async (model: string, content: string, more: Partial<Anthropic.MessageCreateParamsNonStreaming> = {}) => {
      const message = await anthropic.messages.create({ model, max_tokens: 4096, messages: [{ role: "user", content }], ...more });
      const block = message.content[0];
      return {
        text: block?.type === "text" ? block.text : "",
        block,
        inputTokens: message.usage.input_tokens,
        outputTokens: message.usage.output_tokens,
      };
    },
  };
}

const twoVendors = (names: readonly string[], model: object = {}): SimulatorOptionsInput["vendors"] => ({
  openai: { kind: "openai", models: Object.fromEntries(names.map((name) => [name, model])) },
  anthropic: { kind: "anthropic", models: Object.fromEntries(names.map((name) => [name, model])) },
});

describe("answers from a recording", () => {
  const lines = [
    {
      prompt: "\nWhat is 2 + 2?\n",
      prompt_tokens: 17,
      models: { big: { response: "It is 4.", completion_tokens: 9 }, small: { response: "5" } },
    },
    { prompt: "What is 2 + 2? Explain.", models: { big: { response: '```json\n{"answer": "4"}\n```', completion_tokens: 20 } } },
  ];
  const record = async () => {
    const file = join(folder, "recording.jsonl");
    await writeFile(file, lines.map((line) => JSON.stringify(line)).join("\n"));
    return file;
  };

  test("are the asked model's, with its token counts, over either wire format", async () => {
    const { viaOpenai, viaAnthropic } = await start({ recording: await record(), vendors: twoVendors(["big", "small"]) });
    for (const via of [viaOpenai, viaAnthropic]) {
      expect(await via("big", "Please answer: What is 2 + 2?")).toMatchObject({ text: "It is 4.", inputTokens: 17, outputTokens: 9 });
      expect(await via("small", "What is 2 + 2?")).toMatchObject({ text: "5", inputTokens: 17, outputTokens: 1 });
      expect(await via("big", "Now: What is 2 + 2? Explain.")).toMatchObject({ text: lines[1]?.models.big.response, outputTokens: 20 });
    }
  });

  test("are found by another name where one is given, cut at max_tokens, and put into a forced tool", async () => {
    const { viaOpenai, viaAnthropic } = await start({ recording: await record(), vendors: twoVendors(["latest"], { recordedAs: "big" }) });
    expect(await viaOpenai("latest", "What is 2 + 2?", { max_tokens: 3 })).toEqual({ text: "It", inputTokens: 17, outputTokens: 3 });
    const tooled = await viaAnthropic("latest", "What is 2 + 2? Explain.", {
      tools: [{ name: "tell", input_schema: { type: "object" } }],
      tool_choice: { type: "any" },
    });
    expect(tooled.block).toMatchObject({ type: "tool_use", input: { answer: "4" } });
  });

  test("give way to the next source for prompts and models that were not recorded", async () => {
    const { viaOpenai } = await start({ recording: await record(), vendors: twoVendors(["big", "other"]) });
    expect((await viaOpenai("other", "What is 2 + 2?")).text).toContain("Simulated answer of other");
    expect((await viaOpenai("big", "What is 3 + 3?")).text).toContain("Simulated answer of big");
  });

  const recorded = new URL("../../../shared/data/recorded-gsm8k.jsonl", import.meta.url).pathname;
  test.skipIf(!existsSync(recorded))("replay real models' answers (needs ../shared/data/recorded-gsm8k.jsonl)", async () => {
    interface Line {
      prompt: string;
      prompt_tokens: number;
      models: Record<string, { response: string; completion_tokens: number }>;
    }
    const real = readFileSync(recorded, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Line);
    const names = Object.keys(real[0]?.models ?? {});
    const { viaOpenai, viaAnthropic } = await start({ recording: recorded, vendors: twoVendors(names) });
    for (const [i, line] of real.entries()) {
      const name = names[i % names.length] ?? "";
      const via = i % 2 === 0 ? viaOpenai : viaAnthropic;
      const said = await via(name, `You are given a question.\n${line.prompt}\nThink first.`);
      expect(said).toMatchObject({
        text: line.models[name]?.response,
        inputTokens: line.prompt_tokens,
        outputTokens: line.models[name]?.completion_tokens,
      });
    }
  });
});

describe("answers from a key", () => {
  const entries = Array.from({ length: 1000 }, (_, i) => ({
    text: `Ticket number ${i}: something is wrong`,
    label: ["billing", "delivery", "technical"][i % 3],
  }));
  const schema = { type: "object" as const, required: ["label"], properties: { label: { enum: ["billing", "delivery", "technical"] } } };
  const format = { type: "json_schema" as const, json_schema: { name: "label", schema } };

  test("are right as often as the model's accuracy says, else another label, the same in every run", async () => {
    const run = async () => {
      const { viaOpenai } = await start({ answers: { entries }, vendors: twoVendors(["m"], { accuracy: 0.8 }) });
      const texts = await Promise.all(entries.map(async (entry) => (await viaOpenai("m", `Sort this. ${entry.text}`)).text));
      await simulator.stop();
      return texts;
    };
    const texts = await run();
    const right = texts.filter((text, i) => text === entries[i]?.label).length;
    expect(right / entries.length).toBeGreaterThan(0.76);
    expect(right / entries.length).toBeLessThan(0.84);
    expect(new Set(texts)).toEqual(new Set(["billing", "delivery", "technical"]));
    expect(await run()).toEqual(texts);
  });

  test("take the shape asked for: text, the schema's property, or a tool's input", async () => {
    const { viaOpenai, viaAnthropic } = await start({ answers: { entries }, vendors: twoVendors(["m"]) });
    const prompt = entries[4]?.text ?? "";
    expect((await viaOpenai("m", prompt)).text).toBe("delivery");
    expect(JSON.parse((await viaOpenai("m", prompt, { response_format: format })).text)).toEqual({ label: "delivery" });
    expect(JSON.parse((await viaOpenai("m", prompt, { response_format: { type: "json_object" } })).text)).toEqual({ label: "delivery" });
    expect(JSON.parse((await viaAnthropic("m", prompt, { output_config: { format: { type: "json_schema", schema } } })).text)).toEqual({
      label: "delivery",
    });
    const tooled = await viaAnthropic("m", prompt, {
      tools: [{ name: "sort", input_schema: schema }],
      tool_choice: { type: "tool", name: "sort" },
    });
    expect(tooled.block).toMatchObject({ type: "tool_use", name: "sort", input: { label: "delivery" } });
  });

  test("fill the property meant for them and leave the rest to the schema", async () => {
    const wide = {
      type: "object" as const,
      required: ["reason", "topic", "sure"],
      properties: { reason: { type: "string" }, topic: { enum: ["billing", "delivery", "technical"] }, sure: { type: "boolean" } },
    };
    const { viaOpenai } = await start({ answers: { entries }, vendors: twoVendors(["m"]) });
    const found = await viaOpenai("m", entries[3]?.text ?? "", {
      response_format: { type: "json_schema", json_schema: { name: "wide", schema: wide } },
    });
    expect(JSON.parse(found.text)).toEqual({
      reason: expect.any(String) as string,
      topic: "billing",
      sure: expect.any(Boolean) as boolean,
    });
  });

  test("read the fields they are told to read", async () => {
    const file = join(folder, "key.jsonl");
    await writeFile(
      file,
      '\uFEFF{"question":"Capital of France?","gold":"Paris"}\r\n\r\n{"question":"Capital of Peru?","gold":"Lima"}\r\n',
    );
    const { viaOpenai } = await start({
      answers: { file, textField: "question", answerField: "gold", property: "city" },
      vendors: twoVendors(["m"]),
    });
    expect((await viaOpenai("m", "Q: Capital of Peru? A:")).text).toBe("Lima");
    const asked = { type: "object", required: ["city", "why"], properties: { city: { type: "string" }, why: { type: "string" } } };
    const found = await viaOpenai("m", "Capital of France?", {
      response_format: { type: "json_schema", json_schema: { name: "city", schema: asked } },
    });
    expect(JSON.parse(found.text)).toMatchObject({ city: "Paris" });
  });

  test("look at the last user message first", async () => {
    const { viaAnthropic } = await start({ answers: { entries }, vendors: twoVendors(["m"]) });
    const messages: Anthropic.MessageParam[] = [
      { role: "user", content: entries[0]?.text ?? "" },
      { role: "assistant", content: "billing" },
      { role: "user", content: [{ type: "text", text: entries[1]?.text ?? "" }] },
    ];
    expect((await viaAnthropic("m", "", { messages })).text).toBe("delivery");
  });
});
