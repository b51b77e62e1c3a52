import { describe, expect, test } from "vitest";

import { drawLatencyMs } from "../../src/simulator/latency.ts";
import { createRandom } from "../../src/runtime/seeded-random.ts";

const options = { baseMs: 0, jitterMs: 0, sigma: 0.5, perOutputTokenMs: 0 };

describe("a drawn latency", () => {
  test("is the base, a part of the jitter, and its part per output token", () => {
    const random = createRandom(1);
    const drawn = Array.from({ length: 1000 }, () =>
      drawLatencyMs({ ...options, baseMs: 100, jitterMs: 50, perOutputTokenMs: 2 }, 10, random),
    );
    expect(Math.min(...drawn)).toBeGreaterThanOrEqual(120);
    expect(Math.max(...drawn)).toBeLessThan(170);
    expect(Math.max(...drawn) - Math.min(...drawn)).toBeGreaterThan(40);
  });

  test("lies about its median with a long tail when it is log-normal", () => {
    const random = createRandom(1);
    const drawn = Array.from({ length: 5001 }, () => drawLatencyMs({ ...options, medianMs: 300, sigma: 0.8 }, 0, random)).toSorted(
      (a, b) => a - b,
    );
    expect((drawn[2500] ?? 0) / 300).toBeCloseTo(1, 1);
    expect((drawn[4950] ?? 0) / 300).toBeGreaterThan(4);
    expect(drawn[0]).toBeGreaterThan(0);
  });
});
