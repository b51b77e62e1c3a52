// A process told to end while Redis is away must end all the same.

import { expect, it } from "vitest";
import { expectEveryRowOnce } from "../support/assert-complete.ts";
import { classifyConfig, classifyRows, classifySimulator, toJsonl } from "../support/classify.ts";
import { startTestFleet, until } from "../support/fleet.ts";
import { NOT_OURS } from "../support/redis.ts";

it("SIGTERM while Redis is away ends the process, which says why it could not hand its jobs back", { timeout: 60_000 }, async (context) => {
  const fleet = await startTestFleet({ simulator: classifySimulator(classifyRows(1)), config: classifyConfig() });
  try {
    if (!fleet.redis.isOurs) context.skip(NOT_OURS);
    const up = await fleet.start("up", "--no-web", "--grace", "1");
    await fleet.redis.kill();
    expect(await up.terminate()).toBe(1);
  } finally {
    await fleet.stop();
  }
});

it(
  "Ctrl-C while Redis is away ends a run, which says so; when it is back the same command goes on",
  { timeout: 90_000 },
  async (context) => {
    const rows = classifyRows(40);
    const fleet = await startTestFleet({
      simulator: classifySimulator(rows),
      config: classifyConfig({ limits: { rpm: 300_000, concurrency: 8 } }),
    });
    try {
      if (!fleet.redis.isOurs) context.skip(NOT_OURS);
      const file = await fleet.file("in.jsonl", toJsonl(rows));
      const run = () => fleet.command("run", file, "--task", "classify", "--batch", "away", "-o", `${fleet.dir}/out.jsonl`);
      fleet.simulator.setFault({ vendor: "alpha", fault: "slow", delayMs: 500 });
      const first = run();
      await until("calls", () => (fleet.simulator.state().vendors["alpha"]?.models["one"]?.inFlight ?? 0) > 0);
      await fleet.redis.kill();
      first.child.kill("SIGINT");
      expect(await first.result).toMatchObject({ code: 130, stderr: expect.stringContaining("Redis or the store did not answer within") });
      await fleet.redis.restart();
      fleet.simulator.clearFaults();
      const second = await run().result;
      expect(second.code, second.stderr).toBe(0);
      expectEveryRowOnce(await fleet.lines(`${fleet.dir}/out.jsonl`), rows.length);
    } finally {
      await fleet.stop();
    }
  },
);
