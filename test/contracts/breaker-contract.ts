// What every breaker must do, whatever keeps its state.

import { randomBytes } from "node:crypto";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Breaker, CallEnding } from "../../src/breaker/breaker.ts";
import type { BreakerSettings } from "../../src/breaker/breaker-machine.ts";
import { modelId, type ModelId } from "../../src/job/names.ts";

/** Short enough to be waited for, and doubts that outlast a slow machine. */
type SuiteSettings = Pick<BreakerSettings, "openMs" | "probeLeaseMs" | "longestDoubtMs">;

export interface BreakerSuite {
  /** A process's breaker; all those of one suite share their state. */
  create(models: readonly ModelId[], settings: SuiteSettings): Breaker;
  /** Lets time go by. */
  pass(ms: number): Promise<void>;
}

const SETTINGS: SuiteSettings = { openMs: 300, probeLeaseMs: 700, longestDoubtMs: 5_000 };
/** Long enough for what was reported to be handed in, and for every process to see what came of it. */
const SETTLING_MS = 400;

const OK: CallEnding = { ending: "ok" };
const FAILED: CallEnding = { ending: "failed" };
const WIDE: CallEnding = { ending: "failed", isWide: true };

export function breakerContract(where: string, suite: BreakerSuite): void {
  const breakers: Breaker[] = [];

  /** Fresh names each time: the suites may share a server. */
  const start = (processes = 1) => {
    const provider = `p${randomBytes(6).toString("hex")}`;
    const [model, other] = [modelId(provider, "large"), modelId(provider, "small")];
    const created = Array.from({ length: processes }, () => suite.create([model, other], SETTINGS));
    breakers.push(...created);
    return { provider, model, other, breaker: created[0] as Breaker, second: created.at(-1) as Breaker };
  };

  /** Waits, letting time go by, until the expectation holds. */
  const eventually = async (expectation: () => void | Promise<void>) => {
    await vi.waitFor(
      async () => {
        await suite.pass(20);
        await expectation();
      },
      { timeout: 10_000, interval: 5 },
    );
  };

  const report = (breaker: Breaker, model: ModelId, calls: number, ending: CallEnding) => {
    for (let i = 0; i < calls; i++) breaker.report(model, ending);
  };

  /** The model's breaker has been opened; waits for its probe. */
  const probeOf = async (breaker: Breaker, model: ModelId): Promise<string> => {
    let probe = "";
    await eventually(async () => {
      const admission = await breaker.admit(model);
      expect(admission.kind).toBe("probe");
      if (admission.kind === "probe") probe = admission.probe;
    });
    return probe;
  };

  describe(`the breaker ${where}`, () => {
    afterEach(async () => {
      await Promise.all(breakers.splice(0).map((breaker) => breaker.stop()));
    });

    it("lets calls through until they fail", async () => {
      const { breaker, model } = start();
      expect(breaker.state(model)).toEqual({ kind: "closed" });
      expect(await breaker.admit(model)).toEqual({ kind: "call" });
    });

    it("opens when half of the calls fail, for every process, and for that model only", async () => {
      const { breaker, second, model, other } = start(2);
      for (let i = 0; i < 10; i++) breaker.report(model, i % 2 === 0 ? FAILED : OK);
      report(second, model, 5, FAILED);
      await eventually(() => {
        expect(breaker.state(model)).toMatchObject({ kind: "open", openings: 1 });
        expect(second.state(model)).toMatchObject({ kind: "open", openings: 1 });
      });
      expect(breaker.state(other)).toEqual({ kind: "closed" });
    });

    it("opens when calls fail in a row, whoever made them and however many succeeded before", async () => {
      const { breaker, second, model } = start(2);
      report(breaker, model, 500, OK);
      await suite.pass(SETTLING_MS);
      report(breaker, model, 4, FAILED);
      await suite.pass(SETTLING_MS);
      report(second, model, 3, FAILED);
      await suite.pass(SETTLING_MS);
      expect(breaker.state(model)).toEqual({ kind: "closed" });
      second.report(model, FAILED);
      await eventually(() => {
        expect(breaker.state(model)).toMatchObject({ kind: "open", reason: "the last 8 calls failed" });
        expect(second.state(model)).toMatchObject({ kind: "open" });
      });
    });

    it("begins to count the row anew when any process's call succeeds", async () => {
      const { breaker, second, model } = start(2);
      report(breaker, model, 100, OK);
      for (let round = 0; round < 3; round++) {
        report(breaker, model, 7, FAILED);
        await suite.pass(SETTLING_MS);
        second.report(model, OK);
        await suite.pass(SETTLING_MS);
      }
      expect(breaker.state(model)).toEqual({ kind: "closed" });
      expect(await breaker.admit(model)).toEqual({ kind: "call" });
    });

    it("stays closed while most calls succeed", async () => {
      const { breaker, model } = start();
      for (let i = 0; i < 60; i++) breaker.report(model, i % 3 === 0 ? FAILED : OK);
      await suite.pass(SETTLING_MS);
      expect(breaker.state(model)).toEqual({ kind: "closed" });
    });

    it("makes a call that follows three failures wait until the fleet knows of them, and no longer", async () => {
      const { breaker, second, model } = start(2);
      report(second, model, 5, FAILED);
      await suite.pass(SETTLING_MS);
      report(breaker, model, 3, FAILED);
      const admission = breaker.admit(model);
      await suite.pass(SETTLING_MS);
      expect(await admission).toMatchObject({ kind: "blocked", reason: "the last 8 calls failed" });
    });

    it("lets such a call go when the fleet's breaker is still closed", async () => {
      const { breaker, model } = start();
      report(breaker, model, 3, FAILED);
      const admission = breaker.admit(model);
      await suite.pass(SETTLING_MS);
      expect(await admission).toEqual({ kind: "call" });
    });

    it("blocks calls while it is open, with the reason and the time left", async () => {
      const { breaker, model } = start();
      await breaker.trip({ model }, "insufficient quota", 60_000);
      const admission = await breaker.admit(model);
      expect(admission).toMatchObject({ kind: "blocked", reason: "insufficient quota" });
      expect(admission.kind === "blocked" && admission.retryInMs).toBeGreaterThan(50_000);
      expect(breaker.snapshot().get(model)).toMatchObject({ kind: "open", reason: "insufficient quota" });
    });

    it("gives the probe to one call in the whole fleet when its time is over", async () => {
      const { breaker, second, model } = start(2);
      await breaker.trip({ model }, "down");
      await eventually(() => expect(second.state(model).kind).toBe("half-open"));
      const admissions = await Promise.all([breaker, second, breaker, second].map((each) => each.admit(model)));
      expect(admissions.map(({ kind }) => kind).toSorted()).toEqual(["blocked", "blocked", "blocked", "probe"]);
    });

    it("closes for everyone when the probe succeeds", async () => {
      const { breaker, second, model } = start(2);
      await breaker.trip({ model }, "down");
      const probe = await probeOf(breaker, model);
      breaker.report(model, { ending: "ok", probe });
      await eventually(() => {
        expect(breaker.state(model)).toEqual({ kind: "closed" });
        expect(second.state(model)).toEqual({ kind: "closed" });
      });
      expect(await second.admit(model)).toEqual({ kind: "call" });
      expect(breaker.snapshot().size).toBe(0);
    });

    it("is decided by the probe's own report alone, not by other calls that end meanwhile", async () => {
      const { breaker, second, model } = start(2);
      await breaker.trip({ model }, "down");
      const probe = await probeOf(breaker, model);
      for (const each of [breaker, second]) {
        each.report(model, OK);
        report(each, model, 20, FAILED);
        each.report(model, { ending: "ok", probe: "another" });
        each.report(model, { ending: "failed", probe: "another" });
      }
      await suite.pass(SETTLING_MS);
      expect(breaker.state(model)).toMatchObject({ kind: "half-open", openings: 1 });
      breaker.report(model, { ending: "ok", probe });
      await eventually(() => expect(second.state(model)).toEqual({ kind: "closed" }));
    });

    it("opens for longer when the probe fails", async () => {
      const { breaker, model } = start();
      await breaker.trip({ model }, "down");
      const probe = await probeOf(breaker, model);
      breaker.report(model, { ending: "failed", probe });
      await eventually(() => expect(breaker.state(model)).toMatchObject({ openings: 2 }));
    });

    it("lets the next call probe at once when the probe's was not made", async () => {
      const { breaker, second, model } = start(2);
      await breaker.trip({ model }, "down");
      const probe = await probeOf(breaker, model);
      expect(await second.admit(model)).toMatchObject({ kind: "blocked" });
      breaker.forgo(model, probe);
      const next = await probeOf(second, model);
      expect(next).not.toBe(probe);
      breaker.report(model, { ending: "ok", probe });
      await suite.pass(SETTLING_MS);
      expect(second.state(model).kind).toBe("half-open");
      second.report(model, { ending: "ok", probe: next });
      await eventually(() => expect(breaker.state(model)).toEqual({ kind: "closed" }));
    });

    it("lets another call probe when the one that did has died", async () => {
      const { breaker, second, model } = start(2);
      await breaker.trip({ model }, "down");
      await probeOf(breaker, model);
      await breaker.stop();
      expect(await probeOf(second, model)).not.toBe("");
    });

    it("covers all models of a provider whose own breaker is open, and is probed by any of them", async () => {
      const { breaker, second, provider, model, other } = start(2);
      await breaker.trip({ provider }, "invalid key");
      expect(breaker.state(model)).toMatchObject({ kind: "open", reason: "invalid key" });
      expect(breaker.state(other)).toMatchObject({ kind: "open", reason: "invalid key" });
      expect(breaker.snapshot().get(provider)).toMatchObject({ kind: "open" });
      const probe = await probeOf(second, other);
      expect(await second.admit(model)).toMatchObject({ kind: "blocked" });
      second.report(other, { ending: "ok", probe });
      await eventually(() => expect(breaker.state(model)).toEqual({ kind: "closed" }));
    });

    it("needs no more than one report to close model and provider together", async () => {
      const { breaker, provider, model } = start();
      await breaker.trip({ provider }, "down");
      await breaker.trip({ model }, "down too");
      const probe = await probeOf(breaker, model);
      breaker.report(model, { ending: "ok", probe });
      await eventually(() => expect(breaker.snapshot().size).toBe(0));
    });

    it("opens for the whole provider, and so for all its models, by failures that are the provider's", async () => {
      const { breaker, second, provider, model, other } = start(2);
      report(breaker, model, 4, WIDE);
      report(second, other, 4, WIDE);
      await eventually(() => {
        expect(breaker.snapshot().get(provider)).toMatchObject({ kind: "open" });
        for (const each of [model, other]) expect(second.state(each)).toMatchObject({ kind: "open", reason: "the last 8 calls failed" });
      });
      expect([...breaker.snapshot().keys()]).toEqual([provider]);
    });

    it("leaves the provider's breaker alone when a model fails by itself", async () => {
      const { breaker, provider, model, other } = start();
      report(breaker, model, 4, WIDE);
      report(breaker, model, 20, FAILED);
      report(breaker, model, 3, WIDE);
      await eventually(() => expect(breaker.state(model)).toMatchObject({ kind: "open" }));
      await suite.pass(SETTLING_MS);
      expect(breaker.snapshot().has(provider)).toBe(false);
      expect(breaker.state(other)).toEqual({ kind: "closed" });
      report(breaker, other, 1, WIDE);
      await eventually(() => expect(breaker.snapshot().get(provider)).toMatchObject({ kind: "open" }));
    });

    it("keeps the provider's breaker closed while another of its models answers", async () => {
      const { breaker, second, provider, model, other } = start(2);
      report(second, other, 30, OK);
      await suite.pass(SETTLING_MS);
      for (let round = 0; round < 3; round++) {
        report(breaker, model, 7, WIDE);
        await suite.pass(SETTLING_MS);
        second.report(other, OK);
        await suite.pass(SETTLING_MS);
      }
      expect(breaker.snapshot().has(model)).toBe(true);
      expect(breaker.snapshot().has(provider)).toBe(false);
      expect(await second.admit(other)).toEqual({ kind: "call" });
    });

    it("lets another model probe the provider when the probe failed by its own model's fault", async () => {
      const { breaker, second, provider, model, other } = start(2);
      await breaker.trip({ provider }, "down");
      const probe = await probeOf(breaker, model);
      breaker.report(model, { ending: "failed", probe });
      const next = await probeOf(second, other);
      expect(second.snapshot().get(provider)).toMatchObject({ kind: "half-open", openings: 1 });
      second.report(other, { ending: "failed", isWide: true, probe: next });
      await eventually(() => expect(breaker.snapshot().get(provider)).toMatchObject({ openings: 2 }));
    });
  });
}
