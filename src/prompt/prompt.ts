// A job as the request that a model is asked: its task's prompt rendered over the row, or the OpenAI body the row brings along.

import { UsageError } from "../job/errors.ts";
import type { Job } from "../job/job.ts";
import type { JsonObject } from "../job/json.ts";
import type { ModelRequest } from "../job/request.ts";
import type { TaskSpec } from "../job/task.ts";
import { compileTemplate, type Template } from "./template.ts";

export interface Prompt {
  /** `invalid`: the row lacks something the prompt needs, and no model would help. */
  request(job: Job): { readonly kind: "request"; readonly request: ModelRequest } | { readonly kind: "invalid"; readonly reason: string };
}

const VARIABLES = ["input", "id"];

/** Compiles the task's templates. Throws {@link UsageError} naming the task, the template and the line of what is wrong in it. */
export function createPrompt(task: TaskSpec): Prompt {
  const user = task.prompt && compile(task, "user", task.prompt.user);
  const system = task.prompt?.system === undefined ? undefined : compile(task, "system", task.prompt.system);
  const settings = {
    ...(task.output === undefined ? {} : { output: task.output }),
    ...(task.maxOutputTokens === undefined ? {} : { maxOutputTokens: task.maxOutputTokens }),
    ...(task.temperature === undefined ? {} : { temperature: task.temperature }),
  };
  return {
    request(job) {
      if (job.body) return { kind: "request", request: { kind: "openai-chat", body: job.body } };
      if (!user) return invalid(`task ${task.name} has no prompt, so its rows must hold OpenAI bodies`);
      const scope: JsonObject = job.id === undefined ? { input: job.input } : { input: job.input, id: job.id };
      const renderedUser = user.render(scope);
      if (renderedUser.kind === "failed") return invalid(`prompt.user of task ${task.name}: ${renderedUser.reason}`);
      if (renderedUser.text.trim() === "") return invalid(`prompt.user of task ${task.name} is empty for this row`);
      const renderedSystem = system?.render(scope);
      if (renderedSystem?.kind === "failed") return invalid(`prompt.system of task ${task.name}: ${renderedSystem.reason}`);
      const hasSystem = renderedSystem !== undefined && renderedSystem.text.trim() !== "";
      return {
        kind: "request",
        request: {
          kind: "prompt",
          ...(hasSystem ? { system: renderedSystem.text } : {}),
          messages: [{ role: "user", content: renderedUser.text }],
          ...settings,
        },
      };
    },
  };
}

function compile(task: TaskSpec, part: "system" | "user", source: string): Template {
  const compiled = compileTemplate(source, VARIABLES);
  if (compiled.kind === "compiled") return compiled.template;
  throw new UsageError(
    `task ${task.name}: prompt.${part}, line ${compiled.line}: ${compiled.reason}`,
    "Prompts are Liquid templates: {{ input.field }} inserts a field of the row.",
  );
}

function invalid(reason: string): { kind: "invalid"; reason: string } {
  return { kind: "invalid", reason };
}
