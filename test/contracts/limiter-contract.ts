// What every limiter must do, whatever keeps its state. Rates are in requests or tokens per minute; 6,000 are 100 a second, and the burst is
// half a second of that: 50.

import { randomBytes } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import type { Limits, ModelSpec, ProviderKind, ProviderSpec } from "../../src/job/model.ts";
import { modelId, type ModelId } from "../../src/job/names.ts";
import { NO_USAGE } from "../../src/job/usage.ts";
import type { Limiter, PermitReply, PermitRequest } from "../../src/limits/limiter.ts";

export interface LimiterSuite {
  /** The limiters of several processes, sharing their state. */
  create(provider: ProviderSpec, processes: number): readonly Limiter[];
  now(): number;
  /** Lets time go by. */
  pass(ms: number): Promise<void>;
}

export function modelWith(provider: string, name: string, limits: Limits): ModelSpec {
  return {
    id: modelId(provider, name),
    provider,
    name,
    tier: "fast",
    limits,
    contextWindow: 100_000,
    maxOutputTokens: 8_000,
    capabilities: { jsonSchema: true },
  };
}

const never = new AbortController().signal;
const LEASE_MS = 60_000;
const WAIT = 30_000;

export function limiterContract(where: string, suite: LimiterSuite): void {
  const limiters: Limiter[] = [];
  let calls = 0;

  /** Fresh names each time: the suites may share a server. */
  const start = ({
    kind = "openai",
    account = {},
    limits = {},
    processes = 1,
  }: {
    kind?: ProviderKind;
    account?: Limits;
    limits?: Limits;
    processes?: number;
  }) => {
    const provider = `p${randomBytes(6).toString("hex")}`;
    const models = [modelWith(provider, "large", limits), modelWith(provider, "small", {})];
    const created = suite.create({ name: provider, kind, apiKey: "k", limits: account, models }, processes);
    limiters.push(...created);
    return {
      model: modelId(provider, "large"),
      other: modelId(provider, "small"),
      limiter: created[0] as Limiter,
      second: created.at(-1) as Limiter,
    };
  };

  const ask = (model: ModelId, changes: Partial<PermitRequest> = {}): PermitRequest => ({
    call: `b.${calls++}.0.0.1`,
    model,
    inputTokens: 0,
    outputTokens: 0,
    leaseMs: LEASE_MS,
    ...changes,
  });

  /** Lets time go by until the promise is settled. */
  const eventually = async <Value>(promise: Promise<Value>): Promise<Value> => {
    let isSettled = false;
    const settle = () => (isSettled = true);
    promise.then(settle, settle);
    while (!isSettled) await suite.pass(5);
    return promise;
  };

  const acquire = (limiter: Limiter, request: PermitRequest, patienceMs = 0, signal = never): Promise<PermitReply> =>
    eventually(limiter.acquire(request, { patienceMs, signal }));

  const acquireMany = async (
    limiter: Limiter,
    model: ModelId,
    count: number,
    options: Partial<PermitRequest> & { patienceMs?: number } = {},
  ) => {
    const { patienceMs = 0, ...changes } = options;
    const startedAt = suite.now();
    const replies = await eventually(
      Promise.all(Array.from({ length: count }, () => limiter.acquire(ask(model, changes), { patienceMs, signal: never }))),
    );
    return { granted: replies.filter(({ kind }) => kind === "granted").length, replies, tookMs: suite.now() - startedAt };
  };

  describe(`the limiter ${where}`, () => {
    afterEach(async () => {
      await eventually(Promise.all(limiters.splice(0).map((limiter) => limiter.stop())));
    });

    it("grants at once where nothing is limited", async () => {
      const { limiter, model } = start({});
      expect((await acquireMany(limiter, model, 300)).granted).toBe(300);
    });

    it("grants half a second's requests at once and no more", async () => {
      const { limiter, model } = start({ limits: { rpm: 6_000 } });
      const { granted, tookMs } = await acquireMany(limiter, model, 200);
      expect(granted).toBeGreaterThanOrEqual(50);
      expect(granted).toBeLessThanOrEqual(51 + tookMs / 10);
    });

    it("keeps to the rate over all processes while calls wait", async () => {
      const { limiter, second, model } = start({ limits: { rpm: 12_000 }, processes: 2 });
      const startedAt = suite.now();
      const runs = await eventually(Promise.all([limiter, second].map((each) => acquireMany(each, model, 150, { patienceMs: WAIT }))));
      expect(runs.map(({ granted }) => granted)).toEqual([150, 150]);
      expect(suite.now() - startedAt).toBeGreaterThanOrEqual((300 - 100 - 1) / 0.2);
    });

    it("tells a call whose turn is beyond its patience when to ask again, and doesn't keep it", async () => {
      const { limiter, model } = start({ limits: { rpm: 60 } });
      expect((await acquire(limiter, ask(model))).kind).toBe("granted");
      const reply = await acquire(limiter, ask(model), 100);
      expect(reply).toMatchObject({ kind: "wait", reason: `rpm limit of ${model}` });
      expect(reply.kind === "wait" && reply.waitMs).toBeGreaterThan(500);
      expect(reply.kind === "wait" && reply.waitMs).toBeLessThanOrEqual(1_000);
    });

    it("counts tokens: OpenAI's in and out together, up front, max_tokens where it is given", async () => {
      const { limiter, model } = start({ limits: { tpm: 60_000 } });
      const { granted, tookMs } = await acquireMany(limiter, model, 20, { inputTokens: 50, outputTokens: 10, maxOutputTokens: 50 });
      expect(granted).toBeGreaterThanOrEqual(5);
      expect(granted).toBeLessThanOrEqual(5 + tookMs / 100);
    });

    it("counts tokens: Anthropic's in and out apart, max_tokens not at all", async () => {
      const { limiter, model } = start({ kind: "anthropic", limits: { itpm: 600_000, otpm: 60_000 } });
      const { granted, tookMs } = await acquireMany(limiter, model, 20, { inputTokens: 50, outputTokens: 100, maxOutputTokens: 64_000 });
      expect(granted).toBeGreaterThanOrEqual(5);
      expect(granted).toBeLessThanOrEqual(5 + tookMs / 100);
    });

    it("takes from model and account together or from neither", async () => {
      const { limiter, model, other } = start({ account: { rpm: 600 }, limits: { tpm: 60 } });
      expect((await acquireMany(limiter, model, 1, { inputTokens: 600 })).granted).toBe(1);
      // Refused by the model's own tokens: the account's requests must still be there.
      expect((await acquireMany(limiter, model, 50, { inputTokens: 600 })).granted).toBe(0);
      expect((await acquireMany(limiter, other, 4)).granted).toBe(4);
    });

    it("holds all models of an account to the account's limits", async () => {
      const { limiter, model, other } = start({ account: { rpm: 6_000 } });
      const [a, b] = [await acquireMany(limiter, model, 40), await acquireMany(limiter, other, 40)];
      expect(a.granted + b.granted).toBeGreaterThanOrEqual(50);
      expect(a.granted + b.granted).toBeLessThanOrEqual(51 + (a.tookMs + b.tookMs) / 10);
    });

    it("grants a call larger than the burst, and lets the others wait for what it took", async () => {
      const { limiter, model } = start({ limits: { tpm: 60_000 } });
      expect((await acquire(limiter, ask(model, { inputTokens: 2_000 }))).kind).toBe("granted");
      const reply = await acquire(limiter, ask(model, { inputTokens: 500 }));
      expect(reply.kind === "wait" && reply.waitMs).toBeGreaterThan(1_000);
    });

    it("does not let the small calls of another process starve a large one", async () => {
      const { limiter, second, model } = start({ limits: { tpm: 60_000 }, processes: 2 });
      let isDone = false;
      const flood = (async () => {
        while (!isDone) await second.acquire(ask(model, { inputTokens: 5 }), { patienceMs: WAIT, signal: never });
      })();
      await acquireMany(second, model, 100, { inputTokens: 5, patienceMs: WAIT });
      const large = limiter.acquire(ask(model, { inputTokens: 600 }), { patienceMs: WAIT, signal: never });
      expect((await eventually(large)).kind).toBe("granted");
      isDone = true;
      await eventually(flood);
    });

    it("grants in order of asking", async () => {
      const { limiter, model } = start({ limits: { rpm: 6_000 } });
      const order: number[] = [];
      const all = Array.from({ length: 80 }, (_, i) =>
        limiter.acquire(ask(model), { patienceMs: WAIT, signal: never }).then(() => order.push(i)),
      );
      await eventually(Promise.all(all));
      expect(order).toEqual(order.toSorted((a, b) => a - b));
    });

    it("lets no more calls be in flight than the concurrency limit, and the next one in when one ends", async () => {
      const { limiter, second, model } = start({ limits: { concurrency: 2 }, processes: 2 });
      const [a, b, c, d] = [ask(model), ask(model), ask(model), ask(model)];
      expect((await acquire(limiter, a)).kind).toBe("granted");
      expect((await acquire(second, b)).kind).toBe("granted");
      expect(await acquire(limiter, ask(model))).toMatchObject({ kind: "wait", reason: expect.stringContaining("concurrency") });
      const waiting = limiter.acquire(c, { patienceMs: WAIT, signal: never });
      await eventually(limiter.settle(a));
      expect((await eventually(waiting)).kind).toBe("granted");
      const elsewhere = limiter.acquire(d, { patienceMs: WAIT, signal: never });
      await eventually(second.release(b));
      expect((await eventually(elsewhere)).kind).toBe("granted");
    });

    it("gives a released call's requests and tokens back", async () => {
      const { limiter, model } = start({ limits: { rpm: 60, tpm: 60_000 } });
      const first = ask(model, { inputTokens: 500 });
      expect((await acquire(limiter, first)).kind).toBe("granted");
      await eventually(limiter.release(first));
      await eventually(limiter.release(first));
      expect((await acquire(limiter, ask(model, { inputTokens: 500 }))).kind).toBe("granted");
      expect((await acquire(limiter, ask(model, { inputTokens: 500 }))).kind).toBe("wait");
    });

    it("corrects the charge to what the call used", async () => {
      const { limiter, model } = start({ kind: "anthropic", limits: { itpm: 6_000 } });
      const first = ask(model, { inputTokens: 50 });
      expect((await acquire(limiter, first)).kind).toBe("granted");
      expect((await acquire(limiter, ask(model, { inputTokens: 50 }))).kind).toBe("wait");
      await eventually(limiter.settle({ ...first, usage: { ...NO_USAGE, inputTokens: 60, cachedInputTokens: 60 } }));
      expect((await acquire(limiter, ask(model, { inputTokens: 50 }))).kind).toBe("granted");
    });

    it("does not give back what OpenAI keeps: the reservation of max_tokens", async () => {
      const { limiter, model } = start({ limits: { tpm: 6_000 } });
      const first = ask(model, { inputTokens: 10, maxOutputTokens: 90 });
      expect((await acquire(limiter, first)).kind).toBe("granted");
      await eventually(limiter.settle({ ...first, usage: { ...NO_USAGE, inputTokens: 10, outputTokens: 1 } }));
      const reply = await acquire(limiter, ask(model, { inputTokens: 10, maxOutputTokens: 40 }));
      expect(reply.kind === "wait" && reply.waitMs).toBeGreaterThan(400);
    });

    it("notices a call that was granted before and never ended", async () => {
      const { limiter, second, model } = start({ limits: { concurrency: 1 }, processes: 2 });
      const call = ask(model, { inputTokens: 7, outputTokens: 3 });
      const startedAt = suite.now();
      expect(await acquire(limiter, call)).toEqual({ kind: "granted" });
      const again = await acquire(second, call);
      expect(again).toMatchObject({ kind: "granted", cutOff: { inputTokens: 7, outputTokens: 3 } });
      expect(again.kind === "granted" && Math.abs((again.cutOff?.startedAt ?? 0) - startedAt)).toBeLessThan(5_000);
      // The process thought dead comes back late: it must not end the other's permit.
      await eventually(limiter.settle(call));
      expect((await acquire(limiter, ask(model))).kind).toBe("wait");
      await eventually(second.settle(call));
      expect(await acquire(limiter, call)).toEqual({ kind: "granted" });
    });

    it("frees the place of a lease that ran out, and still knows the call when it is asked again", async () => {
      const { limiter, second, model } = start({ limits: { concurrency: 1 }, processes: 2 });
      const lost = ask(model, { leaseMs: 100, outputTokens: 5 });
      expect((await acquire(limiter, lost)).kind).toBe("granted");
      const next = ask(model);
      expect((await acquire(second, next, WAIT)).kind).toBe("granted");
      await eventually(second.settle(next));
      expect(await acquire(second, lost)).toMatchObject({ kind: "granted", cutOff: { outputTokens: 5 } });
      await eventually(second.settle(lost));
      expect(await acquire(second, lost)).toEqual({ kind: "granted" });
    });

    it("takes a call that ended after its lease ran out for ended", async () => {
      const { limiter, model } = start({});
      const slow = ask(model, { leaseMs: 50 });
      await acquire(limiter, slow);
      await suite.pass(100);
      await acquire(limiter, ask(model));
      await eventually(limiter.settle(slow));
      expect(await acquire(limiter, slow)).toEqual({ kind: "granted" });
    });

    it("holds a model for every process until the vendor's time is over, and no other model", async () => {
      const { limiter, second, model, other } = start({ processes: 2 });
      await eventually(limiter.hold(model, 60_000));
      await eventually(limiter.hold(model, 10));
      const reply = await acquire(second, ask(model), 2_000);
      expect(reply).toMatchObject({ kind: "wait", reason: `${model} is held, the vendor asked for it` });
      expect(reply.kind === "wait" && reply.waitMs).toBeGreaterThan(50_000);
      expect((await acquire(second, ask(other))).kind).toBe("granted");
    });

    it("grants again when a hold is over", async () => {
      const { limiter, model } = start({});
      await eventually(limiter.hold(model, 200));
      const startedAt = suite.now();
      expect((await acquire(limiter, ask(model), WAIT)).kind).toBe("granted");
      expect(suite.now() - startedAt).toBeGreaterThanOrEqual(150);
    });

    it("lowers a bucket to what the vendor says is left, and never raises it", async () => {
      const { limiter, model } = start({ limits: { rpm: 600 } });
      await eventually(limiter.observe(model, [{ dimension: "rpm", remaining: 1_000 }]));
      await eventually(
        limiter.observe(model, [
          { dimension: "rpm", remaining: 0 },
          { dimension: "tpm", remaining: 0 },
        ]),
      );
      const reply = await acquire(limiter, ask(model));
      expect(reply.kind === "wait" && reply.waitMs).toBeLessThanOrEqual(100);
    });

    it("answers `wait` at once when the asker gives up, and keeps nothing for it", async () => {
      const { limiter, model } = start({ limits: { concurrency: 1 } });
      const first = ask(model);
      await acquire(limiter, first);
      const gaveUp = new AbortController();
      const waiting = limiter.acquire(ask(model), { patienceMs: WAIT, signal: gaveUp.signal });
      await suite.pass(20);
      gaveUp.abort();
      expect((await waiting).kind).toBe("wait");
      const tooLate = new AbortController();
      const late = ask(model);
      const underWay = limiter.acquire(late, { patienceMs: WAIT, signal: tooLate.signal });
      await eventually(limiter.settle(first));
      tooLate.abort();
      if ((await underWay).kind === "granted") await eventually(limiter.settle(late));
      expect((await acquire(limiter, ask(model), WAIT)).kind).toBe("granted");
    });

    it("answers its waiters with `wait` when it stops", async () => {
      const { limiter, model } = start({ limits: { concurrency: 1 } });
      await acquire(limiter, ask(model));
      const waiting = limiter.acquire(ask(model), { patienceMs: WAIT, signal: never });
      await suite.pass(20);
      await eventually(limiter.stop());
      expect((await waiting).kind).toBe("wait");
      expect((await acquire(limiter, ask(model))).kind).toBe("wait");
    });

    it("names a model that it doesn't know", async () => {
      const { limiter } = start({});
      await expect(acquire(limiter, ask("nobody/nothing"))).rejects.toThrow('knows no model "nobody/nothing"');
    });
  });
}
