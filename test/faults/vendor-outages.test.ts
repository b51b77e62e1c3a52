// Vendors that fail: the fallback takes over, and nothing is dead-lettered while an able model remains.

import { afterEach, describe, expect, it } from "vitest";
import { createBatchStates } from "../../queues/batch-state.ts";
import { DEAD_QUEUE } from "../../src/runtime/keys.ts";
import { expectEveryRowOnce } from "../support/assert-complete.ts";
import { classifyConfig, classifyRows, classifySimulator, toJsonl } from "../support/classify.ts";
import { pause, startTestFleet, until, type TestFleet } from "../support/fleet.ts";

const ROWS = 2_000;
const OUTAGE_MS = 120_000;

let fleet: TestFleet | undefined;

afterEach(async () => {
  await fleet?.stop();
  fleet = undefined;
});

async function startRun(options: { readonly rows: number; readonly rpm: number; readonly before?: (fleet: TestFleet) => void }) {
  const rows = classifyRows(options.rows);
  fleet = await startTestFleet({ simulator: classifySimulator(rows), config: classifyConfig({ limits: { rpm: options.rpm } }) });
  options.before?.(fleet);
  const file = await fleet.file("in.jsonl", toJsonl(rows));
  const run = fleet.command("run", file, "--task", "classify", "--batch", "b", "-o", `${fleet.dir}/out.jsonl`);
  const states = createBatchStates(fleet.redis.client());
  return { fleet, run, states };
}

describe("a vendor that is down", () => {
  for (const fault of ["outage", "refuse", "auth", "quota", "unknown-model"] as const) {
    it(`from the start (${fault}): every row is answered through the fallback`, { timeout: 60_000 }, async () => {
      const { fleet, run } = await startRun({
        rows: 400,
        rpm: 300_000,
        before: (each) => each.simulator.setFault({ vendor: "alpha", fault }),
      });
      const { code, stderr } = await run.result;
      expect(code, stderr).toBe(0);
      const lines = await fleet.lines(`${fleet.dir}/out.jsonl`);
      expectEveryRowOnce(lines, 400);
      expect(new Set(lines.map((line) => line["model"]))).toEqual(new Set(["beta/two"]));
    });
  }

  it("from the middle on: every row is answered, and those it was given are rerouted", { timeout: 90_000 }, async () => {
    const { fleet, run, states } = await startRun({ rows: ROWS, rpm: 12_000 });
    await until("a quarter of the rows", async () => ((await states.status("b"))?.done ?? 0) > ROWS / 4);
    fleet.simulator.setFault({ vendor: "alpha", fault: "outage" });
    const { code, stderr } = await run.result;
    expect(code, stderr).toBe(0);
    const lines = await fleet.lines(`${fleet.dir}/out.jsonl`);
    expectEveryRowOnce(lines, ROWS);
    expect(new Set(lines.map((line) => line["model"]))).toEqual(new Set(["alpha/one", "beta/two"]));
    expect((await states.status("b"))?.rerouted).toBeGreaterThan(0);
  });
});

describe("all vendors of a route down for two minutes in the middle of a batch", () => {
  it("nothing is dead-lettered, and everything is answered after they return", { timeout: 300_000 }, async () => {
    const { fleet, run, states } = await startRun({ rows: ROWS, rpm: 12_000 });
    await until("a quarter of the rows", async () => ((await states.status("b"))?.done ?? 0) > ROWS / 4);
    fleet.simulator.setFault({ vendor: "alpha", fault: "outage" });
    fleet.simulator.setFault({ vendor: "beta", fault: "refuse" });
    await pause(OUTAGE_MS);
    const during = await states.status("b");
    expect(during?.failed).toBe(0);
    expect(during?.done).toBeLessThan(ROWS);
    fleet.simulator.clearFaults();
    const { code, stderr } = await run.result;
    expect(code, stderr).toBe(0);
    expectEveryRowOnce(await fleet.lines(`${fleet.dir}/out.jsonl`), ROWS);
    expect(await fleet.redis.client().zcard(`bull:${DEAD_QUEUE}:failed`)).toBe(0);
  });
});
