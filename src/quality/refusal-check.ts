// The refusal check: the model said that it won't answer, in so many words or by its finish reason.

import type { JsonValue } from "../job/json.ts";
import { afterOpenings, REFUSALS } from "./refusal-phrases.ts";
import { quote, type Check } from "./subject.ts";

/** A refusal comes at once; what comes later belongs to an answer. */
const OPENING_CHARACTERS = 300;

/**
 * Looks at how the answer begins; where it is JSON, at how the texts directly inside of it begin. It goes by phrases that only a refusal has, so it would rather
 * miss one in unusual words than fail an honest answer.
 */
export function createRefusalCheck(): Check {
  return ({ text, json, finish }) => {
    if (finish.unified === "refusal") return `the model refused (finish reason ${finish.raw ?? "refusal"})`;
    const refusing = openingsOf(text, json).find(isRefusal);
    return refusing === undefined ? undefined : `the model refused: ${quote(refusing)}`;
  };
}

function openingsOf(text: string, json: JsonValue | undefined): readonly string[] {
  const texts = typeof json === "object" && json !== null ? Object.values(json).filter((value) => typeof value === "string") : [text];
  return texts.map((each) => each.trimStart().slice(0, OPENING_CHARACTERS));
}

function isRefusal(opening: string): boolean {
  const said = afterOpenings(opening);
  return REFUSALS.some((phrase) => phrase.test(said) || phrase.test(opening));
}
