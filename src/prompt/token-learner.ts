// Corrects token estimates by what calls have taught, per task and model: the factor between our count of the input and the vendor's (whose tokenizer
// may not be public, and who may put words of its own around a request), and how long answers are.
//
// A lesson is in use here at once; each second what is new goes to the fleet's lesson book, whose answer holds what the other processes learned. While the
// book is away, the learner goes on with what it knows, and hands in later.

import type { ModelId } from "../job/names.ts";
import type { Usage } from "../job/usage.ts";
import type { Clock } from "../runtime/clock.ts";
import type { LessonBook, Subject } from "./lesson-book.ts";
import { expectTokens, foldLessons, lessonOf, NO_LESSONS, type LessonSums } from "./lesson-sums.ts";
import type { TokenEstimate } from "./token-estimate.ts";

export interface CorrectedEstimate extends TokenEstimate {
  /** Hardly a prompt is counted higher (mean and three standard deviations of what vendor's counts and ours differ by). */
  readonly highInputTokens: number;
  /** What the answer takes on average, as far as was seen, within `maxOutputTokens`; `outputTokens` trusts the first few answers less. */
  readonly likelyOutputTokens: number;
}

export interface TaughtCall {
  readonly task: string;
  readonly model: ModelId;
  /** As the estimator gave it, not corrected. */
  readonly estimate: TokenEstimate;
  /** As the vendor told it. */
  readonly usage: Usage;
  /** False for an answer that was cut off: it says nothing about the length of answers. */
  readonly isWhole: boolean;
}

export interface TokenLearner {
  /** The estimate itself for a task or model that the learner wasn't made for. Never throws. */
  correct(task: string, model: ModelId, estimate: TokenEstimate): CorrectedEstimate;
  /** For calls that the vendor answered. Never throws; of tasks and models that the learner wasn't made for, nothing is kept. */
  learn(call: TaughtCall): void;
  /** Hands in what is new, unless the book is away. Idempotent. */
  stop(): Promise<void>;
}

const HAND_IN_MS = 1_000;
const STOP_PATIENCE_MS = 1_000;

/** `tasks` and `models`: all there are to learn about. Begins with what the book holds as soon as it has been read. */
export function createTokenLearner({
  book,
  tasks,
  models,
  clock,
}: {
  book: LessonBook;
  tasks: Iterable<string>;
  models: Iterable<ModelId>;
  clock: Clock;
}): TokenLearner {
  const allModels = [...models];
  const subjects = new Set<string>(Array.from(tasks, (task) => allModels.map((model) => subjectOf(task, model))).flat());
  const known = new Map<string, LessonSums>();
  let unshared = new Map<Subject, LessonSums>();
  const stopping = new AbortController();
  let running: Promise<void> | undefined;

  /** The book's word, and what it doesn't have yet. */
  const take = (shared: ReadonlyMap<string, LessonSums>) => {
    for (const [subject, sums] of shared) {
      if (subjects.has(subject)) known.set(subject, foldLessons(sums, unshared.get(subject as Subject) ?? NO_LESSONS));
    }
  };

  const handIn = async () => {
    const lessons = unshared;
    unshared = new Map();
    try {
      take(await book.add(lessons));
    } catch {
      // Kept for the next time. If the book got them all the same, they count twice, which does no harm.
      for (const [subject, sums] of lessons) unshared.set(subject, foldLessons(sums, unshared.get(subject) ?? NO_LESSONS));
    }
  };

  const run = async () => {
    while (unshared.size > 0 && !stopping.signal.aborted) {
      await clock.sleep(HAND_IN_MS, stopping.signal);
      await handIn();
    }
    running = undefined;
  };

  const reading = book.read().then(take, () => undefined);

  let stopped: Promise<void> | undefined;
  const end = async () => {
    stopping.abort();
    const patience = new AbortController();
    const rest = Promise.all([reading, running]).then(() => (unshared.size > 0 ? handIn() : undefined));
    await Promise.race([rest, clock.sleep(STOP_PATIENCE_MS, patience.signal)]);
    patience.abort();
  };

  return {
    correct(task, model, estimate) {
      const { maxOutputTokens = Number.MAX_SAFE_INTEGER } = estimate;
      const expected = expectTokens(known.get(subjectOf(task, model)) ?? NO_LESSONS, estimate.outputTokens);
      const within = (tokens: number) => Math.min(Math.max(1, Math.round(tokens)), maxOutputTokens);
      return {
        ...estimate,
        inputTokens: Math.round(estimate.inputTokens * expected.inputFactor),
        highInputTokens: Math.ceil(estimate.inputTokens * expected.highInputFactor),
        outputTokens: within(expected.outputTokens),
        likelyOutputTokens: within(expected.likelyOutputTokens),
      };
    },
    learn({ task, model, estimate, usage, isWhole }) {
      const subject = subjectOf(task, model);
      if (!subjects.has(subject) || stopping.signal.aborted) return;
      const lesson = lessonOf(estimate, usage, { isWhole });
      if (!lesson) return;
      known.set(subject, foldLessons(known.get(subject) ?? NO_LESSONS, lesson));
      unshared.set(subject, foldLessons(unshared.get(subject) ?? NO_LESSONS, lesson));
      running ??= run();
    },
    stop() {
      stopped ??= end();
      return stopped;
    },
  };
}

function subjectOf(task: string, model: ModelId): Subject {
  return `${task}|${model}`;
}
