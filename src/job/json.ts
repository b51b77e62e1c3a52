// JSON as a type: what lies in rows, answers and schemas.

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue;
}
/** A JSON Schema, as written by the user. */
export type JsonSchema = JsonObject | boolean;
