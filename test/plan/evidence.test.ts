import { describe, expect, it } from "vitest";
import { createEvidence } from "../../src/plan/evidence.ts";
import type { Trials } from "../../src/plan/trials.ts";
import type { ModelId } from "../../src/job/names.ts";
import type { Step } from "../../src/job/task.ts";
import { countRow, newFormerRows } from "../../src/plan/former-rows.ts";
import type { TrialAnswer } from "../../src/plan/replay-trials.ts";
import { answered, trailEntry } from "../results/sample-results.ts";
import { rowTrail, said, score, usage } from "./row-trail.ts";
import { times } from "./plan-specs.ts";

const ALONE: readonly Step[] = [{ models: ["a/1"] }];

/** Some of the file's own rows, of which all models say the same. `scores`: of each model's answers. */
function sampleOf(rows: number, models: readonly ModelId[] = ["a/1"], scores: readonly number[] = []): Trials {
  const answerOf = (model: ModelId, points: number | undefined): TrialAnswer => ({
    answer: { text: "1", finish: { unified: "stop", raw: null } },
    call: trailEntry({ model, usage: usage(100, 800) }),
    repairs: [],
    judged: points === undefined ? [] : [trailEntry(score("j/1", points))],
  });
  return { rows: times(rows, () => new Map(models.map((model, i) => [model, answerOf(model, scores[i])]))), at: 1_000, isWithin: true };
}

describe("what was seen of a path", () => {
  it("is of the file's own rows where it was a sample of them that was played through", () => {
    const seen = (rows: number) => createEvidence(newFormerRows(), sampleOf(rows)).of(ALONE)[0]!;
    expect(seen(10)).toMatchObject({ isWithin: true, tally: { rows: 10 } });
    expect(seen(9)).toMatchObject({ isWithin: false, tally: { rows: 0 } });
  });

  it("is not where former runs are in it too", () => {
    const former = newFormerRows();
    countRow(former, answered(0, { model: "a/1", trail: rowTrail(0, [said("a/1")]) }));
    expect(createEvidence(former, sampleOf(10)).of(ALONE)[0]).toMatchObject({ isWithin: false, tally: { rows: 11 } });
  });

  it("is known of single models of a small sample as well, apart from other files' rows", () => {
    const evidence = createEvidence(newFormerRows(), sampleOf(6));
    expect(evidence.within("a/1")).toMatchObject({ answers: 6, outputTokens: 4_800 });
    expect(evidence.within("b/2")).toBeUndefined();
    const { isWithin: _not, ...ofOthers } = sampleOf(6);
    expect(createEvidence(newFormerRows(), ofOthers).within("a/1")).toBeUndefined();
  });

  it("of answers that agree is their agreement, whatever a judge said of one of them", () => {
    const path: readonly Step[] = [{ models: ["a/1", "b/2"], agree: {} }, { models: ["c/3"] }];
    const [first, second] = createEvidence(newFormerRows(), sampleOf(20, ["a/1", "b/2", "c/3"], [8, 3])).of(path);
    expect(first!.tally).toMatchObject({ rows: 20, done: 20 });
    expect(first!.tally.scores[8]).toBe(20);
    expect(first!.tally.scores[3]).toBe(0);
    expect(second!.tally.rows).toBe(0);
  });
});
