// Answers from a recording: what real models really said to known prompts, with their token counts.

import { z } from "zod";

import type { AnswerSource } from "./answer-source.ts";
import { readJsonl } from "./read-jsonl.ts";
import { createTextIndex } from "./text-index.ts";

const recordedLine = z.object({
  prompt: z.string().min(1),
  prompt_tokens: z.int().nonnegative().optional(),
  models: z.record(z.string(), z.object({ response: z.string(), completion_tokens: z.int().nonnegative().optional() })),
});

export interface Recording {
  readonly source: AnswerSource;
  /** Every model that answered at least one prompt. */
  readonly models: readonly string[];
}

/** Reads recordings (JSONL). Throws a `UsageError` with file and line when one is wrong. */
export function loadRecording(files: readonly string[]): Recording {
  const lines = files.flatMap((file) => readJsonl(file, recordedLine));
  const index = createTextIndex(lines.map((line) => line.prompt));
  return {
    models: [...new Set(lines.flatMap((line) => Object.keys(line.models)))],
    source: {
      answer(ask, model) {
        for (const message of ask.userMessages) {
          const line = lines[index.find(message) ?? -1];
          const said = line?.models[model.recordedAs ?? model.name];
          if (!line || !said) continue;
          return {
            source: "recording",
            text: said.response,
            ...(line.prompt_tokens === undefined ? {} : { inputTokens: line.prompt_tokens }),
            ...(said.completion_tokens === undefined ? {} : { outputTokens: said.completion_tokens }),
          };
        }
        return undefined;
      },
    },
  };
}
