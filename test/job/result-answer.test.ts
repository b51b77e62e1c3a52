import { describe, expect, it } from "vitest";
import { answeringCall, outputOf } from "../../src/job/result-answer.ts";
import { answered, failed, trailEntry } from "../results/sample-results.ts";

describe("a result's answer", () => {
  it("is what was parsed, null too, else the text", () => {
    const finish = { unified: "stop", raw: null } as const;
    expect(outputOf(answered(0, { answer: { text: "null", json: null, finish } }))).toBeNull();
    expect(outputOf(answered(0, { answer: { text: "0", json: 0, finish } }))).toBe(0);
    expect(outputOf(answered(0, { answer: { text: "null", finish } }))).toBe("null");
  });

  it("was given by the last call of its model that answered, and not by that model's judgement of another", () => {
    const trail = [
      trailEntry({ call: "1", model: "a/one", outcome: "unfit" }),
      trailEntry({ call: "2", model: "a/one", purpose: "repair" }),
      trailEntry({ call: "3", model: "b/two" }),
      trailEntry({ call: "4", model: "a/one", purpose: "judge" }),
      trailEntry({ call: "5", model: "a/one", outcome: "uncertain" }),
    ];
    expect(answeringCall(answered(0, { model: "a/one", trail }))?.call).toBe("2");
    expect(answeringCall(answered(0, { model: "b/two", trail }))?.call).toBe("3");
    expect(answeringCall(answered(0, { model: "c/three", trail }))).toBeUndefined();
    expect(answeringCall(failed(0, { trail }))).toBeUndefined();
  });
});
