// Models, tasks, jobs and views for the tests: complete, unremarkable, changed where a test is about something.

import type { Job } from "../../src/job/job.ts";
import type { ModelSpec } from "../../src/job/model.ts";
import { type ModelId, splitModelId } from "../../src/job/names.ts";
import { freshProgress, type Progress } from "../../src/job/progress.ts";
import type { Route, Step, TaskSpec } from "../../src/job/task.ts";
import type { Availability, ModelView } from "../../src/routing/model-view.ts";
import { type ModelStats, NO_STATS } from "../../src/routing/model-stats.ts";
import type { Needs } from "../../src/routing/needs.ts";
import type { Subject } from "../../src/routing/subject.ts";

export const SMALL: Needs = { inputTokens: 100, outputTokens: 100, jsonSchema: false, images: false, tools: false };

export function modelSpec(id: ModelId, changes: Partial<ModelSpec> = {}): ModelSpec {
  return {
    id,
    ...splitModelId(id),
    tier: "standard",
    limits: {},
    contextWindow: 100_000,
    maxOutputTokens: 4_096,
    capabilities: { jsonSchema: true, images: true, tools: true },
    barredFor: {},
    ...changes,
  };
}

export type Entry = ModelId | readonly ModelId[];

export function toStep(entry: Entry): Step {
  return typeof entry === "string" ? { models: [entry] } : { models: entry, agree: {} };
}

/** A route of these steps, ordered as listed. */
export function routeSpec(entries: readonly Entry[], changes: Partial<Route> = {}): Route {
  return { strategy: { kind: "ordered" }, steps: entries.map(toStep), fallback: [], quality: {}, ...changes };
}

export function taskSpec(changes: Partial<TaskSpec> = {}): TaskSpec {
  return {
    name: "classify",
    prompt: { user: "{{ input.text }}" },
    route: routeSpec(["a/1"]),
    checks: [],
    attempts: 4,
    timeoutMs: 60_000,
    patienceMs: 86_400_000,
    onRefusal: "fail",
    ...changes,
  };
}

export function jobSpec(changes: Partial<Job> = {}): Job {
  return { batch: "b1", row: 0, task: "classify", input: { text: "Where is my parcel?" }, ...changes };
}

export interface SubjectChanges {
  readonly task?: Partial<TaskSpec>;
  readonly job?: Partial<Job>;
  readonly progress?: Partial<Progress>;
  readonly needs?: Partial<Needs>;
  readonly complexity?: number;
}

export function subjectSpec({ task, job, progress, needs, complexity = 0.5 }: SubjectChanges = {}): Subject {
  return {
    task: taskSpec(task),
    job: jobSpec(job),
    progress: { ...freshProgress(0), ...progress },
    needs: { ...SMALL, ...needs },
    analysis: { complexity, reasons: [] },
  };
}

/** What is said of a model beside its specification; all of it may be left out. */
export interface ModelState {
  readonly availability?: Availability;
  readonly waitMs?: number;
  readonly stats?: Partial<ModelStats>;
  readonly isDemoted?: boolean;
  readonly whyShut?: string;
}

/** `models`: those that are configured. */
export function viewSpec(models: Iterable<ModelSpec>, states: Readonly<Record<string, ModelState>> = {}): ModelView {
  const byId = new Map(Array.from(models, (model) => [model.id, model]));
  return {
    model: (id) => byId.get(id),
    availability: (id) => states[id]?.availability ?? { kind: "available" },
    expectedWaitMs: (id) => states[id]?.waitMs ?? 0,
    stats: (_task, id) => ({ ...NO_STATS, ...states[id]?.stats }),
    isDemoted: (_task, id) => states[id]?.isDemoted ?? false,
    whyShut: (_task, _job, { model }) => states[model]?.whyShut,
  };
}
