import { expect, it } from "vitest";
import { accountsOf, type BudgetSpec } from "../../src/cost/budget.ts";
import type { ModelSpec } from "../../src/job/model.ts";
import { spendingOf } from "../../workers/budget-watch.ts";

it("a degrading budget looks at the prices that hold for a call of its length", () => {
  const low = { input: 1_000_000, cachedInput: 0, cacheWrite: 0, output: 2_000_000 };
  const price = { ...low, tiers: [{ ...low, input: 4_000_000, aboveInputTokens: 200_000 }] };
  const spec = { id: "p/m", name: "m", provider: "p", price } as unknown as ModelSpec;
  const budget: BudgetSpec = { name: "b", scope: "fleet", per: "day", limitNanoUsd: 1, action: "degrade", below: low };
  const isBinding = (inputTokens: number) =>
    accountsOf([budget], spendingOf({ name: "t" }, { batch: "b", row: 0, task: "t", input: {} }, { spec, inputTokens }))[0]?.isBinding;
  expect(isBinding(200_000)).toBe(false);
  expect(isBinding(200_001)).toBe(true);
});
