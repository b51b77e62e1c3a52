// The rows of a plan: streamed, each rendered and its tokens estimated, and sorted by the way it takes through each of the routes compared. What is kept is sums:
// memory goes by the number of different ways, whatever the file's size.
//
// Of a large file a uniform sample is estimated: a first reading counts its rows, a second one draws.

import type { Row } from "../intake/row.ts";
import type { Job, JobTerms } from "../job/job.ts";
import type { ModelSpec } from "../job/model.ts";
import type { ModelId } from "../job/names.ts";
import type { ModelRequest } from "../job/request.ts";
import type { TaskSpec } from "../job/task.ts";
import { createPrompt } from "../prompt/prompt.ts";
import type { TokenEstimate, TokenEstimator } from "../prompt/token-estimate.ts";
import { createRandom } from "../runtime/seeded-random.ts";
import type { JobInput } from "../intake/job-input.ts";
import type { PlannedRows } from "./plan.ts";
import type { InputEstimate } from "./know-input.ts";
import { addLength, meanOver, type Lengths } from "./lengths.ts";
import type { PathFinder, RowWays } from "./paths.ts";

/** Sums over rows that take the same ways. */
export interface RowGroup extends RowWays {
  rows: number;
  /** By what a model's vendor puts around a request ({@link RowScan.variantOf}): our count of the input, and what OpenAI's limits take of it. */
  readonly lengths: readonly Lengths[];
  readonly chargedTokens: number[];
  /** As the estimator has it, and at most, where the request says so. */
  outputTokens: number;
  maxOutputTokens: number;
  limitedRows: number;
  /** To be given: a request may ask for several. */
  answers: number;
}

export interface RowScan extends PlannedRows {
  /** In the order of the paths given. No `ways`: rows that no model can or may take. */
  readonly groups: readonly (readonly RowGroup[])[];
  variantOf(model: ModelId): number;
  /** Our count of the input of a request to the model. */
  inputOf(model: ModelId): InputEstimate;
}

export interface RowScanOptions {
  readonly task: TaskSpec;
  readonly terms: JobTerms;
  readonly models: readonly ModelSpec[];
  /** What the vendor's adapter adds to a request with an output schema. */
  readonly instruction: (model: ModelSpec) => string | undefined;
  readonly estimator: TokenEstimator;
  readonly paths: readonly PathFinder[];
  /** Files with more rows are sampled, and how many rows are. */
  readonly sampleAbove?: number;
  readonly sampleSize?: number;
}

const SAMPLE_ABOVE = 100_000;
const SAMPLE_SIZE = 20_000;
const SEED = 1;

export async function scanRows(input: JobInput, options: RowScanOptions): Promise<RowScan> {
  const { task, terms, models, instruction, estimator, paths, sampleAbove = SAMPLE_ABOVE, sampleSize = SAMPLE_SIZE } = options;
  const counted = input.isFile ? await countRows(input, sampleAbove) : undefined;
  const prompt = createPrompt(task);
  const instructions = [...new Set(models.map(instruction))];
  const variants = new Map(models.map((model) => [model.id, instructions.indexOf(instruction(model))]));
  const groups = paths.map(() => new Map<string, RowGroup>());
  const spreads = instructions.map(createSpread);
  const all = instructions.map((): Lengths => new Map());
  let fixed: readonly number[] | undefined;
  const draw = counted === undefined ? () => true : createDraw(counted, sampleSize);
  let bad = 0;
  let undrawn = 0;
  let invalid = 0;
  let estimated = 0;
  let firstBad: string | undefined;

  for await (const row of input.rows()) {
    if (row.kind === "bad") {
      bad++;
      firstBad ??= `line ${row.line}: ${row.reason}`;
      continue;
    }
    if (!draw()) {
      undrawn++;
      continue;
    }
    const job = toJob(row, input, task, terms);
    const made = prompt.request(job);
    if (made.kind === "invalid") {
      invalid++;
      firstBad ??= `line ${row.line}: ${made.reason}`;
      continue;
    }
    estimated++;
    const estimates = estimatesOf(estimator, made.request, instructions);
    for (const [i, { inputTokens }] of estimates.entries()) {
      spreads[i]!.add(inputTokens);
      addLength(all[i]!, inputTokens);
    }
    fixed ??= fixedTokens(estimator, made.request, instructions);
    for (const [i, finder] of paths.entries()) {
      const { key, ...ways } = finder.find(job);
      addRow(groups[i]!, { key, ways }, estimates);
    }
  }
  const guessed = invalid > 0 ? Math.round((undrawn * invalid) / (invalid + estimated)) : 0;
  const good = estimated + undrawn - guessed;
  return {
    total: good + guessed + invalid + bad,
    good,
    bad: guessed + invalid + bad,
    ...(guessed > 0 ? { isBadEstimated: true } : {}),
    estimated,
    sampleError: estimated < good ? (spreads[0]?.error(good) ?? 0) : 0,
    firstBad,
    groups: groups.map((found) => [...found.values()]),
    variantOf: (model) => variants.get(model) ?? 0,
    inputOf(model) {
      const variant = variants.get(model) ?? 0;
      const shown = meanOver(all[variant] ?? new Map(), shownTokens);
      return { ...(spreads[variant]?.read() ?? { mean: 0, scatter: 0 }), fixed: fixed?.[variant] ?? 0, shown, rows: good };
    },
  };
}

/** Undefined where there are so few that all of them can be looked at. */
async function countRows(input: JobInput, sampleAbove: number): Promise<number | undefined> {
  let good = 0;
  for await (const row of input.rows()) if (row.kind === "good") good++;
  return good > sampleAbove ? good : undefined;
}

/** Each row as likely as any other, exactly `size` of them (Knuth, The Art of Computer Programming 3.4.2, algorithm S). */
function createDraw(of: number, size: number): () => boolean {
  const random = createRandom(SEED);
  let left = of;
  let wanted = Math.min(size, of);
  return () => {
    const isDrawn = random() * left < wanted;
    left--;
    if (isDrawn) wanted--;
    return isDrawn;
  };
}

function toJob(row: Row & { readonly kind: "good" }, { derivedBatch }: JobInput, task: TaskSpec, terms: JobTerms): Job {
  return {
    batch: derivedBatch ?? "plan",
    row: row.row,
    task: task.name,
    input: row.input,
    ...(row.body === undefined ? {} : { body: row.body }),
    ...(row.id === undefined ? {} : { id: row.id }),
    ...terms,
  };
}

/** Of a long request only so much is shown to who is asked for its complexity (src/routing/ask-complexity.ts). */
const MOST_SHOWN_TOKENS = 2_000;

export function shownTokens(inputTokens: number): number {
  return Math.min(inputTokens, MOST_SHOWN_TOKENS);
}

/** An OpenAI body brings its own schema: nothing is put around it here. */
function estimatesOf(
  estimator: TokenEstimator,
  request: ModelRequest,
  instructions: readonly (string | undefined)[],
): readonly TokenEstimate[] {
  if (request.kind === "openai-chat" || request.output === undefined) {
    const estimate = estimator.estimate(request);
    return instructions.map(() => estimate);
  }
  return instructions.map((instruction) => estimator.estimate(request, instruction));
}

/** What there is of a request besides its texts: a schema, and the frame around the messages. */
function fixedTokens(estimator: TokenEstimator, request: ModelRequest, instructions: readonly (string | undefined)[]): readonly number[] {
  if (request.kind === "openai-chat") return instructions.map(() => 0);
  const { system: _system, ...rest } = request;
  const bare = { ...rest, messages: request.messages.map((message) => ({ ...message, content: "" })) };
  // An instruction is text that the vendor counts as well, and stands for the schema.
  const { output: _output, ...instructed } = bare;
  return instructions.map((instruction) => estimator.estimate(instruction === undefined ? bare : instructed).inputTokens);
}

const CHARACTERS_PER_TOKEN = 4;

function addRow(
  groups: Map<string, RowGroup>,
  { key, ways }: { readonly key: string; readonly ways: RowWays },
  estimates: readonly TokenEstimate[],
): void {
  let group = groups.get(key);
  if (!group) {
    const sums = { rows: 0, outputTokens: 0, maxOutputTokens: 0, limitedRows: 0, answers: 0 };
    group = { ...ways, ...sums, lengths: estimates.map(() => new Map()), chargedTokens: estimates.map(() => 0) };
    groups.set(key, group);
  }
  const { outputTokens = 0, maxOutputTokens, answers = 1 } = estimates[0] ?? {};
  group.rows++;
  group.answers += answers;
  group.outputTokens += outputTokens;
  if (maxOutputTokens !== undefined) {
    group.maxOutputTokens += maxOutputTokens;
    group.limitedRows++;
  }
  for (const [i, { inputTokens, inputCharacters }] of estimates.entries()) {
    addLength(group.lengths[i]!, inputTokens);
    group.chargedTokens[i]! += Math.max(Math.ceil(inputCharacters / CHARACTERS_PER_TOKEN), maxOutputTokens ?? 0);
  }
}

/** Mean and scatter as they come (Welford). */
function createSpread() {
  let count = 0;
  let mean = 0;
  let squares = 0;
  return {
    add(value: number) {
      count++;
      const off = value - mean;
      mean += off / count;
      squares += off * (value - mean);
    },
    read: () => ({ mean, scatter: count > 1 ? Math.sqrt(squares / (count - 1)) : 0 }),
    /** Two standard errors of the mean of a sample of `of` values, relative to it. */
    error(of: number): number {
      if (count < 2 || mean === 0) return 0;
      return (2 * Math.sqrt((squares / (count - 1) / count) * Math.max(0, 1 - count / of))) / mean;
    },
  };
}
