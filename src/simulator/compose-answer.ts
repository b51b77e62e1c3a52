// Turns a sourced answer into what the model delivers: token counts, the cut at `max_tokens`, refusals.

import type { Usage } from "../job/usage.ts";
import type { SourcedAnswer } from "./answer-source.ts";
import type { Ask } from "./ask.ts";
import { estimateTokens } from "./charging.ts";

export interface SimulatedAnswer {
  readonly text: string;
  /** `filtered`: a content filter took the answer; `refused`: the model said no. Both are paid. */
  readonly ending: "stop" | "length" | "filtered" | "refused";
  readonly usage: Usage;
  readonly source: SourcedAnswer["source"];
}

/** Shares and counts of the model that asks beyond the answer itself. */
export interface UsageProfile {
  readonly cachedShare: number;
  readonly cacheWriteShare: number;
  readonly reasoningTokens: number;
}

/** How a fault bends an answer that is otherwise good. */
export type Bend = "cut-off" | "content-filter" | "refusal" | undefined;

export function composeAnswer(ask: Ask, sourced: SourcedAnswer, profile: UsageProfile, bend?: Bend): SimulatedAnswer {
  const inputTokens = sourced.inputTokens ?? estimateTokens(ask.inputCharacters);
  const textTokens = Math.max(1, estimateTokens(sourced.text.length));
  // A recording's count holds its reasoning already.
  const wanted = sourced.outputTokens ?? textTokens + profile.reasoningTokens;
  const reasoning = Math.min(profile.reasoningTokens, wanted);
  const usage = (outputTokens: number): Usage => ({
    inputTokens,
    cachedInputTokens: Math.floor(inputTokens * profile.cachedShare),
    cacheWriteTokens: Math.floor(inputTokens * profile.cacheWriteShare),
    outputTokens,
    reasoningTokens: Math.min(reasoning, outputTokens),
  });

  if (bend === "content-filter") return { text: "", ending: "filtered", usage: usage(1), source: sourced.source };
  if (bend === "refusal") return { text: "I can't help with that.", ending: "refused", usage: usage(6), source: sourced.source };
  const allowed = Math.min(ask.maxOutputTokens ?? Infinity, bend === "cut-off" ? Math.max(1, Math.floor(wanted / 2)) : Infinity);
  if (wanted <= allowed && bend !== "cut-off") return { text: sourced.text, ending: "stop", usage: usage(wanted), source: sourced.source };
  const shown = Math.max(0, allowed - reasoning) / Math.max(1, wanted - reasoning);
  return {
    text: sourced.text.slice(0, Math.floor(sourced.text.length * shown)),
    ending: "length",
    usage: usage(allowed),
    source: sourced.source,
  };
}
