// Lessons in this process's memory: for tests, and for a fleet that is one process.

import type { LessonBook } from "./lesson-book.ts";
import { foldLessons, NO_LESSONS, type LessonSums } from "./lesson-sums.ts";

export function createMemoryLessonBook(): LessonBook {
  const known = new Map<string, LessonSums>();
  return {
    async read() {
      return new Map(known);
    },
    async add(lessons) {
      for (const [subject, sums] of lessons) known.set(subject, foldLessons(known.get(subject) ?? NO_LESSONS, sums));
      return new Map(Array.from(lessons.keys(), (subject) => [subject, known.get(subject) ?? NO_LESSONS]));
    },
  };
}
