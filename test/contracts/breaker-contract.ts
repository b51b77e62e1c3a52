// What every breaker must do, whatever keeps its state.

import { randomBytes } from "node:crypto";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Breaker } from "../../src/breaker/breaker.ts";
import { modelId, type ModelId } from "../../src/job/names.ts";

export interface BreakerSuite {
  /** A process's breaker; all those of one suite share their state. `openMs` is short enough to be waited for. */
  create(models: readonly ModelId[], settings: { openMs: number; probeLeaseMs: number }): Breaker;
  /** Lets time go by. */
  pass(ms: number): Promise<void>;
}

const OPEN_MS = 300;
const PROBE_LEASE_MS = 700;

export function breakerContract(where: string, suite: BreakerSuite): void {
  const breakers: Breaker[] = [];

  /** Fresh names each time: the suites may share a server. */
  const start = (processes = 1) => {
    const provider = `p${randomBytes(6).toString("hex")}`;
    const [model, other] = [modelId(provider, "large"), modelId(provider, "small")];
    const created = Array.from({ length: processes }, () =>
      suite.create([model, other], { openMs: OPEN_MS, probeLeaseMs: PROBE_LEASE_MS }),
    );
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
      for (let i = 0; i < 5; i++) breaker.report(model, i % 2 === 0 ? "failed" : "ok");
      for (let i = 0; i < 2; i++) second.report(model, "failed");
      await eventually(() => {
        expect(breaker.state(model)).toMatchObject({ kind: "open", openings: 1 });
        expect(second.state(model)).toMatchObject({ kind: "open", openings: 1 });
      });
      expect(breaker.state(other)).toEqual({ kind: "closed" });
    });

    it("stays closed while most calls succeed", async () => {
      const { breaker, model } = start();
      for (let i = 0; i < 20; i++) breaker.report(model, i % 3 === 0 ? "failed" : "ok");
      await suite.pass(300);
      expect(breaker.state(model)).toEqual({ kind: "closed" });
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
      await eventually(async () => expect(await breaker.admit(model)).toEqual({ kind: "probe" }));
      breaker.report(model, "ok");
      await eventually(() => {
        expect(breaker.state(model)).toEqual({ kind: "closed" });
        expect(second.state(model)).toEqual({ kind: "closed" });
      });
      expect(await second.admit(model)).toEqual({ kind: "call" });
      expect(breaker.snapshot().size).toBe(0);
    });

    it("opens for longer when the probe fails", async () => {
      const { breaker, model } = start();
      await breaker.trip({ model }, "down");
      await eventually(async () => expect(await breaker.admit(model)).toEqual({ kind: "probe" }));
      breaker.report(model, "failed");
      await eventually(() => expect(breaker.state(model)).toMatchObject({ openings: 2 }));
    });

    it("lets another call probe when the one that did has died", async () => {
      const { breaker, second, model } = start(2);
      await breaker.trip({ model }, "down");
      await eventually(async () => expect(await breaker.admit(model)).toEqual({ kind: "probe" }));
      await breaker.stop();
      await eventually(async () => expect(await second.admit(model)).toEqual({ kind: "probe" }));
    });

    it("covers all models of a provider whose own breaker is open, and is probed by any of them", async () => {
      const { breaker, second, provider, model, other } = start(2);
      await breaker.trip({ provider }, "invalid key");
      expect(breaker.state(model)).toMatchObject({ kind: "open", reason: "invalid key" });
      expect(breaker.state(other)).toMatchObject({ kind: "open", reason: "invalid key" });
      expect(breaker.snapshot().get(provider)).toMatchObject({ kind: "open" });
      await eventually(async () => expect(await second.admit(other)).toEqual({ kind: "probe" }));
      expect(await second.admit(model)).toMatchObject({ kind: "blocked" });
      second.report(other, "ok");
      await eventually(() => expect(breaker.state(model)).toEqual({ kind: "closed" }));
    });

    it("needs no more than one report to close model and provider together", async () => {
      const { breaker, provider, model } = start();
      await breaker.trip({ provider }, "down");
      await breaker.trip({ model }, "down too");
      await eventually(async () => expect(await breaker.admit(model)).toEqual({ kind: "probe" }));
      breaker.report(model, "ok");
      await eventually(() => expect(breaker.snapshot().size).toBe(0));
    });
  });
}
