// The work of bench:limits: short tickets, which a limit of requests holds back, and meetings, whose uneven prompts of up to 10,000 tokens meet a limit of tokens.

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { JsonObject } from "../src/job/json.ts";
import { benchRow, LABELS } from "./bench-rows.ts";

export type Work = "tickets" | "meetings";

/** Real prompts, beside the project and not part of it. */
export const MEETINGS = join(import.meta.dirname, "../../shared/data/meetings-qmsum.jsonl");
export const hasMeetings = existsSync(MEETINGS);

interface Meeting {
  readonly query: string;
  readonly excerpt: string;
}

/** A task's options, its route aside. */
export function taskOf(work: Work): object {
  switch (work) {
    case "tickets":
      return {
        prompt: { system: "You sort support tickets.", user: "Ticket: {{ input.text }}" },
        input: { type: "object", required: ["text"], properties: { text: { type: "string" }, customer: { type: "integer" } } },
        output: { type: "object", required: ["label"], properties: { label: { enum: [...LABELS] } } },
      };
    case "meetings":
      return { prompt: { user: "{{ input.excerpt }}\n\n{{ input.query }}" }, maxOutputTokens: MEETING_OUTPUT_TOKENS };
    default:
      return work satisfies never;
  }
}

/** What the prompt above comes to, for those who write their calls by hand. */
export function promptOf(work: Work, row: JsonObject): string {
  return work === "tickets" ? `Ticket: ${row["text"] as string}` : `${row["excerpt"] as string}\n\n${row["query"] as string}`;
}

/** Above the longest reference answer, so that none is cut off. */
export const MEETING_OUTPUT_TOKENS = 300;

/** How the simulator answers: meetings with the reference, so that lengths are uneven too; tickets by the requested schema. */
export function answersOf(work: Work): object {
  return work === "meetings" ? { answers: { file: MEETINGS, textField: "query", answerField: "reference" } } : {};
}

/** As many rows as are wanted; the meetings begin anew after their last. */
export async function rowsOf(work: Work): Promise<(row: number) => JsonObject> {
  if (work === "tickets") return benchRow;
  const text = await readFile(MEETINGS, "utf8");
  const meetings = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Meeting);
  return (row) => {
    const { query, excerpt } = meetings[row % meetings.length]!;
    return { query, excerpt };
  };
}

/** What a meeting is charged on average where `max_tokens` or the prompt counts, by four characters to a token: what somebody sizing a limiter by hand goes by. */
export async function meanMeetingTokens(): Promise<number> {
  const rowAt = await rowsOf("meetings");
  const sample = Array.from({ length: 800 }, (_, row) => meetingTokens(rowAt(row)));
  return sample.reduce((sum, tokens) => sum + tokens, 0) / sample.length;
}

export function meetingTokens(row: JsonObject): number {
  return Math.max(MEETING_OUTPUT_TOKENS, Math.ceil(promptOf("meetings", row).length / 4));
}
