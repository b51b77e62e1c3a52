// The filters: which models can and may do a job, and why the others can't. Whether they are free now is not asked here.
//
// A step is able when all its models are. The same filters hold for judges and for models that are asked for an analysis, except that those read the job
// as text and answer in words of ours, so that they need no capability.

import type { ModelId } from "../job/names.ts";
import type { Exclusion } from "../job/progress.ts";
import type { Step } from "../job/task.ts";
import { whyForbidden } from "./data-policy.ts";
import type { ModelView } from "./model-view.ts";
import type { Needs } from "./needs.ts";
import type { Subject } from "./subject.ts";

export interface Filter {
  isAble(step: Step): boolean;
  /** One line for each model that was found unable so far, in the order found. */
  reasons(): readonly string[];
  /** Why the model can't do this job; undefined when it can. */
  whyUnable(id: ModelId, purpose?: Step["purpose"]): string | undefined;
}

/** Capabilities in the order in which they are asked for, and what is said where one is missing. */
const LACKS = {
  jsonSchema: "it can't answer by a JSON schema",
  images: "it takes no images",
  tools: "it takes no tools",
} as const;
const NEEDED_BY_ANSWERS = ["jsonSchema", "images", "tools"] as const satisfies readonly (keyof Needs)[];

/** Whoever answered badly may still read. */
const ANSWERED_BADLY: ReadonlySet<Exclusion["cause"]> = new Set(["check", "cut-off", "disagreed", "judged"]);

/** For one decision: what was found of a model is remembered. */
export function createFilter(subject: Subject, view: ModelView): Filter {
  const { task, job, progress, needs } = subject;
  const tokens = needs.inputTokens + needs.outputTokens;
  const tooSmall = provenTooSmall(subject, view);
  const found = { answer: new Map<ModelId, string | undefined>(), reading: new Map<ModelId, string | undefined>() };

  const look = (id: ModelId, isReading: boolean): string | undefined => {
    const exclusion = progress.excluded.find(({ model, cause }) => model === id && !(isReading && ANSWERED_BADLY.has(cause)));
    if (exclusion) return `excluded for this job (${exclusion.cause}): ${exclusion.reason}`;
    if (isReading && hasReadBadly(id, subject)) return "it was asked before, and its word could not be used";
    const model = view.model(id);
    if (!model) return "not configured";
    const forbidden = whyForbidden(job, task, model);
    if (forbidden !== undefined) return forbidden;
    if (tokens > model.contextWindow) return `the request needs about ${tokens} tokens, its context window holds ${model.contextWindow}`;
    if (model.contextWindow <= tooSmall) return `its context window (${model.contextWindow}) is no larger than one that was too small`;
    const missing = isReading ? undefined : NEEDED_BY_ANSWERS.find((capability) => needs[capability] && !model.capabilities[capability]);
    return missing && LACKS[missing];
  };

  const whyUnable = (id: ModelId, purpose?: Step["purpose"]): string | undefined => {
    const isReading = purpose === "judge" || purpose === "analyse";
    const known = isReading ? found.reading : found.answer;
    if (!known.has(id)) known.set(id, look(id, isReading));
    return known.get(id);
  };

  return {
    whyUnable,
    isAble(step) {
      let able = step.models.length > 0;
      // All of them are asked, for the reasons.
      for (const id of step.models) if (whyUnable(id, step.purpose) !== undefined) able = false;
      return able;
    },
    reasons() {
      const all = new Map([...found.reading, ...found.answer].filter(([, reason]) => reason !== undefined));
      return Array.from(all, ([id, reason]) => `${id}: ${reason}`);
    },
  };
}

/** Asked again it would say the same, and again, at a price. */
function hasReadBadly(id: ModelId, { progress }: Subject): boolean {
  return progress.trail.some(
    ({ model, purpose, outcome }) => model === id && outcome === "unfit" && (purpose === "judge" || purpose === "analyse"),
  );
}

/** The largest context window that this job is known to overflow: the vendor's count overrules our estimate. */
function provenTooSmall({ progress }: Subject, view: ModelView): number {
  return progress.excluded
    .filter((entry) => entry.cause === "context")
    .reduce((largest, entry) => Math.max(largest, view.model(entry.model)?.contextWindow ?? 0), 0);
}
