import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { createQueueSet, type QueueSet } from "../../queues/queue-set.ts";
import type { Capacity } from "../../queues/fleet-registry.ts";
import type { BreakerState } from "../../src/breaker/breaker.ts";
import type { ModelSpec } from "../../src/job/model.ts";
import type { ModelId } from "../../src/job/names.ts";
import { NO_STATS } from "../../src/routing/model-stats.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { modelQueue } from "../../src/runtime/keys.ts";
import { createModelView, type LiveModelView } from "../../workers/model-view.ts";
import { modelSpec } from "../routing/specs.ts";
import { startTestRedis, type TestRedis } from "../support/redis.ts";

let redis: TestRedis;
let queues: QueueSet;
const views: LiveModelView[] = [];
beforeAll(async () => {
  redis = await startTestRedis();
  queues = createQueueSet(redis.client());
});
afterEach(() => Promise.all(views.splice(0).map((view) => view.stop())));
afterAll(async () => {
  await queues.stop();
  await redis.stop();
});

let names = 0;
const CLOSED: BreakerState = { kind: "closed" };

interface World {
  readonly limits?: ModelSpec["limits"];
  readonly waiting?: number;
  readonly state?: BreakerState;
  readonly capacity?: Capacity;
  readonly isDemoted?: (task: string, id: ModelId) => boolean;
}

/** A view of one model, whose queue has been read with so many calls in it. */
async function viewOf({ limits = { rpm: 600 }, waiting = 0, state = CLOSED, capacity, isDemoted }: World) {
  const model = modelSpec(`p/m${names++}`, { limits });
  const queue = queues.queue(modelQueue(model.id));
  if (waiting > 0) await queue.addBulk(Array.from({ length: waiting }, (_, i) => ({ name: "call", data: { i } })));
  const view = createModelView({
    models: new Map([[model.id, model]]),
    queues,
    breaker: { state: () => state },
    peers: { capacity: () => capacity },
    stats: { of: (task) => ({ ...NO_STATS, calls: task.length }) },
    ...(isDemoted ? { isDemoted } : {}),
    clock: systemClock,
  });
  views.push(view);
  const read = async () => {
    view.availability(model.id);
    await view.changed();
    await view.changed();
  };
  await read();
  return { view, model, queue, read };
}

describe("the expected wait for a model", () => {
  it("is nothing while nothing lies before its pools", async () => {
    const { view, model } = await viewOf({});
    expect(view.expectedWaitMs(model.id)).toBe(0);
    expect(view.availability(model.id)).toEqual({ kind: "available" });
  });

  it("is the backlog by the rate that its limits allow, or that the pools say the whole fleet is allowed", async () => {
    const own = await viewOf({ limits: { rpm: 600 }, waiting: 40 });
    // Ten a second; nobody takes any, so that the pace seen is lower.
    expect(own.view.expectedWaitMs(own.model.id)).toBeGreaterThanOrEqual(4_000);
    expect(own.view.expectedWaitMs(own.model.id)).toBeLessThan(8_000);
    const told = await viewOf({ limits: { rpm: 600 }, waiting: 40, capacity: { slots: 4, callsPerSecond: 40 } });
    expect(told.view.expectedWaitMs(told.model.id)).toBeLessThan(own.view.expectedWaitMs(own.model.id) / 2);
  });

  it("grows while calls lie there and nobody takes them, whatever the limits allow", async () => {
    const { view, model, read } = await viewOf({ limits: { rpm: 60_000 }, waiting: 20 });
    const before = view.expectedWaitMs(model.id);
    for (let i = 0; i < 10; i++) await read();
    expect(view.expectedWaitMs(model.id)).toBeGreaterThan(before * 1.2);
  });

  it("counts what this process has just added, until it is read", async () => {
    const { view, model } = await viewOf({ limits: { rpm: 60 } });
    view.added(model.id, 5);
    expect(view.expectedWaitMs(model.id)).toBe(5_000);
  });

  it("lasts until the breaker lets calls through, or the vendor takes them again", async () => {
    const open = await viewOf({ state: { kind: "open", reason: "quota", openUntil: systemClock.now() + 60_000, openings: 1 } });
    expect(open.view.expectedWaitMs(open.model.id)).toBeGreaterThan(30_000);
    expect(open.view.availability(open.model.id)).toMatchObject({ kind: "unavailable", reason: "breaker open: quota" });
    const parked = await viewOf({});
    await parked.queue.rateLimit(40_000);
    await parked.read();
    expect(parked.view.expectedWaitMs(parked.model.id)).toBeGreaterThan(20_000);
    expect(parked.view.availability(parked.model.id)).toMatchObject({ kind: "unavailable" });
  });

  it("can't be told of a model that isn't configured, nor before its queue was read", async () => {
    const { view } = await viewOf({});
    expect(view.expectedWaitMs("no/body")).toBe(Number.POSITIVE_INFINITY);
  });

  it("follows a queue that is emptied", async () => {
    const { view, model, queue } = await viewOf({ waiting: 30 });
    expect(view.expectedWaitMs(model.id)).toBeGreaterThan(1_000);
    await queue.drain();
    await vi.waitFor(() => expect(view.expectedWaitMs(model.id)).toBe(0), { timeout: 5_000 });
  });
});

describe("the view of the models", () => {
  it("passes on what the statistics and the drift watch say", async () => {
    const { view, model } = await viewOf({ isDemoted: (task, id) => task === "sort" && id.startsWith("p/") });
    expect(view.stats("sort", model.id).calls).toBe(4);
    expect(view.isDemoted("sort", model.id)).toBe(true);
    expect(view.isDemoted("count", model.id)).toBe(false);
    const plain = await viewOf({});
    expect(plain.view.isDemoted("sort", plain.model.id)).toBe(false);
  });
});
