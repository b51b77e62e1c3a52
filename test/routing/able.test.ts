import { describe, expect, it } from "vitest";
import type { ModelId } from "../../src/job/names.ts";
import type { Exclusion } from "../../src/job/progress.ts";
import { createFilter } from "../../src/routing/able.ts";
import { modelSpec, type SubjectChanges, subjectSpec, viewSpec } from "./specs.ts";

const MODEL = modelSpec("a/1", { contextWindow: 1_000 });

function whyUnable(changes: SubjectChanges, model = MODEL, purpose?: "judge") {
  return createFilter(subjectSpec(changes), viewSpec([model, modelSpec("b/2", { contextWindow: 1_000 })])).whyUnable(model.id, purpose);
}

describe("the filters", () => {
  it("have nothing against a model that can and may do the job", () => {
    expect(whyUnable({})).toBeUndefined();
  });

  it("count a request that just fills the context window as fitting", () => {
    expect(whyUnable({ needs: { inputTokens: 900, outputTokens: 100 } })).toBeUndefined();
    expect(whyUnable({ needs: { inputTokens: 900, outputTokens: 101 } })).toBe(
      "the request needs about 1001 tokens, its context window holds 1000",
    );
  });

  it("after a context overflow take only a larger window than the one that was too small", () => {
    const overflow: Exclusion = { model: "b/2", cause: "context", reason: "too long" };
    const progress = { excluded: [overflow] };
    expect(whyUnable({ progress })).toBe("its context window (1000) is no larger than one that was too small");
    expect(whyUnable({ progress }, modelSpec("a/1", { contextWindow: 1_001 }))).toBeUndefined();
  });

  it("ask for the capabilities that the job needs, and for no others", () => {
    const bare = modelSpec("a/1", { capabilities: { jsonSchema: false, images: false, tools: false } });
    expect(whyUnable({}, bare)).toBeUndefined();
    expect(whyUnable({ needs: { jsonSchema: true } }, bare)).toBe("it can't answer by a JSON schema");
    expect(whyUnable({ needs: { images: true } }, bare)).toBe("it takes no images");
    expect(whyUnable({ needs: { tools: true } }, bare)).toBe("it takes no tools");
  });

  it("keep a class of data from the models that are barred for it, judges included, by the job's word, its row's or its task's", () => {
    const barred = modelSpec("a/1", { barredFor: { pii: "it must stay in eu, and a is in us" } });
    const reason = 'data class "pii": it must stay in eu, and a is in us';
    const task = { dataClass: { field: "class", default: "pii" } };
    const open = modelSpec("a/1", { barredFor: { public: null } });
    for (const purpose of [undefined, "judge"] as const) {
      expect(whyUnable({ job: { dataClass: "pii" } }, barred, purpose)).toBe(reason);
      expect(whyUnable({ task: { dataClass: { field: "class" } }, job: { input: { class: "pii" } } }, barred, purpose)).toBe(reason);
      expect(whyUnable({ task }, barred, purpose)).toBe(reason);
      expect(whyUnable({ task, job: { input: { class: "public" } } }, open, purpose)).toBeUndefined();
    }
  });

  it("keep a job of a class that isn't configured from everybody: a slip must not let data out", () => {
    expect(whyUnable({ job: { dataClass: "PII" } })).toContain("not among the configured ones");
  });

  it("hold to whom a job allows and denies", () => {
    expect(whyUnable({ job: { deny: ["a/1"] } })).toBe("the job denies it");
    expect(whyUnable({ job: { allow: ["b/2"] } })).toBe("the job allows only others");
    expect(whyUnable({ job: { allow: ["a/1"], deny: ["b/2"] } })).toBeUndefined();
  });

  it("name every unable model of a step once", () => {
    const filter = createFilter(subjectSpec(), viewSpec([MODEL]));
    const missing: readonly ModelId[] = ["x/1", "x/2"];
    expect(filter.isAble({ models: [...missing, "a/1"], agree: {} })).toBe(false);
    expect(filter.isAble({ models: ["x/1"] })).toBe(false);
    expect(filter.isAble({ models: ["a/1"] })).toBe(true);
    expect(filter.isAble({ models: [] })).toBe(false);
    expect(filter.reasons()).toEqual(["x/1: not configured", "x/2: not configured"]);
  });
});
