import type { LessonBook } from "../../src/prompt/lesson-book.ts";
import { createMemoryLessonBook } from "../../src/prompt/memory-lesson-book.ts";
import { lessonContract } from "../contracts/lesson-contract.ts";
import { createManualClock } from "../support/manual-clock.ts";

const clock = createManualClock();
const books = new Map<string, LessonBook>();

lessonContract("in memory", {
  open(provider) {
    const book = books.get(provider) ?? createMemoryLessonBook();
    books.set(provider, book);
    return book;
  },
  clock,
  pass: (ms) => clock.advance(ms),
});
