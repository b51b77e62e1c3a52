// The options of a task's judge.

import { z } from "zod";
import type { JudgeSpec } from "../job/check-spec.ts";
import type { ModelId } from "../job/names.ts";

const modelName = z.custom<ModelId>((value) => typeof value === "string" && /^[^/]+\/.+$/.test(value), "isn't a model: provider/model");

/** `model` is short for `models` of one. `passMark` is out of 10; `sample` is the share of answers that are judged. */
export const judgeOptions = z
  .strictObject({
    model: modelName.optional(),
    models: z.array(modelName).min(1).optional(),
    rubric: z.string().trim().min(1),
    passMark: z.number().min(0).max(10).default(7),
    sample: z.number().min(0).max(1).default(1),
    onFail: z.enum(["repair", "escalate", "fail"]).default("escalate"),
  })
  .transform(({ model, models, ...options }, context): JudgeSpec => {
    if ((model === undefined) === (models === undefined)) {
      context.addIssue({ code: "custom", message: "needs either model or models" });
      return z.NEVER;
    }
    return { ...options, models: models ?? (model === undefined ? [] : [model]) };
  });
