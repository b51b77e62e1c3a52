// Models and tasks for the tests: complete, unremarkable, changed where a test is about something.

import type { ModelSpec } from "../../src/job/model.ts";
import { type ModelId, splitModelId } from "../../src/job/names.ts";
import type { TaskSpec } from "../../src/job/task.ts";

export function modelSpec(id: ModelId, changes: Partial<ModelSpec> = {}): ModelSpec {
  return {
    id,
    ...splitModelId(id),
    tier: "standard",
    limits: {},
    contextWindow: 100_000,
    maxOutputTokens: 4_096,
    capabilities: { jsonSchema: true },
    ...changes,
  };
}

export function taskSpec(changes: Partial<TaskSpec> = {}): TaskSpec {
  return {
    name: "classify",
    prompt: { user: "{{ input.text }}" },
    route: [{ models: ["a/1"] }],
    checks: [],
    attempts: 4,
    timeoutMs: 60_000,
    patienceMs: 86_400_000,
    onRefusal: "fail",
    ...changes,
  };
}
