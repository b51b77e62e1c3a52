import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JsonValue } from "../../src/job/json.ts";
import { parseExpression } from "../../src/quality/arithmetic-expression.ts";
import { says, saysJson, whyFailed } from "./checking.ts";

const INVOICE = {
  lines: [
    { name: "desk", quantity: 2, price: "$617.25", amount: "$1,234.50", tax: 0.1 },
    { name: "lamp", quantity: "1", price: 65.5, amount: 65.5, tax: 0.2 },
  ],
  net: "1,300.00",
  vat: "247.00",
  rate: "19%",
  total: "$1,547.00",
  title: "Invoice",
  nothing: null,
  empty: [],
  boxes: [{ items: [1, 2] }, { items: [3] }],
};

const evaluate = (
  expression: string,
  json: JsonValue = INVOICE,
  { input = {}, tolerance = 1e-6 }: { input?: JsonValue; tolerance?: number } = {},
) => whyFailed({ kind: "arithmetic", expression, tolerance }, saysJson(json), input);

describe("the arithmetic check", () => {
  it.each([
    "sum(lines.amount) == net",
    "sum(lines.quantity * lines.price) == net",
    "lines.quantity * lines.price == lines.amount",
    "net + vat == total",
    "round(net * 0.19, 2) == vat",
    "net * rate / 100 == vat",
    "abs(total - net - vat) <= 0.01",
    "count(lines) == 2",
    "count(lines.amount) >= 1",
    "count(empty) == 0",
    "sum(empty) == 0",
    "min(lines.amount) > 0",
    "max(lines.amount) == lines_total_of_desk",
    "max(1, 2, lines.tax) == 2",
    "lines.amount >= 0",
    "sum(boxes.items) == 6",
    "sum(lines.tax) == 0.3",
    "-net < 0",
    "2 + 3 * 4 - 6 / 2 == (1 + 2) * 4 - 1",
    "10 - 3 - 2 == 5",
    "round(2.5) == 3",
    "round(1.005, 2) == 1.01",
    "net != total",
  ])("passes %s", async (expression) => {
    expect(await evaluate(expression, { ...INVOICE, lines_total_of_desk: 1234.5 })).toBeUndefined();
  });

  it.each([
    ["sum(lines.amount) == total", "sum(lines.amount) == total doesn't hold: 1300 == 1547"],
    ["lines.amount <= 100", "lines.amount <= 100 doesn't hold: 1234.5 <= 100"],
    ["0.1 + 0.2 == 0.4", "0.1 + 0.2 == 0.4 doesn't hold: 0.3 == 0.4"],
    ["net < net", "net < net doesn't hold: 1300 < 1300"],
    ["net != 1300", "net != 1300 doesn't hold: 1300 != 1300"],
    ["title == 1", 'title == 1 can\'t be worked out: title is "Invoice", not a number'],
    ["nothing == 0", "nothing == 0 can't be worked out: nothing is null, not a number"],
    ["lines.cost == 0", "lines.cost == 0 can't be worked out: lines[0].cost is missing"],
    ["lines.name == 0", 'lines.name == 0 can\'t be worked out: lines[0].name is "desk", not a number'],
    ["lines.constructor == 0", "lines.constructor == 0 can't be worked out: lines[0].constructor is missing"],
    ["__proto__.x == 0", "__proto__.x == 0 can't be worked out: __proto__ is missing"],
    ["net / 0 > 1", "net / 0 > 1 can't be worked out: it divides by zero"],
    ["min(empty) > 1", "min(empty) > 1 can't be worked out: there is nothing to take the min of"],
    ["lines.amount == boxes.items", "lines.amount == boxes.items can't be worked out: a list of 2 stands against one of 3"],
    ["input.budget >= total", "input.budget >= total can't be worked out: input.budget is missing"],
  ])("fails %s", async (expression, reason) => {
    expect(await evaluate(expression)).toBe(reason);
  });

  it("looks at the row as well", async () => {
    expect(await evaluate("total <= input.budget", INVOICE, { input: { budget: "2,000" } })).toBeUndefined();
    expect(await evaluate("total <= input.limits.high", INVOICE, { input: { limits: { high: 1000 } } })).toBe(
      "total <= input.limits.high doesn't hold: 1547 <= 1000",
    );
    expect(await evaluate("count(lines) == count(input.lines)", INVOICE, { input: { lines: [1, 2] } })).toBeUndefined();
  });

  it("allows for the tolerance, on either side of a limit too", async () => {
    expect(await evaluate("net + vat == 1547.01", INVOICE, { tolerance: 0.02 })).toBeUndefined();
    expect(await evaluate("net + vat == 1547.03", INVOICE, { tolerance: 0.02 })).toContain("doesn't hold");
    expect(await evaluate("total <= 1546.99", INVOICE, { tolerance: 0.02 })).toBeUndefined();
    expect(await evaluate("total > 1546.99", INVOICE, { tolerance: 0.02 })).toContain("doesn't hold");
  });

  it("reads amounts out of an answer in prose, and fails one without JSON", async () => {
    const check = { kind: "arithmetic", expression: "sum(lines.amount) == total", tolerance: 0 } as const;
    expect(
      await whyFailed(check, says('Here you are:\n```json\n{"lines": [{"amount": 1}, {"amount": 2},], "total": 3}\n```')),
    ).toBeUndefined();
    expect(await whyFailed(check, says("The total is 3."))).toBe('the answer is not JSON: "The total is 3."');
  });

  it("adds up whatever amounts there are, as cents do", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: -1_000_000, max: 1_000_000 }), { minLength: 1 }),
        fc.integer({ min: -3, max: 3 }),
        async (cents, off) => {
          const json = {
            lines: cents.map((amount) => ({ amount: (amount / 100).toFixed(2) })),
            total: (cents.reduce((a, b) => a + b, 0) + off) / 100,
          };
          const reason = await evaluate("sum(lines.amount) == total", json);
          expect(reason === undefined).toBe(off === 0);
        },
      ),
    );
  });
});

describe("parseExpression", () => {
  it.each([
    ["", "expected a field, a number or a function at the end"],
    ["total", "expected a comparison (==, !=, <, <=, >, >=) at the end"],
    ["a = b", "equality is written == at character 3, found ="],
    ["a == b == c", "expected the end at character 8, found =="],
    ["sum(a == b", "expected ) at character 7, found =="],
    ["(a + b == c", "expected ) at character 8, found =="],
    ["a + == 1", "expected a field, a number or a function at character 5, found =="],
    ["avg(a) == 1", "there is no function avg (at character 1), but sum, count, min, max, abs, round"],
    ["constructor(a) == 1", "there is no function constructor (at character 1), but sum, count, min, max, abs, round"],
    ["abs(a, b) == 1", "abs takes one argument, not 2"],
    ["round(a, 1, 2) == 1", "round takes 1 to 2 arguments, not 3"],
    ["count(a + b) == 1", "count takes a field"],
    ['a == "x"', 'can\'t read "\\"x\\"" at character 5'],
    ["a[0] == 1", 'can\'t read "[0] == 1" at character 2'],
    ["1 == 1;", 'can\'t read ";" at character 7'],
    [`${"(".repeat(2_000)}1`, "it has 2001 characters, at most 1000 are taken"],
  ])("says what is wrong with %j", (source, reason) => {
    expect(() => parseExpression(source)).toThrow(reason);
  });

  it("works out what JavaScript does, for any numbers and operators", () => {
    const term = fc.letrec<{ term: string }>((tie) => ({
      term: fc.oneof(
        { maxDepth: 4 },
        fc.integer({ min: 1, max: 99 }).map(String),
        fc.tuple(tie("term"), fc.constantFrom("+", "-", "*"), tie("term")).map(([a, op, b]) => `(${a} ${op} ${b})`),
        fc.tuple(tie("term"), fc.constantFrom("+", "-", "*"), tie("term")).map(([a, op, b]) => `${a} ${op} ${b}`),
        tie("term").map((a) => `-(${a})`),
      ),
    })).term;
    return fc.assert(
      fc.asyncProperty(
        term.filter((source) => source.length < 400),
        async (source) => {
          // oxlint-disable-next-line no-new-func, typescript/no-implied-eval -- made above of numbers and operators only
          const expected = new Function(`return ${source}`)() as number;
          expect(await evaluate(`${source} == expected`, { expected })).toBeUndefined();
        },
      ),
    );
  });
});
