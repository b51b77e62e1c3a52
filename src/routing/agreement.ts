// Whether answers of several models agree: enough of them say the same.

import type { Answer } from "../job/outcome.ts";
import { comparable } from "../job/same-answer.ts";
import type { Agreement } from "../job/task.ts";

/** The first answer of the largest group of equal ones, if that is large enough; an answer with nothing to compare agrees with none. */
export function agreedAnswer<Each extends { readonly answer: Answer }>(
  answers: readonly Each[],
  { on, need }: Agreement,
  asked: number,
): Each | undefined {
  const groups = new Map<string, Each[]>();
  for (const each of answers) {
    const said = comparable(each.answer, on);
    if (said === undefined) continue;
    const group = groups.get(said);
    if (group) group.push(each);
    else groups.set(said, [each]);
  }
  const largest = [...groups.values()].reduce<readonly Each[]>((most, group) => (group.length > most.length ? group : most), []);
  return largest.length >= Math.min(need ?? asked, asked) ? largest[0] : undefined;
}
