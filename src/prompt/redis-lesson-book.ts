// Lessons in Redis, shared by the fleet: one hash for all models of a provider, in its slot.

import type { Redis } from "ioredis";
import { providerKeys } from "../runtime/keys.ts";
import { runScript } from "../runtime/redis-script.ts";
import type { LessonBook } from "./lesson-book.ts";
import { lessonScript } from "./lesson-script.ts";
import { MOST_WEIGHT, type LessonSums } from "./lesson-sums.ts";

/** What nobody has added to for so long is forgotten. */
const KEPT_SECONDS = 90 * 24 * 3_600;

/** The connection stays the caller's to close. */
export function createRedisLessonBook({ redis, provider }: { redis: Redis; provider: string }): LessonBook {
  const { learned } = providerKeys(provider);
  return {
    async read() {
      return parseAll(Object.entries(await redis.hgetall(learned)));
    },
    async add(lessons) {
      const subjects = [...lessons.keys()];
      const args = Array.from(lessons, ([subject, sums]) => [subject, ...toNumbers(sums)]).flat();
      const values = await runScript<string[]>(redis, lessonScript, [learned], [MOST_WEIGHT, KEPT_SECONDS, ...args]);
      return parseAll(subjects.map((subject, i) => [subject, values[i] ?? ""]));
    },
  };
}

function toNumbers({ calls, estimated, counted, countedSquares, answers, output, outputSquares }: LessonSums): readonly number[] {
  return [calls, estimated, counted, countedSquares, answers, output, outputSquares];
}

type SevenNumbers = [number, number, number, number, number, number, number];

/** What can't be read is left out: the next lesson begins it anew. */
function parseAll(entries: readonly (readonly [string, string])[]): Map<string, LessonSums> {
  const parsed = new Map<string, LessonSums>();
  for (const [subject, value] of entries) {
    const numbers = value.split(" ").map(Number);
    if (numbers.length !== 7 || !numbers.every((number) => number >= 0 && number <= Number.MAX_SAFE_INTEGER)) continue;
    const [calls, estimated, counted, countedSquares, answers, output, outputSquares] = numbers as SevenNumbers;
    parsed.set(subject, { calls, estimated, counted, countedSquares, answers, output, outputSquares });
  }
  return parsed;
}
