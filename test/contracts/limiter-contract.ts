// What every limiter must do, whatever keeps its state. Rates are in requests or tokens per minute; 6,000 are 100 a second, and the burst is
// half a second of that: 50.

import { randomBytes } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import type { Limits, ModelSpec, ProviderKind, ProviderSpec } from "../../src/job/model.ts";
import { modelId, type ModelId } from "../../src/job/names.ts";
import { NO_USAGE, type Usage } from "../../src/job/usage.ts";
import type { CallEnd, Limiter, PermitReply, PermitRequest, Refusal } from "../../src/limits/limiter.ts";

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
    capabilities: { jsonSchema: true, images: true, tools: true },
    barredFor: {},
  };
}

const never = new AbortController().signal;
const LEASE_MS = 60_000;
const WAIT = 30_000;
/** A reading that changes nothing, but shows that the vendor tells its limits. */
const NO_WORD = [{ dimension: "otpm", remaining: 1_000_000 }] as const;

export function limiterContract(where: string, suite: LimiterSuite): void {
  const limiters: Limiter[] = [];
  let calls = 0;

  /** Fresh names each time: the suites may share a server. */
  const start = ({
    kind = "openai",
    account = {},
    limits = {},
    shared,
    processes = 1,
  }: {
    kind?: ProviderKind;
    account?: Limits;
    limits?: Limits;
    shared?: Limits;
    processes?: number;
  }) => {
    const provider = `p${randomBytes(6).toString("hex")}`;
    const models = [modelWith(provider, "large", limits), modelWith(provider, "small", {}), modelWith(provider, "third", {})];
    const [large, small, third] = models.map(({ id }) => id) as [ModelId, ModelId, ModelId];
    const sharedLimits = shared ? [{ models: [large, small], limits: shared }] : [];
    const created = suite.create({ name: provider, kind, apiKey: "k", limits: account, sharedLimits, models }, processes);
    limiters.push(...created);
    return {
      model: large,
      other: small,
      third,
      limiter: created[0] as Limiter,
      second: created.at(-1) as Limiter,
    };
  };

  const ask = (model: ModelId, changes: Partial<PermitRequest> = {}): PermitRequest => ({
    call: `b.${calls++}.0.0.1`,
    model,
    inputTokens: 0,
    // Four characters a token, as OpenAI reckons.
    inputCharacters: 4 * (changes.inputTokens ?? 0),
    outputTokens: 0,
    leaseMs: LEASE_MS,
    ...changes,
  });

  const answered = ({ call, model }: PermitRequest, usage?: Usage): CallEnd => ({
    call,
    model,
    ending: "answered",
    ...(usage ? { usage } : {}),
  });

  /** A call that the vendor refuses. */
  const refuse = async (limiter: Limiter, model: ModelId, refusal: Refusal, readings: CallEnd["readings"] = []) => {
    const request = ask(model);
    await acquire(limiter, request, WAIT);
    await eventually(limiter.settle({ call: request.call, model, ending: "failed", refusal, readings }));
  };

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
      expect(reply.kind === "wait" && reply.waitMs).toBeLessThanOrEqual(1_020);
    });

    it("counts tokens: OpenAI's up front, the larger of its characters and max_tokens", async () => {
      const { limiter, model } = start({ limits: { tpm: 60_000 } });
      const { granted, tookMs } = await acquireMany(limiter, model, 20, { inputTokens: 50, outputTokens: 10, maxOutputTokens: 100 });
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

    it("shares a limit among processes that all want more of it", async () => {
      const { limiter, second, model } = start({ limits: { rpm: 12_000 }, processes: 2 });
      const startedAt = suite.now();
      const grants = [0, 0];
      const run = async (each: Limiter, i: number) => {
        while (suite.now() - startedAt < 2_000) {
          const { kind } = await each.acquire(ask(model), { patienceMs: 500, signal: never });
          if (kind === "granted") grants[i] = (grants[i] ?? 0) + 1;
        }
      };
      await eventually(Promise.all([limiter, second].flatMap((each, i) => Array.from({ length: 30 }, () => run(each, i)))));
      const [a = 0, b = 0] = grants;
      expect(Math.min(a, b)).toBeGreaterThan((a + b) / 4);
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
      await eventually(limiter.settle(answered(a)));
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
      await eventually(limiter.settle(answered(first, { ...NO_USAGE, inputTokens: 60, cachedInputTokens: 60 })));
      expect((await acquire(limiter, ask(model, { inputTokens: 50 }))).kind).toBe("granted");
    });

    it("does not give back what OpenAI keeps: the reservation of max_tokens", async () => {
      const { limiter, model } = start({ limits: { tpm: 6_000 } });
      const first = ask(model, { inputTokens: 10, maxOutputTokens: 100 });
      expect((await acquire(limiter, first)).kind).toBe("granted");
      await eventually(limiter.settle(answered(first, { ...NO_USAGE, inputTokens: 10, outputTokens: 1 })));
      const reply = await acquire(limiter, ask(model, { inputTokens: 10, maxOutputTokens: 40 }));
      expect(reply.kind === "wait" && reply.waitMs).toBeGreaterThan(400);
    });

    it("notices a call that was granted before and never ended", async () => {
      const { limiter, second, model } = start({ limits: { concurrency: 1 }, processes: 2 });
      const call = ask(model, { inputTokens: 7, outputTokens: 3 });
      const startedAt = suite.now();
      const first = await acquire(limiter, call);
      expect(first).toEqual({ kind: "granted", permit: expect.any(String) });
      const again = await acquire(second, call);
      expect(again).toMatchObject({
        kind: "granted",
        cutOff: { permit: first.kind === "granted" && first.permit, inputTokens: 7, outputTokens: 3 },
      });
      expect(again.kind === "granted" && Math.abs((again.cutOff?.startedAt ?? 0) - startedAt)).toBeLessThan(5_000);
      // The process thought dead comes back late: it must not end the other's permit.
      await eventually(limiter.settle(answered(call)));
      expect((await acquire(limiter, ask(model))).kind).toBe("wait");
      await eventually(second.settle(answered(call)));
      expect(await acquire(limiter, call)).toEqual({ kind: "granted", permit: expect.any(String) });
    });

    it.each(["open", "run out"] as const)(
      "takes a grant away whose lease is %s, and tells of it once, where the call isn't to be made again",
      async (how) => {
        const { limiter, second, model } = start({ limits: { concurrency: 1 }, processes: 2 });
        const lost = ask(model, { leaseMs: how === "open" ? 60_000 : 100, inputTokens: 7, outputTokens: 5 });
        const first = await acquire(limiter, lost);
        if (how === "run out") await suite.pass(150);
        expect(await second.reclaim(lost)).toMatchObject({
          permit: first.kind === "granted" && first.permit,
          inputTokens: 7,
          outputTokens: 5,
        });
        expect(await second.reclaim(lost)).toBeUndefined();
        expect((await acquire(second, ask(model), WAIT)).kind).toBe("granted");
        // Who was thought dead comes back late.
        await eventually(limiter.settle(answered(lost)));
        expect((await acquire(limiter, ask(model))).kind).toBe("wait");
      },
    );

    it("frees the place of a lease that ran out, and still knows the call when it is asked again", async () => {
      const { limiter, second, model } = start({ limits: { concurrency: 1 }, processes: 2 });
      const lost = ask(model, { leaseMs: 100, outputTokens: 5 });
      expect((await acquire(limiter, lost)).kind).toBe("granted");
      const next = ask(model);
      expect((await acquire(second, next, WAIT)).kind).toBe("granted");
      await eventually(second.settle(answered(next)));
      expect(await acquire(second, lost)).toMatchObject({ kind: "granted", cutOff: { outputTokens: 5 } });
      await eventually(second.settle(answered(lost)));
      expect(await acquire(second, lost)).toEqual({ kind: "granted", permit: expect.any(String) });
    });

    it("takes a call that ended after its lease ran out for ended", async () => {
      const { limiter, model } = start({});
      const slow = ask(model, { leaseMs: 50 });
      await acquire(limiter, slow);
      await suite.pass(100);
      await acquire(limiter, ask(model));
      await eventually(limiter.settle(answered(slow)));
      expect(await acquire(limiter, slow)).toEqual({ kind: "granted", permit: expect.any(String) });
    });

    it("holds a model for every process until the vendor's time is over, and no other model", async () => {
      const { limiter, second, model, other } = start({ processes: 2 });
      const [first, later] = [ask(model), ask(model)];
      await acquire(limiter, first);
      await acquire(limiter, later);
      for (const [{ call }, waitMs] of [
        [first, 60_000],
        [later, 10],
      ] as const) {
        await eventually(limiter.settle({ call, model, ending: "failed", refusal: { waitMs, kind: "limit" }, readings: NO_WORD }));
      }
      const reply = await acquire(second, ask(model), 2_000);
      expect(reply).toMatchObject({ kind: "wait", reason: `${model} is held, the vendor asked for it` });
      expect(reply.kind === "wait" && reply.waitMs).toBeGreaterThan(50_000);
      expect((await acquire(second, ask(other))).kind).toBe("granted");
    });

    it("grants again when a hold is over", async () => {
      const { limiter, model } = start({});
      await refuse(limiter, model, { waitMs: 200, kind: "limit" }, NO_WORD);
      const startedAt = suite.now();
      expect((await acquire(limiter, ask(model), WAIT)).kind).toBe("granted");
      expect(suite.now() - startedAt).toBeGreaterThanOrEqual(150);
    });

    it("lowers a bucket to what the vendor has left", async () => {
      const { limiter, model } = start({ kind: "anthropic", limits: { rpm: 600, itpm: 60_000 } });
      const first = ask(model);
      await acquire(limiter, first);
      await eventually(
        limiter.settle({
          ...answered(first, NO_USAGE),
          readings: [
            { dimension: "itpm", remaining: 10_000 },
            { dimension: "otpm", remaining: 0 },
          ],
        }),
      );
      expect((await acquire(limiter, ask(model, { inputTokens: 100 }))).kind).toBe("granted");
      const second = ask(model);
      await acquire(limiter, second);
      await eventually(limiter.settle({ ...answered(second, NO_USAGE), readings: [{ dimension: "itpm", remaining: 0 }] }));
      const reply = await acquire(limiter, ask(model, { inputTokens: 400 }));
      expect(reply.kind === "wait" && reply.waitMs).toBeGreaterThan(300);
    });

    it("keeps to the vendor's limit where it is below the configured one, until the vendor says otherwise", async () => {
      const { limiter, model } = start({ limits: { rpm: 60_000 } });
      const word = async (limit: number) => {
        const request = ask(model);
        await acquire(limiter, request, WAIT);
        await eventually(limiter.settle({ ...answered(request), readings: [{ dimension: "rpm", limit, remaining: limit }] }));
      };
      await word(600);
      await acquireMany(limiter, model, 5);
      const slow = await acquireMany(limiter, model, 10, { patienceMs: WAIT });
      expect(slow.tookMs).toBeGreaterThan(400);
      await word(60_000);
      await suite.pass(600);
      expect((await acquireMany(limiter, model, 100)).granted).toBe(100);
    });

    it("holds models to the limits that they share, and leaves others alone", async () => {
      const { limiter, model, other, third } = start({ shared: { rpm: 6_000 } });
      const [a, b] = [await acquireMany(limiter, model, 40), await acquireMany(limiter, other, 40)];
      expect(a.granted + b.granted).toBeGreaterThanOrEqual(50);
      expect(a.granted + b.granted).toBeLessThanOrEqual(51 + (a.tookMs + b.tookMs) / 10);
      expect((await acquireMany(limiter, third, 100)).granted).toBe(100);
    });

    it("counts the calls in flight of models that share a limit together", async () => {
      const { limiter, model, other } = start({ shared: { concurrency: 1 } });
      const first = ask(model);
      expect((await acquire(limiter, first)).kind).toBe("granted");
      expect((await acquire(limiter, ask(other))).kind).toBe("wait");
      await eventually(limiter.settle(answered(first)));
      expect((await acquire(limiter, ask(other))).kind).toBe("granted");
    });

    it("grants a day's requests and then asks for patience until the next one has grown", async () => {
      const { limiter, model } = start({ limits: { rpd: 20 } });
      expect((await acquireMany(limiter, model, 20)).granted).toBe(20);
      const reply = await acquire(limiter, ask(model), 2_000);
      expect(reply).toMatchObject({ kind: "wait", reason: `rpd limit of ${model}` });
      expect(reply.kind === "wait" && reply.waitMs).toBeGreaterThan(4_000_000);
    });

    it("has a burst that can be chosen", async () => {
      const { limiter, model } = start({ limits: { rpm: 6_000, burstMs: 2_000 } });
      const { granted, tookMs } = await acquireMany(limiter, model, 400);
      expect(granted).toBeGreaterThanOrEqual(200);
      expect(granted).toBeLessThanOrEqual(201 + tookMs / 10);
    });

    it("gives a refused call's tokens back, and its request only where refused calls don't count", async () => {
      const refused = { ending: "failed", refusal: { waitMs: 0, kind: "limit" }, readings: NO_WORD } as const;
      for (const [kind, outcome] of [
        ["openai", "wait"],
        ["anthropic", "granted"],
      ] as const) {
        const { limiter, model } = start({ kind, limits: { rpm: 60 }, account: { tpm: 60_000, itpm: 60_000 } });
        const first = ask(model, { inputTokens: 500 });
        await acquire(limiter, first);
        await eventually(limiter.settle({ call: first.call, model, ...refused }));
        expect((await acquire(limiter, ask(model, { inputTokens: 500 }))).kind).toBe(outcome);
      }
    });

    it("finds the pace of a vendor that says nothing of its limits: slower with each refusal, and faster again", async () => {
      const { limiter, model } = start({ limits: { rpm: 60_000 } });
      const flow = async (ms: number) => {
        const startedAt = suite.now();
        let calls = 0;
        while (suite.now() - startedAt < ms) {
          const request = ask(model);
          if ((await acquire(limiter, request, 50)).kind !== "granted") continue;
          calls++;
          await eventually(limiter.settle(answered(request)));
        }
        return calls / (suite.now() - startedAt);
      };
      const before = await flow(1_000);
      await refuse(limiter, model, { waitMs: 0, kind: "limit" });
      const after = await flow(500);
      expect(after).toBeLessThan(before);
      for (let i = 0; i < 4; i++) {
        // Calls that had their place in line before a refusal tell nothing new.
        await suite.pass(150);
        await refuse(limiter, model, { waitMs: 0, kind: "limit" });
      }
      const reply = await acquire(limiter, ask(model), 0);
      expect(reply).toMatchObject({ kind: "wait", reason: expect.stringMatching(/is held|learned from refusals/) });
      expect((await acquire(limiter, ask(model), WAIT)).kind).toBe("granted");
    });

    it("is not held longer and longer by refusals that overtake the answers of calls before them", async () => {
      const { limiter, model } = start({ limits: { rpm: 60_000 } });
      for (let i = 0; i < 7; i++) {
        const good = ask(model);
        expect((await acquire(limiter, good, WAIT)).kind).toBe("granted");
        await refuse(limiter, model, { waitMs: 0, kind: "limit" });
        await eventually(limiter.settle(answered(good)));
        await suite.pass(150);
      }
      const startedAt = suite.now();
      expect((await acquire(limiter, ask(model), WAIT)).kind).toBe("granted");
      // Held, if at all, as after two refusals. Seven that add up hold it for sixteen seconds.
      expect(suite.now() - startedAt).toBeLessThan(4_000);
    });

    it("goes at half its pace for a good while when the vendor asks to slow down", async () => {
      const { limiter, model, other } = start({});
      await acquireMany(limiter, model, 200);
      await suite.pass(1_000);
      await refuse(limiter, model, { waitMs: 0, kind: "slow-down" });
      const { tookMs } = await acquireMany(limiter, model, 100, { patienceMs: WAIT });
      expect(tookMs).toBeGreaterThan(250);
      expect((await acquireMany(limiter, other, 100)).granted).toBe(100);
    });

    it("does not crawl where its very first call is asked to slow down", async () => {
      const { limiter, model } = start({ limits: { rpm: 60_000 } });
      await refuse(limiter, model, { waitMs: 0, kind: "slow-down" });
      // A twentieth of the limit: fifty in a second. Half of what had gone out so far would be one in two.
      const { granted, tookMs } = await acquireMany(limiter, model, 50, { patienceMs: WAIT });
      expect(granted).toBe(50);
      expect(tookMs).toBeGreaterThan(500);
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
      await eventually(limiter.settle(answered(first)));
      tooLate.abort();
      if ((await underWay).kind === "granted") await eventually(limiter.settle(answered(late)));
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
