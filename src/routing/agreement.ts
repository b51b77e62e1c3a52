// Whether answers of several models agree: enough of them say the same.

import type { Answer } from "../job/outcome.ts";
import { sameAnswer } from "../job/same-answer.ts";
import type { Agreement } from "../job/task.ts";

/**
 * The first answer of the largest group of equal ones, if that is large enough. Being the same isn't transitive ("10" is "10 days", and is "10 hours"): in a
 * group everyone agrees with everyone. An answer with nothing to compare agrees with none.
 */
export function agreedAnswer<Each extends { readonly answer: Answer }>(
  answers: readonly Each[],
  { on, need }: Agreement,
  asked: number,
): Each | undefined {
  const groups: Each[][] = [];
  for (const each of answers) {
    const group = groups.find((members) => members.every((member) => sameAnswer(member.answer, each.answer, on)));
    if (group) group.push(each);
    else groups.push([each]);
  }
  const largest = groups.reduce<readonly Each[]>((most, group) => (group.length > most.length ? group : most), []);
  return largest.length > 1 && largest.length >= Math.min(need ?? asked, asked) ? largest[0] : undefined;
}
