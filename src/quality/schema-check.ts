// The schema check: the answer is JSON, whole, and fits its task's output schema.

import type { SchemaValidator } from "../job/json-schema.ts";
import type { Check } from "./subject.ts";

export function createSchemaCheck(whyUnfit: SchemaValidator): Check {
  return ({ json, whyNoJson }) => {
    if (json === undefined) return whyNoJson;
    const reason = whyUnfit(json);
    return reason === undefined ? undefined : `the answer doesn't fit its schema: ${reason}`;
  };
}
