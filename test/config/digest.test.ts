import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digest, taskHash } from "../../src/config/digest.ts";
import type { ModelId } from "../../src/job/names.ts";
import type { Route, TaskSpec } from "../../src/job/task.ts";

const routeTo = (model: ModelId): Route => ({ strategy: { kind: "ordered" }, steps: [{ models: [model] }], fallback: [], quality: {} });
const TASK: TaskSpec = {
  name: "t",
  prompt: { user: "{{ input.text }}" },
  output: { type: "object", required: ["label"] },
  route: routeTo("a/1"),
  checks: [{ kind: "schema", onFail: "escalate" }],
  attempts: 4,
  timeoutMs: 60_000,
  patienceMs: 1,
  onRefusal: "fail",
};

describe("digest", () => {
  it("is the same for the same value, whatever the order of its keys", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 })), (value) => {
        const reversed = Object.fromEntries(Object.entries(value).toReversed());
        expect(digest(reversed)).toBe(digest(value));
      }),
    );
    expect(digest({ a: undefined, b: 1 })).toBe(digest({ b: 1 }));
  });

  it("tells values apart", () => {
    const digests = [{}, [], null, { a: 1 }, { a: "1" }, { a: [1] }, { a: [2, 1] }, { a: [1, 2] }].map(digest);
    expect(new Set(digests).size).toBe(digests.length);
  });
});

describe("taskHash", () => {
  it("depends on prompt, schemas and checks", () => {
    const changes: Partial<TaskSpec>[] = [
      {},
      { prompt: { user: "{{ input.body }}" } },
      { prompt: { user: "{{ input.text }}", system: "be brief" } },
      { input: { type: "object" } },
      { output: { type: "object", required: [] } },
      { checks: [] },
    ];
    expect(new Set(changes.map((change) => taskHash({ ...TASK, ...change }))).size).toBe(changes.length);
  });

  it("does not depend on routes, limits or patience: the same batch may be resumed with others", () => {
    const changed = {
      ...TASK,
      route: routeTo("b/2"),
      attempts: 9,
      timeoutMs: 1,
      patienceMs: 2,
      onRefusal: "reroute" as const,
    };
    expect(taskHash(changed)).toBe(taskHash(TASK));
  });
});
