// What a row may hold, for all who give rows to the fleet: in a payload from any client, and from a script through a producer.

import { z } from "zod";
import { UsageError } from "../src/job/errors.ts";
import type { JsonObject } from "../src/job/json.ts";
import { TENANT_CHARACTERS, type ModelId } from "../src/job/names.ts";

const jsonObject = z.custom<JsonObject>(
  (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  "must be an object",
);

const modelName = z.custom<ModelId>((value) => typeof value === "string" && /^[^/]+\/.+/.test(value), "must be provider/model");

/** A row's fields, without its place. */
export const rowShape = {
  input: jsonObject.optional(),
  body: jsonObject.optional(),
  id: z.string().max(512).optional(),
  line: z.int().min(1).optional(),
  tags: z.record(z.string(), z.string()).optional(),
  /** Unix milliseconds. */
  deadline: z.int().min(0).optional(),
  tenant: z.string().min(1).max(TENANT_CHARACTERS).optional(),
  /** The class of the row's data, and the only models that may see it, or those that may not. */
  dataClass: z.string().min(1).optional(),
  allow: z.array(modelName).min(1).optional(),
  deny: z.array(modelName).optional(),
};

const producerRow = z.object({
  ...rowShape,
  input: jsonObject,
  trial: z.enum(["checked", "judged"]).optional(),
  bytes: z.int().min(0).optional(),
});

/**
 * Looks at a row before it gets a number: JavaScript may give anything, and the fleet doesn't look again at what its own producer wrote.
 * @throws UsageError which names the fields that can't be.
 */
export function checkRow(row: unknown): void {
  const { error } = producerRow.safeParse(row);
  if (error)
    throw new UsageError(`the row is not valid: ${issuesOf(error, "row")}`, "Its fields are those of a payload: see docs/payloads.md.");
}

/** `tags.team: Invalid input: expected string, received number; …` `whole`: what it is called where no field of it is wrong. */
export function issuesOf({ issues }: z.ZodError, whole: string): string {
  return issues.map(({ path, message }) => `${path.join(".") || whole}: ${message}`).join("; ");
}
