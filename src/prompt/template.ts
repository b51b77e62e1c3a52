// Liquid templates, compiled once. Strict: a variable that the row lacks is an error that names it, not an empty string.

import { Liquid, LiquidError, type Template as LiquidTemplate } from "liquidjs";
import type { JsonObject, JsonValue } from "../job/json.ts";

export interface Template {
  /** Some microseconds for a short template. */
  render(scope: JsonObject): { readonly kind: "rendered"; readonly text: string } | { readonly kind: "failed"; readonly reason: string };
}

export type CompiledTemplate =
  | { readonly kind: "compiled"; readonly template: Template }
  /** `line` from 1. */
  | { readonly kind: "wrong"; readonly reason: string; readonly line: number };

const engine = createEngine();

/**
 * Compiles a template that may use the variables named. Values go in as they are, without HTML escaping; objects and lists as JSON.
 * `if`, `unless` and the `default` filter may ask for a variable that isn't there. There are no files to include.
 */
export function compileTemplate(source: string, variables: readonly string[]): CompiledTemplate {
  try {
    const parsed = engine.parse(source);
    const unknown = unknownVariable(parsed, variables);
    if (unknown) return unknown;
    return { kind: "compiled", template: { render: (scope) => render(parsed, scope) } };
  } catch (error) {
    return { kind: "wrong", reason: reasonOf(error), line: LiquidError.is(error) ? (error.token.getPosition()[0] ?? 1) : 1 };
  }
}

function createEngine(): Liquid {
  const liquid = new Liquid({
    strictVariables: true,
    strictFilters: true,
    lenientIf: true,
    ownPropertyOnly: true,
    outputEscape: (value: JsonValue | undefined) =>
      typeof value === "object" && value !== null ? JSON.stringify(value) : String(value ?? ""),
  });
  for (const tag of ["include", "render", "layout", "block"]) delete liquid.tags[tag];
  return liquid;
}

function unknownVariable(parsed: LiquidTemplate[], variables: readonly string[]): CompiledTemplate | undefined {
  const globals = Object.entries(engine.analyzeSync(parsed, { partials: false }).globals);
  const [name, uses] = globals.find(([root]) => !variables.includes(root)) ?? [];
  if (name === undefined) return undefined;
  return { kind: "wrong", reason: `unknown variable: ${name} (there is ${variables.join(" and ")})`, line: uses?.[0]?.location.row ?? 1 };
}

function render(parsed: LiquidTemplate[], scope: JsonObject): ReturnType<Template["render"]> {
  try {
    return { kind: "rendered", text: engine.renderSync(parsed, scope) as string };
  } catch (error) {
    return { kind: "failed", reason: reasonOf(error) };
  }
}

/** The message without the template's excerpt and the position, which is told apart. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split("\n")[0]?.replace(/(, file:[^,]*)?, line:\d+, col:\d+$/, "") ?? "";
}
