import type { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { liveProcesses, registerProcess, type Heartbeat, type Registration } from "../../queues/fleet-registry.ts";
import type { Clock } from "../../src/runtime/clock.ts";
import { fleetKeys } from "../../src/runtime/keys.ts";
import { startTestRedis, type TestRedis } from "../support/redis.ts";

const MODEL = "alpha/one";
const OWN = { roles: ["pool:alpha"], configHash: "c", tasks: ["t"] };

let server: TestRedis;
let redis: Redis;
const registrations: Registration[] = [];

beforeAll(async () => {
  server = await startTestRedis();
  redis = server.client();
});
afterAll(() => server.stop());
beforeEach(() => redis.flushdb());
afterEach(async () => {
  await Promise.all(registrations.splice(0).map((each) => each.stop()));
});

/** A process whose beats come when the test says so. */
function startProcess() {
  let now = 1_000_000;
  let wake = () => {};
  let asleep = () => {};
  let isAsleep = new Promise<void>((done) => (asleep = done));
  const clock: Clock = {
    now: () => now,
    sleep: (_, signal) =>
      new Promise((resolve) => {
        wake = resolve;
        signal?.addEventListener("abort", () => resolve(), { once: true });
        asleep();
      }),
  };
  const registration = registerProcess(redis, clock, OWN);
  registrations.push(registration);
  return {
    registration,
    /** Resolves when the beat is over. */
    beat: async (afterMs = 2_000) => {
      await isAsleep;
      isAsleep = new Promise<void>((done) => (asleep = done));
      now += afterMs;
      wake();
      await isAsleep;
    },
    started: () => isAsleep,
  };
}

/** The heartbeat of another process, last heard of some time ago. */
async function putHeartbeat(id: string, agoMs: number, fields: Partial<Heartbeat> = {}): Promise<void> {
  const [seconds, micros] = await redis.time();
  const at = Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000) - agoMs;
  const heartbeat: Heartbeat = { id, ...OWN, pid: 1, host: "h", startedAt: 0, at, slots: { [MODEL]: 10 }, ...fields };
  await redis.hset(fleetKeys.processes, id, JSON.stringify(heartbeat));
}

describe("the processes of a fleet", () => {
  it("hear of each other, and of what the others take of a model", async () => {
    const [one, two] = [startProcess(), startProcess()];
    one.registration.tell(MODEL, { slots: 12, callsPerSecond: 9 });
    two.registration.tell(MODEL, { slots: 8, callsPerSecond: 11 });
    await two.beat();
    await one.beat();
    expect(one.registration.takers(MODEL)).toBe(2);
    expect(one.registration.capacity(MODEL)).toEqual({ slots: 20, callsPerSecond: 11 });
    expect(one.registration.takers("alpha/other")).toBe(1);
    expect(one.registration.capacity("alpha/other")).toBeUndefined();
  });

  it("are told at once of what this process itself takes, and no longer of what it has given up", async () => {
    const { registration, started } = startProcess();
    await started();
    registration.tell(MODEL, { slots: 12 });
    expect(registration.capacity(MODEL)).toEqual({ slots: 12 });
    registration.tell(MODEL, undefined);
    expect(registration.capacity(MODEL)).toBeUndefined();
    expect(registration.takers(MODEL)).toBe(1);
  });

  it("don't count a pool that stops among those that take calls, while it still lives", async () => {
    const [one, two] = [startProcess(), startProcess()];
    two.registration.tell(MODEL, { slots: 8 });
    await two.beat();
    await one.beat();
    expect(one.registration.takers(MODEL)).toBe(2);
    two.registration.tell(MODEL, undefined);
    await two.beat();
    await one.beat();
    expect(one.registration.takers(MODEL)).toBe(1);
    expect((await liveProcesses(redis)).length).toBe(2);
  });

  it("count one out that has missed three beats", async () => {
    const { registration, beat } = startProcess();
    await putHeartbeat("late", 4_500);
    await beat();
    expect(registration.takers(MODEL)).toBe(2);
    await putHeartbeat("late", 6_500);
    await beat();
    expect(registration.takers(MODEL)).toBe(1);
  });

  it("count nobody out right after an outage, when everybody's last beat is old", async () => {
    const { registration, beat } = startProcess();
    await putHeartbeat("other", 0);
    await beat();
    expect(registration.takers(MODEL)).toBe(2);
    await putHeartbeat("other", 12_000);
    await beat(12_000);
    expect(registration.takers(MODEL)).toBe(2);
    await beat();
    expect(registration.takers(MODEL)).toBe(1);
  });

  it("keep what they heard last while Redis fails", async () => {
    const { registration, beat } = startProcess();
    await putHeartbeat("other", 0);
    await beat();
    await redis.del(fleetKeys.processes);
    await redis.set(fleetKeys.processes, "not a hash");
    await beat();
    expect(registration.takers(MODEL)).toBe(2);
    await redis.del(fleetKeys.processes);
  });
});
