// What a step's call asks, and how its answer is checked: the task's own prompt, or what its purpose makes of it.

import type { Checked } from "../src/attempt/attempt.ts";
import type { Answer } from "../src/job/outcome.ts";
import type { ModelRequest } from "../src/job/request.ts";
import type { Step, TaskSpec } from "../src/job/task.ts";
import type { Purpose } from "../src/job/trail.ts";
import { createPrompt } from "../src/prompt/prompt.ts";
import { createChecker } from "../src/quality/check.ts";
import { createVerdictReader, judgeRequest } from "../src/quality/judge.ts";
import { repairRequest } from "../src/quality/repair.ts";
import { complexityRequest, readComplexity } from "../src/routing/ask-complexity.ts";
import type { CallEnvelope } from "../queues/payload.ts";

export interface CallRequest {
  readonly purpose: Purpose;
  /** What is learned of such calls (tokens, latencies) is learned of them alone. */
  readonly subject: string;
  readonly request: ModelRequest;
  readonly check: (answer: Answer) => Checked | Promise<Checked>;
}

export type CallRequested =
  | { readonly kind: "request"; readonly call: CallRequest }
  /** The row lacks something the prompt needs, and no model would help. */
  | { readonly kind: "invalid"; readonly reason: string };

/** Makes the requests of one task; its prompt, checks and judge are compiled here, once. */
export function createCallRequests(task: TaskSpec): (envelope: CallEnvelope) => CallRequested {
  const prompt = createPrompt(task);
  const check = createChecker(task);
  const readVerdict = task.judge && createVerdictReader(task.judge);

  return ({ job, step, progress }) => {
    const rendered = prompt.request(job);
    if (rendered.kind === "invalid") return rendered;
    const { request } = rendered;
    const { held } = progress;
    const own = { subject: task.name, check: (answer: Answer) => check(answer, job.input) };
    switch (step.purpose) {
      case undefined:
        return { kind: "request", call: { ...own, purpose: purposeOf(step), request } };
      case "repair": {
        const asked = held ? repairRequest(request, held.answer, held.reason ?? "it failed a check") : request;
        return { kind: "request", call: { ...own, purpose: "repair", request: asked } };
      }
      case "judge": {
        if (!held || !task.judge || !readVerdict)
          return { kind: "invalid", reason: `task ${task.name} has no judge, or no answer to judge` };
        const asked = judgeRequest(task.judge, { asked: textOf(request), answer: held.answer });
        return { kind: "request", call: { purpose: "judge", subject: `${task.name}~judge`, request: asked, check: readVerdict } };
      }
      case "analyse":
        return {
          kind: "request",
          call: {
            purpose: "analyse",
            subject: `${task.name}~analyse`,
            request: complexityRequest(task, textOf(request)),
            check: checkComplexity,
          },
        };
      default:
        return step.purpose satisfies never;
    }
  };
}

/** What the calls of a step are for. */
export function purposeOf({ purpose, models }: Step): Purpose {
  return purpose ?? (models.length > 1 ? "agree" : "answer");
}

/** Every subject that the calls of a task may have. */
export function callSubjects({ name, judge, analyse }: TaskSpec): readonly string[] {
  return [name, ...(judge ? [`${name}~judge`] : []), ...(analyse?.kind === "model" ? [`${name}~analyse`] : [])];
}

function checkComplexity(answer: Answer): Checked {
  return readComplexity(answer)
    ? { kind: "passed", answer }
    : { kind: "failed", reason: "it names no complexity between 0 and 1", onFail: "escalate" };
}

/** What the model was asked, as text for another model to read. */
function textOf(request: ModelRequest): string {
  if (request.kind === "openai-chat")
    return JSON.stringify(request.body["messages"] ?? request.body, (key, value: unknown) => (key === "image_url" ? "[image]" : value));
  return [request.system, ...request.messages.map(({ content }) => content)].filter(Boolean).join("\n\n");
}
