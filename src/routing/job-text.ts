// What of a job is read to tell how hard it is: its texts, and of long ones only some. A few thousand characters tell as much of the kind of work as all.

import type { Job } from "../job/job.ts";
import type { JsonValue } from "../job/json.ts";

/** Of the beginning, of three places in the middle, and of the end, where the question often is. */
const HEAD_CHARACTERS = 2_048;
const SLICE_CHARACTERS = 256;
const MIDDLE_SLICES = 3;
const END_CHARACTERS = 768;
const WHOLE_CHARACTERS = HEAD_CHARACTERS + MIDDLE_SLICES * SLICE_CHARACTERS + END_CHARACTERS;
/** A row of ten thousand numbers has few texts to offer. It bounds the depth too. */
const MOST_VALUES = 500;

/** Texts of the row, or of the messages of its OpenAI body, a line each: at most some 3,600 characters. */
export function jobText({ input, body }: Job): string {
  const texts: string[] = [];
  gather(body ? (body["messages"] ?? body) : input, texts, { left: MOST_VALUES });
  const [only] = texts;
  return sample(texts.length === 1 && only !== undefined ? only : texts.join("\n"));
}

function gather(value: JsonValue | undefined, texts: string[], budget: { left: number }): void {
  if (budget.left-- <= 0) return;
  if (typeof value === "string") {
    // Images lie in a body as data addresses.
    if (!value.startsWith("data:")) texts.push(value);
  } else if (typeof value === "number") texts.push(String(value));
  else if (typeof value === "object" && value !== null) {
    // `role: user` is no text of the job.
    for (const [name, part] of Object.entries(value)) if (name !== "role" && name !== "type") gather(part, texts, budget);
  }
}

function sample(text: string): string {
  if (text.length <= WHOLE_CHARACTERS) return text;
  const slices = [text.slice(0, HEAD_CHARACTERS)];
  const middle = text.length - HEAD_CHARACTERS - END_CHARACTERS;
  for (let i = 1; i <= MIDDLE_SLICES; i++) {
    const start = HEAD_CHARACTERS + Math.floor((middle * i) / (MIDDLE_SLICES + 1)) - SLICE_CHARACTERS / 2;
    slices.push(text.slice(start, start + SLICE_CHARACTERS));
  }
  slices.push(text.slice(-END_CHARACTERS));
  return slices.join("\n");
}
