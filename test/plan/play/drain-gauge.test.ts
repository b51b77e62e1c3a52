import { describe, expect, it } from "vitest";
import { createDrainGauge } from "../../../src/plan/play/drain-gauge.ts";

describe("the drain of a queue", () => {
  it("is none before the first reading after a call's end", () => {
    const gauge = createDrainGauge();
    gauge.ended(110);
    expect(gauge.perMs(199)).toBe(0);
    expect(gauge.perMs(200)).toBe(0.01);
  });

  it("is that of the fastest tenth of a second, which is forgotten by and by", () => {
    const gauge = createDrainGauge();
    for (let i = 0; i < 4; i++) gauge.ended(150);
    expect(gauge.perMs(200)).toBe(0.04);
    gauge.ended(250);
    // Held: four fifths of 0.04, and a fifth of 0.01.
    expect(gauge.perMs(300)).toBeCloseTo(0.034, 9);
    expect(gauge.perMs(400)).toBeCloseTo(0.034 * 0.8, 9);
    expect(gauge.perMs(1_400)).toBeCloseTo(0.034 * 0.8 ** 11, 9);
  });

  it("is the same however often it is asked for", () => {
    const [often, once] = [createDrainGauge(), createDrainGauge()];
    for (let now = 0; now < 5_000; now += 35) {
      for (const gauge of [often, once]) gauge.ended(now);
      often.perMs(now);
    }
    expect(often.perMs(6_000)).toBeCloseTo(once.perMs(6_000), 12);
  });

  it("of calls that end evenly is their pace", () => {
    const gauge = createDrainGauge();
    for (let now = 0; now < 5_000; now += 20) gauge.ended(now);
    expect(gauge.perMs(5_000)).toBeCloseTo(0.05, 3);
  });
});
