// How hard a job is, before any model has seen it: a complexity between 0 and 1, with its reasons.
//
// The rules add up what makes work hard to do well: a long text to read, mathematics, code, several steps, constraints to keep, more than one language, a
// large structure to fill. Each has a most it can add and comes to half of that at a usual amount, so that no single one decides. Below 0.3 lies what is
// simple, above 0.6 what is complex. The rules know words of five languages and signs of any. They tell short and simple from long and intricate, a label from
// a code review; they don't understand, and among jobs of one kind they hardly tell which one a model will fail. A task that needs that has a function of
// its own (`analyse: { complexity }`), or a cheap model asked (`analyse: { model }`), or better: checks, and a route that goes on when they fail.

import type { Analysis } from "../job/analysis.ts";
import type { Job } from "../job/job.ts";
import type { TaskSpec } from "../job/task.ts";
import { jobText } from "./job-text.ts";
import { guessLanguage } from "./language-guess.ts";
import { schemaSize, type SchemaSize } from "./schema-size.ts";
import { readSignals, type TextSignals } from "./text-signals.ts";

/**
 * By the task's function, where it has one, else by the rules. `inputTokens`: an estimate of the whole request. Time is bounded, whatever the row's length:
 * only parts of long texts are read.
 */
export function analyse(job: Job, task: TaskSpec, inputTokens: number): Analysis {
  if (task.analyse?.kind !== "function") return byRules(job, task, inputTokens);
  try {
    const said = task.analyse.complexity(job.input);
    if (typeof said === "number" && !Number.isNaN(said)) {
      const complexity = Math.min(1, Math.max(0, said));
      return { complexity, reasons: [`the task's own function says ${said}`] };
    }
    return withReason(byRules(job, task, inputTokens), `by the rules, for the task's own function gave ${String(said)}, not a number`);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return withReason(byRules(job, task, inputTokens), `by the rules, for the task's own function failed: ${message}`);
  }
}

function withReason(analysis: Analysis, reason: string): Analysis {
  return { ...analysis, reasons: [reason, ...analysis.reasons] };
}

/** Even the simplest job takes a little. */
const BASE = 0.1;
/** What is less is not worth a reason. */
const LEAST = 0.005;

interface Addition {
  readonly adds: number;
  readonly what: string;
}

function byRules(job: Job, task: TaskSpec, inputTokens: number): Analysis {
  const text = readSignals(jobText(job));
  const constant = constantOf(task);
  const guess = guessLanguage(text);
  const additions = [
    ofLength(inputTokens),
    ofMathematics(text),
    ofCode(text),
    ofSteps(text),
    ofConstraints(text.constraintWords, job.body ? 0 : constant.constraints),
    ofStructure(job.body ? { fields: 0, depth: 0 } : constant.schema),
    { adds: guess.isMixed ? 0.15 : 0, what: "more than one script" },
  ].filter(({ adds }) => adds >= LEAST);
  const sum = additions.reduce((total, { adds }) => total + adds, BASE);
  return {
    complexity: Math.min(1, Math.round(sum * 1_000) / 1_000),
    reasons: additions.map(({ adds, what }) => `+${adds.toFixed(2)} ${what}`),
    ...(guess.language === undefined ? {} : { language: guess.language }),
  };
}

/** Nothing up to 64 tokens, all of it from 16,384; the same for each doubling in between. */
function ofLength(inputTokens: number): Addition {
  const doublings = Math.log2(Math.max(1, inputTokens) / 64);
  return { adds: 0.45 * Math.min(1, Math.max(0, doublings / 8)), what: `length: about ${inputTokens} tokens` };
}

/** Order numbers and dates are no mathematics: it takes words or operators besides. */
function ofMathematics({ numbers, mathWords, operators }: TextSignals): Addition {
  const isThere = numbers + operators >= 2 && mathWords + operators >= 2;
  return {
    adds: isThere ? 0.45 * half(mathWords + operators / 2, 4) : 0,
    what: `mathematics: ${counted([mathWords, "word"], [operators, "operator"], [numbers, "number"])}`,
  };
}

/** A single name in camel case is none. */
function ofCode({ codeMarks, codeWords }: TextSignals): Addition {
  return {
    adds: codeMarks < 3 ? 0 : 0.45 * half(codeMarks + codeWords / 2, 8),
    what: `code: ${counted([codeMarks, "mark"], [codeWords, "word"])}`,
  };
}

function ofSteps({ stepWords, questions, items }: TextSignals): Addition {
  const more = Math.max(0, questions - 1);
  return {
    adds: 0.3 * half(stepWords + 2 * more + items / 2, 6),
    what: `several steps: ${counted([stepWords, "word"], [more > 0 ? questions : 0, "question"], [items, "item"])}`,
  };
}

function ofConstraints(own: number, ofPrompt: number): Addition {
  return {
    adds: 0.3 * half(own + ofPrompt, 10),
    what: `constraints: ${counted([own, "word in the row", "words in the row"], [ofPrompt, "in the prompt", "in the prompt"])}`,
  };
}

/** One field is no structure. */
function ofStructure({ fields, depth }: SchemaSize): Addition {
  const size = Math.max(0, fields - 1) + 2 * Math.max(0, depth - 1);
  return { adds: 0.25 * half(size, 8), what: `output: ${counted([fields, "field"])}, ${depth} deep` };
}

/** From 0 towards 1; half of it at `usual`. */
function half(amount: number, usual: number): number {
  return amount / (amount + usual);
}

/** `2 words, 1 number`: what there is none of is left out. */
function counted(...parts: readonly (readonly [count: number, one: string, many?: string])[]): string {
  let shown = "";
  for (const [count, one, many = `${one}s`] of parts) if (count > 0) shown += `${shown && ", "}${count} ${count === 1 ? one : many}`;
  return shown;
}

interface Constant {
  readonly constraints: number;
  readonly schema: SchemaSize;
}

/** What all jobs of a task have in common is looked at once. */
const known = new WeakMap<TaskSpec, Constant>();

function constantOf(task: TaskSpec): Constant {
  let found = known.get(task);
  if (!found) {
    const { constraintWords, items } = readSignals(`${task.prompt?.system ?? ""}\n${task.prompt?.user ?? ""}`.slice(0, 20_000));
    found = { constraints: constraintWords + items, schema: schemaSize(task.output) };
    known.set(task, found);
  }
  return found;
}
