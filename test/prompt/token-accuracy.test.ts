// How far token estimates are off, measured on real prompts and answers (docs/tokens.md has the figures).

import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { countTokens as countByCl100k } from "gpt-tokenizer/encoding/cl100k_base";
import { countTokens as countByO200k } from "gpt-tokenizer/encoding/o200k_base";
import { countTokens as countByR50k } from "gpt-tokenizer/encoding/r50k_base";
import { describe, expect, it } from "vitest";
import { NO_USAGE } from "../../src/job/usage.ts";
import { createMemoryLessonBook } from "../../src/prompt/memory-lesson-book.ts";
import { createTokenEstimator } from "../../src/prompt/token-estimate.ts";
import { createTokenLearner } from "../../src/prompt/token-learner.ts";
import { createManualClock } from "../support/manual-clock.ts";

const DATA = resolve(import.meta.dirname, "../../../shared/data");
const FILES = ["meetings-qmsum.jsonl", "recorded-gsm8k.jsonl", "recorded-crux.jsonl"] as const;
const RECORDINGS = ["recorded-gsm8k.jsonl", "recorded-crux.jsonl"] as const;
const missing = FILES.filter((file) => !existsSync(resolve(DATA, file)));
const title = "token estimates of real texts";

interface RecordedLine {
  readonly prompt: string;
  readonly prompt_tokens: number;
  readonly models: Readonly<Record<string, { readonly response: string; readonly completion_tokens: number }>>;
}

function read(file: (typeof FILES)[number]): readonly unknown[] {
  const lines = readFileSync(resolve(DATA, file), "utf8").trim().split("\n");
  return lines.map((line) => JSON.parse(line) as unknown);
}

/** Mean and 95th percentile of the relative errors' sizes, in percent. */
function errors(pairs: readonly { readonly estimate: number; readonly actual: number }[]): { readonly mean: number; readonly p95: number } {
  const sizes = pairs.map(({ estimate, actual }) => 100 * Math.abs(estimate / actual - 1)).toSorted((a, b) => a - b);
  const mean = sizes.reduce((a, b) => a + b, 0) / sizes.length;
  return { mean, p95: sizes[Math.floor(sizes.length * 0.95)]! };
}

const whole = (text: string) => countByO200k(text, { disallowedSpecial: new Set() });
const prompt = (content: string) => ({ kind: "prompt", messages: [{ role: "user", content }] }) as const;

describe.skipIf(missing.length > 0)(missing.length > 0 ? `${title} (skipped: ../shared/data has no ${missing.join(", ")})` : title, () => {
  it("come within 1 % of the whole count in the mean where long texts are sampled, within 3 % for 95 of 100", async ({ annotate }) => {
    const estimator = await createTokenEstimator();
    const long = (read("meetings-qmsum.jsonl") as readonly { excerpt: string }[])
      .map(({ excerpt }) => excerpt)
      .filter((text) => text.length > 8_192);
    const { mean, p95 } = errors(long.map((text) => ({ estimate: estimator.estimate(prompt(text)).inputTokens - 7, actual: whole(text) })));
    await annotate(`${long.length} texts: mean ${mean.toFixed(2)} %, p95 ${p95.toFixed(2)} %`);
    expect(mean).toBeLessThan(1);
    expect(p95).toBeLessThan(3);
  });

  it("have nothing else to be held against here than OpenAI's tokenizers: the recordings' counts are cl100k's, for every vendor's model", () => {
    for (const file of RECORDINGS) {
      for (const { prompt, prompt_tokens: tokens, models } of read(file) as readonly RecordedLine[]) {
        expect(countByCl100k(prompt)).toBe(tokens);
        const answers = Object.values(models);
        expect(answers.map(({ response }) => countByCl100k(response))).toEqual(answers.map((answer) => answer.completion_tokens));
      }
    }
  });

  it("come within 2 % of the recordings' counts in the mean, within 5 % for 95 of 100", async ({ annotate }) => {
    const estimator = await createTokenEstimator();
    const textOnly = (text: string) => estimator.estimate(prompt(text)).inputTokens - 7;
    for (const file of RECORDINGS) {
      const lines = read(file) as readonly RecordedLine[];
      const prompts = errors(lines.map((line) => ({ estimate: textOnly(line.prompt), actual: line.prompt_tokens })));
      const answers = lines.flatMap((line) => Object.values(line.models)).filter((answer) => answer.completion_tokens > 0);
      const answered = errors(answers.map((answer) => ({ estimate: textOnly(answer.response), actual: answer.completion_tokens })));
      await annotate(`${file} prompts: mean ${prompts.mean.toFixed(2)} %, p95 ${prompts.p95.toFixed(2)} %`);
      await annotate(`${file} answers: mean ${answered.mean.toFixed(2)} %, p95 ${answered.p95.toFixed(2)} %`);
      for (const { mean, p95 } of [prompts, answered]) {
        expect(mean).toBeLessThan(2);
        expect(p95).toBeLessThan(5);
      }
    }
  });

  it("come near a tokenizer they know nothing of by learning, and near the length of answers", async ({ annotate }) => {
    const estimator = await createTokenEstimator();
    for (const file of RECORDINGS) {
      const learner = createTokenLearner({
        book: createMemoryLessonBook(),
        tasks: ["t"],
        models: ["p/m"],
        clock: createManualClock(),
      });
      const [first, learned]: { estimate: number; actual: number }[][] = [[], []];
      const outputs = { first: 0, learned: 0, actual: 0 };
      for (const [i, line] of (read(file) as readonly RecordedLine[]).entries()) {
        const estimate = estimator.estimate(prompt(line.prompt));
        const corrected = learner.correct("t", "p/m", estimate);
        // GPT-3's tokenizer stands in for that of a vendor who keeps it to himself.
        const inputTokens = countByR50k(line.prompt);
        const outputTokens = line.models["gpt-4o-2024-08-06"]!.completion_tokens;
        learner.learn({ task: "t", model: "p/m", estimate, usage: { ...NO_USAGE, inputTokens, outputTokens }, isWhole: true });
        if (i < 100) continue;
        first!.push({ estimate: estimate.inputTokens, actual: inputTokens });
        learned!.push({ estimate: corrected.inputTokens, actual: inputTokens });
        outputs.first += estimate.outputTokens;
        outputs.learned += corrected.outputTokens;
        outputs.actual += outputTokens;
      }
      const [before, after] = [errors(first!), errors(learned!)];
      const [outputBefore, outputAfter] = [outputs.first, outputs.learned].map((sum) => 100 * Math.abs(sum / outputs.actual - 1));
      await annotate(
        `${file} inputs: mean ${before.mean.toFixed(1)} → ${after.mean.toFixed(1)} %, p95 ${before.p95.toFixed(1)} → ${after.p95.toFixed(1)} %`,
      );
      await annotate(`${file} output of all calls: ${outputBefore!.toFixed(1)} → ${outputAfter!.toFixed(1)} %`);
      expect(after.mean).toBeLessThan(before.mean / 2);
      expect(outputAfter).toBeLessThan(5);
      await learner.stop();
    }
  });
});
