// Answers in the form real models give them at times, at stated shares: in a fence, amid prose, broken off before the last brace, or with a value that
// was not on offer. Only answers made up here are bent, never recorded ones, and only where JSON is asked for.

import { z } from "zod";

import type { JsonObject } from "../job/json.ts";
import type { AnswerSource } from "./answer-source.ts";
import { askedSchema, type Ask } from "./ask.ts";
import { hashToUnit } from "../runtime/seeded-random.ts";

const share = z.number().min(0).max(1).default(0);

export const flawOptions = z
  .strictObject({
    /** In a Markdown fence. */
    fenced: share,
    /** With a sentence before and after. */
    prose: share,
    /** Without the last brace, though the model says that it was done. */
    broken: share,
    /** The first property that has a list of allowed values has another one. */
    foreign: share,
  })
  .refine((flaws) => Object.values(flaws).reduce((sum, each) => sum + each, 0) <= 1 + 1e-9, { error: "the shares come to more than 1" });

export type Flaws = z.output<typeof flawOptions>;

/** The same source, with the model's flaws: the same conversation has the same flaw in every run, and one that goes on is drawn anew. */
export function withFlaws(source: AnswerSource, flaws: Flaws, seed: number): AnswerSource {
  return {
    answer(ask, model) {
      const sourced = source.answer(ask, model);
      if (!sourced || sourced.source === "recording" || ask.output.kind === "text") return sourced;
      const flaw = drawFlaw(flaws, hashToUnit(seed, "flaw", model.name, ...ask.userMessages));
      return flaw === undefined ? sourced : { ...sourced, text: bend(sourced.text, flaw, ask) };
    },
  };
}

function drawFlaw(flaws: Flaws, chance: number): keyof Flaws | undefined {
  let below = 0;
  for (const flaw of ["fenced", "prose", "broken", "foreign"] as const) {
    below += flaws[flaw];
    if (chance < below) return flaw;
  }
  return undefined;
}

function bend(json: string, flaw: keyof Flaws, ask: Ask): string {
  switch (flaw) {
    case "fenced":
      return `\`\`\`json\n${json}\n\`\`\``;
    case "prose":
      return `Here is the answer you asked for:\n\n${json}\n\nLet me know if there is anything else.`;
    case "broken":
      return json.slice(0, -1);
    case "foreign":
      return foreign(json, ask);
    default:
      return flaw satisfies never;
  }
}

function foreign(json: string, ask: Ask): string {
  const schema = askedSchema(ask.output);
  const properties = Object.entries(((typeof schema === "object" ? schema["properties"] : undefined) ?? {}) as Record<string, JsonObject>);
  const choice = properties.find(([, property]) => Array.isArray(property["enum"]));
  if (!choice) return json;
  const [name, property] = choice;
  const answer = JSON.parse(json) as JsonObject;
  const given = answer[name];
  let value = `${typeof given === "string" ? given : JSON.stringify(given)}_or_similar`;
  while ((property["enum"] as readonly unknown[]).includes(value)) value += "_";
  return JSON.stringify({ ...answer, [name]: value });
}
