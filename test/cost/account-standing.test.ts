import { describe, expect, it } from "vitest";
import { budgetWarnings } from "../../queues/budget-warnings.ts";
import { standingOf } from "../../src/cost/account-standing.ts";
import type { AccountState } from "../../src/cost/purse.ts";

const MINUTE = 60_000;
const account = (changes: Partial<AccountState> = {}): AccountState => ({
  budget: { name: "day", scope: "fleet", per: "day", limitNanoUsd: 1_000, action: "stop" },
  value: "",
  limitNanoUsd: 1_000,
  spentNanoUsd: 100,
  reservedNanoUsd: 0,
  ...changes,
});

describe("how an account stands", () => {
  it("is used up where nothing is left, whoever was refused", () => {
    expect(standingOf(account({ spentNanoUsd: 900, reservedNanoUsd: 100 }))).toEqual({ kind: "used-up" });
    expect(standingOf(account({ spentNanoUsd: 999 }))).toEqual({ kind: "open" });
  });

  it("has no room for what it has just refused, and money all the same", () => {
    expect(standingOf(account({ refusedNanoUsd: 950, refusedMsAgo: 1_000 }))).toEqual({ kind: "no-room", neededNanoUsd: 950 });
    expect(standingOf(account({ refusedNanoUsd: 900, refusedMsAgo: 1_000 }))).toEqual({ kind: "open" });
  });

  it("is open again when nobody has waited for it of late: its batch was cancelled", () => {
    const refused = account({ refusedNanoUsd: 950, refusedMsAgo: 5 * MINUTE });
    expect(standingOf(refused)).toEqual({ kind: "open" });
    expect(budgetWarnings([refused])).toEqual([]);
    expect(standingOf({ ...refused, heldMsAgo: 3_000 })).toEqual({ kind: "no-room", neededNanoUsd: 950 });
    expect(standingOf({ ...refused, heldMsAgo: 2 * MINUTE })).toEqual({ kind: "open" });
  });

  it("warns with what is left of what waits, and not that it is used up", () => {
    const [warning] = budgetWarnings([account({ limitNanoUsd: 10e9, spentNanoUsd: 1e9, refusedNanoUsd: 9.5e9, refusedMsAgo: 10 })]);
    expect(warning).toMatch(
      /^Budget day: \$1\.00 of \$10\.00 for this day are spent or reserved, no room for a call of \$9\.50: its jobs wait/,
    );
  });
});
