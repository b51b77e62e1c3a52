// The expressions of arithmetic checks: one comparison of sums, products and functions over fields, such as `sum(lines.amount) == total`.
//
//   comparison  sum (== | != | < | <= | > | >=) sum
//   sum         product ((+ | -) product)*
//   product     factor ((* | /) factor)*
//   factor      -factor | number | (sum) | function(sum, …) | field.field.…
//
// Read by hand: nothing of an expression or an answer is ever run as code.

export type Comparison = "==" | "!=" | "<" | "<=" | ">" | ">=";
export type FunctionName = "sum" | "count" | "min" | "max" | "abs" | "round";

export type Term =
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "field"; readonly path: readonly string[] }
  | { readonly kind: "negative"; readonly of: Term }
  | { readonly kind: "operation"; readonly operator: "+" | "-" | "*" | "/"; readonly left: Term; readonly right: Term }
  | { readonly kind: "call"; readonly name: FunctionName; readonly args: readonly Term[] };

export interface Expression {
  readonly left: Term;
  readonly comparison: Comparison;
  readonly right: Term;
}

/** The fewest and the most arguments of each. */
const FUNCTIONS: Readonly<Record<FunctionName, readonly [number, number]>> = {
  sum: [1, 1],
  count: [1, 1],
  min: [1, 20],
  max: [1, 20],
  abs: [1, 1],
  round: [1, 2],
};
const COMPARISONS: ReadonlySet<string> = new Set(["==", "!=", "<", "<=", ">", ">="] satisfies Comparison[]);
const TOKEN =
  /\s*(?:(?<number>\d+(?:\.\d+)?|\.\d+)|(?<name>[\p{L}_$][\p{L}\p{N}_$]*(?:\.[\p{L}_$][\p{L}\p{N}_$]*)*)|(?<sign>[=!<>]=|[-+*/(),<>=]))/uy;
/** Also bounds how deep it can be nested. */
const LONGEST = 1_000;

/** Throws an Error that says what is wrong with the expression, and where. */
export function parseExpression(source: string): Expression {
  if (source.length > LONGEST) throw new Error(`it has ${source.length} characters, at most ${LONGEST} are taken`);
  const tokens = tokenize(source);
  let next = 0;

  const left = sum();
  const comparison = tokens[next]?.text;
  if (comparison === "=") throw new Error(`equality is written ==${where()}`);
  if (comparison === undefined || !isComparison(comparison)) throw new Error(`expected a comparison (==, !=, <, <=, >, >=)${where()}`);
  next++;
  const right = sum();
  if (next < tokens.length) throw new Error(`expected the end${where()}`);
  return { left, comparison, right };

  function sum(): Term {
    let left = product();
    for (let operator = take("+", "-"); operator; operator = take("+", "-")) left = { kind: "operation", operator, left, right: product() };
    return left;
  }

  function product(): Term {
    let left = factor();
    for (let operator = take("*", "/"); operator; operator = take("*", "/")) left = { kind: "operation", operator, left, right: factor() };
    return left;
  }

  function factor(): Term {
    if (take("-")) return { kind: "negative", of: factor() };
    if (take("(")) {
      const inner = sum();
      expect(")");
      return inner;
    }
    const token = tokens[next];
    if (token?.kind === "number") {
      next++;
      return { kind: "number", value: Number(token.text) };
    }
    if (token?.kind !== "name") throw new Error(`expected a field, a number or a function${where()}`);
    next++;
    return take("(") ? call(token) : { kind: "field", path: token.text.split(".") };
  }

  function call({ text: name, at }: Token): Term {
    if (!isFunction(name))
      throw new Error(`there is no function ${name} (at character ${at + 1}), but ${Object.keys(FUNCTIONS).join(", ")}`);
    const args: Term[] = [sum()];
    while (take(",")) args.push(sum());
    expect(")");
    const [fewest, most] = FUNCTIONS[name];
    if (args.length < fewest || args.length > most)
      throw new Error(`${name} takes ${most === 1 ? "one argument" : `${fewest} to ${most} arguments`}, not ${args.length}`);
    if (name === "count" && args[0]?.kind !== "field") throw new Error("count takes a field");
    return { kind: "call", name, args };
  }

  function take<Sign extends string>(...signs: readonly Sign[]): Sign | undefined {
    const found = signs.find((sign) => tokens[next]?.text === sign);
    if (found !== undefined) next++;
    return found;
  }

  function expect(sign: string): void {
    if (!take(sign)) throw new Error(`expected ${sign}${where()}`);
  }

  function where(): string {
    const token = tokens[next];
    return token ? ` at character ${token.at + 1}, found ${token.text}` : " at the end";
  }
}

interface Token {
  readonly kind: "number" | "name" | "sign";
  readonly text: string;
  /** Index in the source. */
  readonly at: number;
}

function tokenize(source: string): readonly Token[] {
  const tokens: Token[] = [];
  const end = source.trimEnd().length;
  for (let at = 0; at < end; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at;
    const groups = TOKEN.exec(source)?.groups;
    if (!groups) throw new Error(`can't read ${JSON.stringify(source.slice(at).trim().slice(0, 10))} at character ${at + 1}`);
    const { number, name, sign } = groups;
    const text = number ?? name ?? sign ?? "";
    tokens.push({
      kind: number === undefined ? (name === undefined ? "sign" : "name") : "number",
      text,
      at: TOKEN.lastIndex - text.length,
    });
  }
  return tokens;
}

function isComparison(text: string): text is Comparison {
  return COMPARISONS.has(text);
}

function isFunction(name: string): name is FunctionName {
  return Object.hasOwn(FUNCTIONS, name);
}
