import { describe, expect, it } from "vitest";
import { knownAnswers } from "../../src/plan/known-answers.ts";
import type { ModelId } from "../../src/job/names.ts";

const ANSWERS: Readonly<Record<ModelId, number>> = { "a/1": 500, "b/2": 0, "c/3": 40.4, "d/4": 0 };
const known = (...models: readonly ModelId[]) => knownAnswers(models, (model) => ANSWERS[model]!);

describe("the answers that a plan knows of", () => {
  it("are the fewest of the models of which any is known, and the others are named, each once", () => {
    expect(known("a/1", "b/2", "c/3", "b/2", "d/4")).toEqual({ answers: 40, unseen: ["b/2", "d/4"] });
    expect(known("a/1")).toEqual({ answers: 500, unseen: [] });
  });

  it("are none where no model was seen, or none is asked", () => {
    expect(known("b/2")).toEqual({ answers: 0, unseen: ["b/2"] });
    expect(known()).toEqual({ answers: 0, unseen: [] });
  });
});
