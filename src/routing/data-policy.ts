// The data policy: which provider may see jobs of which class, and of which class a job is. What isn't known of a provider counts against it.

import type { DataHandling, ModelSpec } from "../job/model.ts";
import type { Job } from "../job/job.ts";
import type { TaskSpec } from "../job/task.ts";
import type { DataClassRules } from "./data-options.ts";

/** Why the provider may not see data of a class with these rules; undefined: it may. */
export function whyBarred(provider: { readonly name: string; readonly data?: DataHandling }, rules: DataClassRules): string | undefined {
  const { name, data = {} } = provider;
  const { providers, regions, maxRetention, training } = rules;
  if (providers && !providers.includes(name)) return `only ${providers.join(", ")} may see it`;
  if (regions && (data.region === undefined || !regions.includes(data.region))) {
    return `it must stay in ${regions.join(" or ")}, and ${name} ${data.region === undefined ? "names no region" : `is in ${data.region}`}`;
  }
  if (maxRetention !== undefined && (data.retentionMs === undefined || data.retentionMs > maxRetention)) {
    return `${name} ${data.retentionMs === undefined ? "doesn't say how long it keeps data" : "keeps data for too long"}`;
  }
  if (training === false && data.trains !== false)
    return `${name} ${data.trains ? "trains on data" : "doesn't say that it doesn't train on data"}`;
  return undefined;
}

/** The job's own word, else its row's, else its task's; undefined: no class, no rule. */
export function dataClassOf(job: Job, { dataClass }: Pick<TaskSpec, "dataClass">): string | undefined {
  if (job.dataClass !== undefined) return job.dataClass;
  const said = dataClass?.field === undefined ? undefined : (job.input[dataClass.field] ?? undefined);
  if (said === undefined) return dataClass?.default;
  // What is no name is the name of no class: it bars every model rather than none.
  return typeof said === "string" ? said : JSON.stringify(said);
}

/** Why the model may not be called for the job, whatever the call is for; undefined: it may. A class that no rule is known of bars every model. */
export function whyForbidden(job: Job, task: Pick<TaskSpec, "dataClass">, model: ModelSpec): string | undefined {
  if (job.deny?.includes(model.id)) return "the job denies it";
  if (job.allow && !job.allow.includes(model.id)) return "the job allows only others";
  const dataClass = dataClassOf(job, task);
  if (dataClass === undefined) return undefined;
  const reason = Object.hasOwn(model.barredFor, dataClass) ? model.barredFor[dataClass] : "it is not among the configured ones";
  return typeof reason !== "string" ? undefined : `data class ${JSON.stringify(dataClass)}: ${reason}`;
}
