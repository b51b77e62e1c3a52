import { describe, expect, it } from "vitest";
import { StoppedError } from "../../../src/job/errors.ts";
import { createSharedReading } from "../../../workers/web/shared-reading.ts";
import { createManualClock } from "../../support/manual-clock.ts";

function setUp() {
  const clock = createManualClock();
  const pending: { resolve: (value: number) => void; reject: (error: Error) => void }[] = [];
  const read = createSharedReading(() => new Promise<number>((resolve, reject) => pending.push({ resolve, reject })), {
    clock,
    maxAgeMs: 500,
    timeoutMs: 3_000,
  });
  return { clock, pending, read };
}

describe("a shared reading", () => {
  it("is made once for all who ask while it is under way, and for those shortly after", async () => {
    const { clock, pending, read } = setUp();
    const both = Promise.all([read(), read()]);
    expect(pending).toHaveLength(1);
    pending[0]!.resolve(1);
    expect(await both).toEqual([1, 1]);
    expect(await read()).toBe(1);
    await clock.advance(500);
    const later = read();
    expect(pending).toHaveLength(2);
    pending[1]!.resolve(2);
    expect(await later).toBe(2);
  });

  it("is waited for no longer than the limit, and still serves those who ask later", async () => {
    const { clock, pending, read } = setUp();
    const asked = read().catch((error: unknown) => error);
    await clock.advance(3_000);
    expect(await asked).toBeInstanceOf(StoppedError);
    const again = read();
    expect(pending).toHaveLength(1);
    pending[0]!.resolve(7);
    expect(await again).toBe(7);
  });

  it("that fails is not kept", async () => {
    const { pending, read } = setUp();
    const failing = read();
    pending[0]!.reject(new Error("broken"));
    await expect(failing).rejects.toThrow("broken");
    const next = read();
    expect(pending).toHaveLength(2);
    pending[1]!.resolve(3);
    expect(await next).toBe(3);
  });
});
