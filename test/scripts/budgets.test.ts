import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startCommand } from "../support/command-line.ts";
import { startTestRedis, type TestRedis } from "../support/redis.ts";

let redis: TestRedis;
let dir: string;
let config: string;

beforeAll(async () => {
  redis = await startTestRedis();
  dir = await mkdtemp(join(tmpdir(), "modelfleet-budgets-"));
  // Not in the folder that the commands are typed in.
  await mkdir(join(dir, "elsewhere"));
  config = join(dir, "elsewhere", "fleet.yaml");
  await writeFile(
    config,
    "providers: {}\nbudgets:\n- { name: day, scope: fleet, per: day, limit: 5 }\n- { name: tenants, scope: tenant, per: month, limit: 20 }\n",
  );
});
afterAll(async () => {
  await redis.stop();
  await rm(dir, { recursive: true });
});

const budgets = (...args: string[]) =>
  startCommand(["budgets", ...args, "--config", config], { cwd: dir, environment: { REDIS_URL: redis.url } }).result;

describe("modelfleet budgets", () => {
  it("shows how they stand, and raises one, whatever the folder and wherever --config stands", async () => {
    expect((await budgets()).stdout).toMatch(/day +day +\$5\.00 +\$0\.00 +\$0\.00 +stop +open/);
    const raised = await budgets("raise", "day", "--to", "$12.50");
    expect([raised.code, raised.stderr]).toEqual([0, expect.stringContaining("budget day: $12.50")]);
    expect((await budgets()).stdout).toContain("$12.50 (raised; configured $5.00)");
    expect(JSON.parse((await budgets("--json")).stdout)).toMatchObject([
      { limitNanoUsd: 12_500_000_000, configuredNanoUsd: 5_000_000_000, isRaised: true },
    ]);
    expect((await budgets("raise", "day", "--to", "configured")).code).toBe(0);
    expect((await budgets()).stdout).toMatch(/day +day +\$5\.00 +\$0\.00/);
    expect(JSON.parse((await budgets("--json")).stdout)).toMatchObject([{ configuredNanoUsd: 5_000_000_000, isRaised: false }]);
  });

  it("raises the account of one tenant, and leaves the others theirs", async () => {
    const raised = await budgets("raise", "tenants", "--of", "acme", "--to", "40");
    expect([raised.code, raised.stderr]).toEqual([0, expect.stringContaining("budget tenants (acme): $40.00")]);
    expect((await budgets()).stdout).toMatch(/tenants \(acme\) +month +\$40\.00/);
    expect((await budgets("raise", "tenants", "--of", "acme", "--to", "configured")).stderr).toContain("as tenants has it");
    expect((await budgets()).stdout).not.toContain("acme");
    expect(await budgets("raise", "day", "--of", "acme", "--to", "1")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no account of its own for "acme"'),
    });
  });

  it("says what is wrong with a name or an amount", async () => {
    expect(await budgets("raise", "week", "--to", "3")).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/there is no budget "week"\n.*There are: day, tenants/),
    });
    expect(await budgets("raise", "day", "--to", "a lot")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--to takes dollars"),
    });
  });
});
