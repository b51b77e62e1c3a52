// `run --max-cost`: the batch's own budget stops it, in time, and a higher one or none goes on.

import { afterEach, describe, expect, it } from "vitest";
import type { Plan } from "../../src/plan/plan.ts";
import { budgetKeys } from "../../src/runtime/keys.ts";
import { classifyConfig, classifyRows, classifySimulator, toJsonl } from "../support/classify.ts";
import { startTestFleet, type TestFleet } from "../support/fleet.ts";

const ROWS = 400;

let fleet: TestFleet | undefined;
afterEach(async () => {
  await fleet?.stop();
  fleet = undefined;
});

async function start(count: number, before = "", rpm = 12_000) {
  const rows = classifyRows(count);
  const started = await startTestFleet({
    simulator: classifySimulator(rows),
    config: classifyConfig({ limits: { rpm, tpm: 50_000_000 } }),
  });
  fleet = started;
  const file = await started.file("rows.jsonl", `${before}${toJsonl(rows)}`);
  const out = `${started.dir}/out.jsonl`;
  return {
    out,
    fleet: started,
    enqueue: async (...args: readonly string[]) => {
      const { code, stderr } = await started.command("enqueue", file, "--task", "classify", ...args).result;
      expect(code, stderr).toBe(0);
    },
    plan: (...args: readonly string[]) => started.command("plan", file, "--task", "classify", ...args).result,
    run: (...args: readonly string[]) => started.command("run", file, "--task", "classify", "-o", out, ...args).result,
    spentUsd: () => started.simulator.ledger().total.costNanoUsd / 1e9,
  };
}

describe("run --max-cost", { timeout: 120_000 }, () => {
  it("warns that the plan passes it, stops within it, and goes on with a higher one or without", async () => {
    const { fleet: of, out, run, spentUsd } = await start(ROWS);
    const first = await run("--max-cost", "0.002");
    expect(first.code, first.stderr).toBe(1);
    expect(first.stderr).toMatch(/the plan: about .*, by assumption\), which passes --max-cost \$0\.0020/);
    expect(first.stderr).toMatch(/stopped by --max-cost[^]*higher --max-cost, or without one, goes on/);
    expect(spentUsd()).toBeGreaterThan(0.0017);
    expect(spentUsd()).toBeLessThanOrEqual(0.00204);

    const second = await run("--max-cost", "0.004");
    expect(second.code, second.stderr).toBe(1);
    // By now the batch's own rows tell.
    expect(second.stderr).toMatch(/the plan: about \$[\d.]+ \(\$[\d.]+ … \$[\d.]+\), which passes --max-cost \$0\.0040/);
    expect(spentUsd()).toBeGreaterThan(0.0037);
    expect(spentUsd()).toBeLessThanOrEqual(0.00408);

    const last = await run();
    expect(last.code, last.stderr).toBe(0);
    expect(await of.lines(out)).toHaveLength(ROWS);
    expect(of.simulator.ledger().total.calls).toBe(ROWS);
  });

  it("holds for rows that were enqueued before without one, and stands among the budgets", async () => {
    const { fleet: of, run, enqueue, spentUsd } = await start(ROWS);
    await enqueue("--batch", "b");
    const { code, stderr } = await run("--batch", "b", "--max-cost", "0.002");
    expect(code, stderr).toBe(1);
    expect(spentUsd()).toBeGreaterThan(0.0017);
    expect(spentUsd()).toBeLessThanOrEqual(0.00204);
    const { stdout } = await of.command("budgets").result;
    expect(stdout).toMatch(/--max-cost \(b\) +all +\$0\.0020 .* stop +(used up|no room for \$0\.0000\d+)$/m);
    expect((await run("--batch", "b")).code).toBe(0);
    expect((await of.command("budgets").result).stderr).toContain("no budgets");
  });

  it("asks and stops nothing where the money is enough, and leaves nothing behind", async () => {
    const { fleet: of, run } = await start(60);
    const { code, stderr } = await run("--max-cost", "$5");
    expect(code, stderr).toBe(0);
    expect(stderr).not.toContain("the plan");
    const redis = of.redis.client();
    expect(await Promise.all([redis.hlen(budgetKeys.limits), redis.hlen(budgetKeys.spent)])).toEqual([0, 0]);
  });

  it("doesn't take rows that are bad for rows that are paid: those that are left are the same", async () => {
    const bad = 60;
    const { run } = await start(bad, '{"text": 1}\n'.repeat(bad));
    const planned = /the plan: about (\$[\d.]+) /;
    // Not enough for one call, so that only the bad rows have their results.
    const first = await run("--max-cost", "0.000001");
    expect(first.code, first.stderr).toBe(1);
    expect(first.stderr).toContain(`${bad} of ${2 * bad} rows`);
    const second = await run("--max-cost", "0.000001");
    expect(second.stderr).toContain("which passes --max-cost");
    expect(planned.exec(second.stderr)?.[1]).toBe(planned.exec(first.stderr)?.[1]);
  });

  it("ends for one dear row only when the others have their results, however slowly their model takes them", async () => {
    const dear = `${JSON.stringify({ text: "a long ticket ".repeat(20_000) })}\n`;
    // A call every four seconds, and nothing reserved between them.
    const { run, spentUsd } = await start(6, dear, 15);
    const { code, stderr } = await run("--max-cost", "0.005");
    expect(code, stderr).toBe(1);
    expect(stderr).toContain("stopped by --max-cost");
    expect(stderr).toMatch(/a call more, expected to cost \$0\.0[1-9]\d+, would pass it/);
    expect(stderr).toContain("6 of 7 rows");
    expect(spentUsd()).toBeLessThan(0.005);
  });

  it("looks at the batch that goes on, be it one that --fresh began", async () => {
    const { run, plan, spentUsd } = await start(60);
    expect((await run()).code).toBe(0);
    const whole = spentUsd();
    expect((await run("--fresh", "--max-cost", (whole / 3).toFixed(9))).code).toBe(1);
    const planned = JSON.parse((await plan("--json")).stdout) as Plan;
    expect(planned.rows.done).toBeGreaterThan(0);
    expect(planned.rows.done).toBeLessThan(60);
    const { code, stderr } = await run("--max-cost", (whole / 2).toFixed(9));
    expect(code, stderr).toBe(1);
    expect(stderr).toContain("which passes --max-cost");
  });

  it("takes an amount in dollars and nothing else", async () => {
    const { run } = await start(1);
    for (const amount of ["much", "0", "-1"]) {
      const { code, stderr } = await run(`--max-cost=${amount}`);
      expect(code, stderr).toBe(2);
      expect(stderr).toContain("--max-cost takes dollars");
    }
  });
});
