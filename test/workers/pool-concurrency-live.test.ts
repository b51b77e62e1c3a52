// The slots of real pool processes, against a simulated vendor.

import { afterEach, expect, it } from "vitest";
import { capacityOf, liveProcesses } from "../../queues/fleet-registry.ts";
import { classifyRows, LABELS, toJsonl } from "../support/classify.ts";
import { startTestFleet, until, type TestFleet } from "../support/fleet.ts";

const MODEL = "alpha/one";
const RPM = 600;
const LATENCY_MS = 200;

let fleet: TestFleet | undefined;
afterEach(async () => {
  await fleet?.stop();
  fleet = undefined;
});

async function startLoadedFleet(): Promise<TestFleet> {
  const rows = classifyRows(5_000);
  fleet = await startTestFleet({
    simulator: {
      answers: { entries: rows.map(({ text, label }) => ({ text, label })), labels: [...LABELS] },
      vendors: { alpha: { kind: "openai", latency: { baseMs: LATENCY_MS, jitterMs: 10 }, models: { one: { limits: { rpm: RPM } } } } },
    },
    config: (url) => ({
      providers: {
        alpha: { kind: "openai", apiKey: "${SIMULATED_KEY}", baseUrl: `${url}/alpha/v1`, models: { one: { limits: { rpm: RPM } } } },
      },
      tasks: { classify: { prompt: { user: "{{ input.text }}" }, route: { models: [MODEL] } } },
    }),
  });
  const file = await fleet.file("in.jsonl", toJsonl(rows));
  await Promise.all([fleet.start("router"), fleet.start("reroute"), fleet.start("recorder")]);
  await fleet.command("enqueue", file, "--task", "classify", "--batch", "b").result;
  return fleet;
}

/** Two calls in flight, and a few slots more. */
const ALONE = 16;

it(
  "a real pool's slots follow rate and latency, and are shared with pools that come and go; the rate is used",
  { timeout: 120_000 },
  async () => {
    const loaded = await startLoadedFleet();
    const { simulator } = loaded;
    const redis = loaded.redis.client();
    /** Of each live pool process, in no order. */
    const slots = async () => (await liveProcesses(redis)).flatMap((each) => capacityOf(each, MODEL)?.slots ?? []);
    const settled = (what: string, is: (slots: readonly number[]) => boolean) =>
      until(what, async () => {
        const now = await slots();
        return is(now) && now;
      });
    const answered = () => simulator.ledger().total.answered;
    const useOfRate = async () => {
      const [since, before] = [performance.now(), answered()];
      await until("fifty answers", () => answered() >= before + 50);
      return (50 / (performance.now() - since)) * (60_000 / RPM);
    };

    await loaded.start("pool", "alpha");
    await settled("one pool to settle", ([only]) => only !== undefined && only <= ALONE);
    expect(await useOfRate()).toBeGreaterThan(0.9);
    expect((await slots())[0]).toBeGreaterThan(4);

    simulator.setFault({ vendor: "alpha", fault: "slow", delayMs: 9 * LATENCY_MS });
    await settled("slots to follow a tenfold latency", ([only]) => only !== undefined && only >= 24);
    simulator.clearFaults();
    await settled("slots to follow it back", ([only]) => only !== undefined && only <= ALONE);

    const other = await loaded.start("pool", "alpha");
    await settled("two pools to share", (all) => all.length === 2 && all.every((each) => each <= 10));
    await other.kill();
    await settled("the one left to be alone", (all) => all.length === 1);
    expect(await useOfRate()).toBeGreaterThan(0.9);
    expect(simulator.ledger().total.refused429).toBe(0);
  },
);
