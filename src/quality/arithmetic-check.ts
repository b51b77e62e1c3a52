// The arithmetic check: an expression over the answer's JSON and the row (`input.…`) holds.
//
// Fields that lead through lists have a number for each item; operations go item by item, and a comparison of lists holds where it holds for every item.

import type { CheckSpec } from "../job/check-spec.ts";
import type { JsonObject, JsonValue } from "../job/json.ts";
import { readTextQuantity } from "../job/quantity-text.ts";
import { parseExpression, type Comparison, type Term } from "./arithmetic-expression.ts";
import { quote, type Check } from "./subject.ts";

type Numbers = number | readonly number[];

/** A field that is missing or no number: the answer's fault, not the expression's. */
class UnfitOperand extends Error {}

/** Throws where the expression is wrong. */
export function createArithmeticCheck({
  expression,
  tolerance,
}: Pick<Extract<CheckSpec, { kind: "arithmetic" }>, "expression" | "tolerance">): Check {
  const { left, comparison, right } = parseExpression(expression);
  return ({ json, whyNoJson, input }) => {
    if (json === undefined) return whyNoJson;
    const scope: Scope = { json, input };
    try {
      const pairs = pairUp(evaluate(left, scope), evaluate(right, scope));
      const wrong = pairs.find(([a, b]) => !holds(a, comparison, b, tolerance));
      return wrong && `${expression} doesn't hold: ${shown(wrong[0])} ${comparison} ${shown(wrong[1])}`;
    } catch (error) {
      if (error instanceof UnfitOperand) return `${expression} can't be worked out: ${error.message}`;
      throw error;
    }
  };
}

interface Scope {
  readonly json: JsonValue;
  readonly input: JsonValue;
}

function evaluate(term: Term, scope: Scope): Numbers {
  switch (term.kind) {
    case "number":
      return term.value;
    case "field": {
      const { isList, located } = locate(term.path, scope);
      const numbers = located.map(toNumber);
      return isList ? numbers : (numbers[0] ?? 0);
    }
    case "negative":
      return each(evaluate(term.of, scope), (value) => -value);
    case "operation":
      return combine(evaluate(term.left, scope), evaluate(term.right, scope), OPERATIONS[term.operator]);
    case "call":
      return call(term, scope);
    default:
      return term satisfies never;
  }
}

const OPERATIONS: Readonly<Record<"+" | "-" | "*" | "/", (a: number, b: number) => number>> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => {
    if (b === 0) throw new UnfitOperand("it divides by zero");
    return a / b;
  },
};

function call({ name, args }: Extract<Term, { kind: "call" }>, scope: Scope): Numbers {
  const [first] = args;
  if (name === "count" && first?.kind === "field") {
    return locate(first.path, scope).located.length;
  }
  const values = args.map((arg) => evaluate(arg, scope));
  const all = values.flat();
  switch (name) {
    case "sum":
      return all.reduce((sum, value) => sum + value, 0);
    case "min":
    case "max":
      if (all.length === 0) throw new UnfitOperand(`there is nothing to take the ${name} of`);
      return all.reduce((best, value) => (name === "min" ? Math.min(best, value) : Math.max(best, value)));
    case "abs":
      return each(values[0] ?? 0, Math.abs);
    case "round":
      return combine(values[0] ?? 0, values[1] ?? 0, round);
    default:
      return 0;
  }
}

/** To whole numbers or to so many digits. The correction is for numbers such as 1.005, which binary fractions put a little too low. */
function round(value: number, digits: number): number {
  const factor = 10 ** Math.min(15, Math.max(0, Math.trunc(digits)));
  return Math.round(value * factor * (1 + Number.EPSILON)) / factor;
}

function each(values: Numbers, change: (value: number) => number): Numbers {
  return typeof values === "number" ? change(values) : values.map(change);
}

function combine(left: Numbers, right: Numbers, operate: (a: number, b: number) => number): Numbers {
  const pairs = pairUp(left, right).map(([a, b]) => operate(a, b));
  return typeof left === "number" && typeof right === "number" ? (pairs[0] ?? 0) : pairs;
}

/** Item by item; a single number goes with every item. */
function pairUp(left: Numbers, right: Numbers): readonly (readonly [number, number])[] {
  if (typeof left === "number") return (typeof right === "number" ? [right] : right).map((value) => [left, value]);
  if (typeof right === "number") return left.map((value) => [value, right]);
  if (left.length !== right.length) throw new UnfitOperand(`a list of ${left.length} stands against one of ${right.length}`);
  return left.map((value, i) => [value, right[i] ?? 0]);
}

interface Located {
  /** `lines[2].amount`, for reasons. */
  readonly place: string;
  readonly value: JsonValue;
}

/** The values at a path, with where they stand; through a list, that of every item. */
function locate(path: readonly string[], { json, input }: Scope): { readonly isList: boolean; readonly located: readonly Located[] } {
  const isInput = path[0] === "input";
  let located: readonly Located[] = [{ place: isInput ? "input" : "", value: isInput ? input : json }];
  let isList = false;
  const spread = () => {
    while (located.some(({ value }) => Array.isArray(value))) {
      isList = true;
      located = located.flatMap(({ place, value }) =>
        Array.isArray(value) ? value.map((item: JsonValue, i) => ({ place: `${place}[${i}]`, value: item })) : [{ place, value }],
      );
    }
  };
  for (const name of isInput ? path.slice(1) : path) {
    spread();
    located = located.map(({ place, value }) => {
      const inside = place === "" ? name : `${place}.${name}`;
      const isThere = typeof value === "object" && value !== null && Object.hasOwn(value, name);
      if (!isThere) throw new UnfitOperand(`${inside} is missing`);
      return { place: inside, value: (value as JsonObject)[name] ?? null };
    });
  }
  spread();
  return { isList, located };
}

/** A number, or text that is one: `$1,234.50`, `12 kg`. A percentage is its number: 19% is 19. */
function toNumber({ place, value }: Located): number {
  const read = typeof value === "string" ? Number(readTextQuantity(value.trim())?.decimal) : value;
  if (typeof read !== "number" || !Number.isFinite(read)) throw new UnfitOperand(`${place} is ${quote(value)}, not a number`);
  return read;
}

function holds(left: number, comparison: Comparison, right: number, tolerance: number): boolean {
  const isEqual = Math.abs(left - right) <= tolerance;
  switch (comparison) {
    case "==":
      return isEqual;
    case "!=":
      return !isEqual;
    case "<":
      return left < right && !isEqual;
    case "<=":
      return left < right || isEqual;
    case ">":
      return left > right && !isEqual;
    case ">=":
      return left > right || isEqual;
    default:
      return comparison satisfies never;
  }
}

/** Without the noise of binary fractions. */
function shown(value: number): string {
  return String(Number(value.toPrecision(12)));
}
