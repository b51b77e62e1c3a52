import { expect, it } from "vitest";
import { spendOf } from "../../queues/spend-today.ts";
import { spendTable } from "../../scripts/spend-table.ts";
import { NO_TOTALS } from "../../src/cost/call-totals.ts";

const of = (task: string, model: string, costNanoUsd: number, uncertain = 0, untold = 0) => ({
  ...NO_TOTALS,
  task,
  model,
  tags: {},
  calls: 1_200,
  inputTokens: 450_000,
  outputTokens: 7_000,
  costNanoUsd,
  uncertainCalls: uncertain,
  uncertainNanoUsd: uncertain * 1_000_000,
  estimatedCalls: uncertain + untold,
  estimatedNanoUsd: (uncertain + untold) * 1_000_000,
});

it("the day's spend is a sum and the dearest tasks and models", () => {
  const text = spendTable({ day: "2026-11-23", ...spendOf([of("sort", "a/one", 250_000_000), of("draft", "a/two", 1_500_000_000, 3, 4)]) });
  const [sum, head, ...lines] = text.split("\n");
  expect(sum).toBe("spent on 2026-11-23 (UTC): $1.75 in 2,400 calls, 7 of them booked at estimates ($0.0070; 3 were cut off)");
  expect([head, ...lines].map((line) => line!.split(/ {2,}/).map((cell) => cell.trim()))).toEqual([
    ["task", "model", "calls", "tokens in", "tokens out", "cost"],
    ["draft", "a/two", "1,200", "450,000", "7,000", "$1.50"],
    ["sort", "a/one", "1,200", "450,000", "7,000", "$0.2500"],
    [""],
  ]);
});

it("what is too much for a terminal is said to be there", () => {
  const many = Array.from({ length: 11 }, (_, i) => of(`task-${i}`, "a/one", i));
  const text = spendTable({ day: "2026-11-23", ...spendOf(many) });
  expect(text).toContain("task-10");
  expect(text).not.toContain("task-2 ");
  expect(text).toMatch(/and 3 more: modelfleet status --json\n$/);
});

it("what of it the vendors didn't tell is said only where there is some", () => {
  const sum = (untold: number) =>
    spendTable({ day: "2026-11-23", ...spendOf([of("sort", "a/one", 250_000_000, 0, untold)]) }).split("\n")[0];
  expect(sum(0)).toBe("spent on 2026-11-23 (UTC): $0.2500 in 1,200 calls");
  expect(sum(2)).toBe("spent on 2026-11-23 (UTC): $0.2500 in 1,200 calls, 2 of them booked at estimates ($0.0020)");
});
