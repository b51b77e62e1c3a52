// The rules of the permit books as properties, and the book in Redis held against the book in memory, step by step at the same times.

import type { Redis } from "ioredis";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ProviderSpec } from "../../src/job/model.ts";
import { NO_CHARGE } from "../../src/limits/charging.ts";
import { createMemoryBook } from "../../src/limits/memory-book.ts";
import { EARLY_MS, LATE_MS, type PermitAnswer, type PermitAsk, type PermitBook, type PermitReading } from "../../src/limits/permit-book.ts";
import { createRedisBook } from "../../src/limits/redis-book.ts";
import { providerKeys } from "../../src/runtime/keys.ts";
import { modelWith } from "../contracts/limiter-contract.ts";
import { startTestRedis, type TestRedis } from "../support/redis.ts";

const BURST_MS = 500;
const RPM = 1_200;
const TPM = 60_000;
const CONCURRENCY = 8;
const NAMES = ["large", "small"] as const;
const CALLS = 16;

type Event =
  | {
      readonly kind: "ask";
      readonly calls: readonly {
        readonly call: number;
        readonly model: (typeof NAMES)[number];
        readonly tokens: number;
        readonly patienceMs: number;
      }[];
    }
  | { readonly kind: "end"; readonly call: number; readonly how: "used" | "kept" | "unused"; readonly used: number }
  | {
      readonly kind: "refusal";
      readonly call: number;
      readonly model: (typeof NAMES)[number];
      readonly waitMs: number;
      readonly pace: "blind" | "slow-down" | undefined;
    }
  | { readonly kind: "reading"; readonly model: (typeof NAMES)[number]; readonly reading: Omit<PermitReading, "dimension"> }
  | { readonly kind: "redeem"; readonly count: number }
  | { readonly kind: "give-up" }
  | { readonly kind: "pass"; readonly ms: number };

const aCall = fc.record({
  call: fc.nat(CALLS - 1),
  model: fc.constantFrom(...NAMES),
  tokens: fc.oneof({ weight: 6, arbitrary: fc.nat(60) }, { weight: 1, arbitrary: fc.nat(1_500) }),
  patienceMs: fc.nat(1_000),
});
const anEvent: fc.Arbitrary<Event> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("ask" as const), calls: fc.array(aCall, { minLength: 1, maxLength: 4 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("end" as const),
      call: fc.nat(CALLS - 1),
      how: fc.constantFrom("used" as const, "kept" as const, "unused" as const),
      used: fc.nat(100),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("redeem" as const), count: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("give-up" as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("pass" as const),
      ms: fc.oneof({ weight: 6, arbitrary: fc.nat(50) }, { weight: 1, arbitrary: fc.nat(3_000) }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("refusal" as const),
      call: fc.nat(CALLS - 1),
      model: fc.constantFrom(...NAMES),
      waitMs: fc.nat(400),
      pace: fc.constantFrom("blind" as const, "slow-down" as const, undefined),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("reading" as const),
      model: fc.constantFrom(...NAMES),
      reading: fc.record(
        { levelMs: fc.integer({ min: -300, max: 500 }), takenMs: fc.nat(400), perMs: fc.constantFrom(0, 0.5, 0.001) },
        { requiredKeys: [] },
      ),
    }),
  },
);

function specOf(name: string): ProviderSpec {
  const models = [modelWith(name, "large", { tpm: TPM, concurrency: CONCURRENCY }), modelWith(name, "small", { rpm: 600 })];
  const sharedLimits = [{ models: models.map(({ id }) => id), limits: { rpm: RPM * 0.8, rpd: 5_000 } }];
  return { name, kind: "openai", apiKey: "k", limits: { rpm: RPM, tpm: TPM * 2, concurrency: CONCURRENCY + 2 }, sharedLimits, models };
}

/** Plays events against a book; a call is known by its number, each asking has a nonce of its own. */
function createPlayer(book: PermitBook, provider: ProviderSpec) {
  const nonces = new Map<number, string>();
  const tickets = new Map<string, PermitAsk>();
  let asked = 0;
  /** Tickets are kept by who asked; the fleet's crashes are those that never come back. */
  const ask = async (asks: readonly PermitAsk[]) => {
    const answers = await book.ask(asks);
    asks.forEach((each, i) => {
      const answer = answers[i];
      tickets.delete(each.call);
      if (answer?.kind === "ticket") tickets.set(each.call, { ...each, ticket: answer.ticket });
    });
    return { asks, answers };
  };
  const idOf = (name: string) => `${provider.name}/${name}` as const;
  return async (event: Event): Promise<{ asks: readonly PermitAsk[]; answers: readonly PermitAnswer[] }> => {
    switch (event.kind) {
      case "ask": {
        const asks = event.calls.map(({ call, model, tokens, patienceMs }): PermitAsk => {
          const nonce = `n${asked++}`;
          const charge = { ...NO_CHARGE, rpm: 1, tpm: tokens };
          // A call id belongs to one model.
          return {
            call: `${model}.${call}`,
            model: idOf(model),
            nonce,
            charge,
            inputTokens: tokens,
            outputTokens: 0,
            leaseMs: 2_500,
            patienceMs,
          };
        });
        return ask(asks);
      }
      case "redeem":
        return ask([...tickets.values()].slice(0, event.count));
      case "give-up": {
        const [given] = tickets.values();
        if (!given) break;
        tickets.delete(given.call);
        await book.end([
          {
            call: given.call,
            model: given.model,
            nonce: given.nonce,
            final: { kind: "unused" },
            refund: { charge: given.charge, ticket: given.ticket! },
          },
        ]);
        break;
      }
      case "end": {
        const used = { ...NO_CHARGE, rpm: 1, tpm: event.used };
        const final = event.how === "used" ? { kind: "used" as const, used } : { kind: event.how };
        const nonce = nonces.get(event.call);
        await book.end(
          NAMES.map((model) => ({
            call: `${model}.${event.call}`,
            model: idOf(model),
            final,
            isWelcome: event.used % 2 === 0,
            ...(nonce === undefined ? {} : { nonce }),
          })),
        );
        break;
      }
      case "refusal":
        await book.end([
          {
            call: `${event.model}.${event.call}`,
            model: idOf(event.model),
            final: { kind: "kept" },
            refusal: { waitMs: event.waitMs, ...(event.pace ? { pace: event.pace } : {}) },
          },
        ]);
        break;
      case "reading": {
        const reading = { dimension: event.model === "large" ? ("tpm" as const) : ("rpm" as const), ...event.reading };
        await book.end([{ call: "none", model: idOf(event.model), final: { kind: "unused" }, readings: [reading] }]);
        break;
      }
      case "pass":
    }
    return { asks: [], answers: [] };
  };
}

describe("a permit book", () => {
  it("lets no interleaving of processes take more than rate and burst, or more places than there are", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anEvent, { minLength: 30, maxLength: 100 }), async (events) => {
        let now = 1_000_000;
        const provider = specOf("p");
        const book = createMemoryBook({ provider, clock: { now: () => now, sleep: () => Promise.resolve() } });
        const play = createPlayer(book, provider);
        const grants: { at: number; model: string; tokens: number }[] = [];
        const leases = new Map<string, number>();
        for (const event of events) {
          if (event.kind === "pass") now += event.ms;
          // Without credits every grant is final, and can be held against the rate.
          const { asks, answers } = await play(event.kind === "end" ? { ...event, how: "kept" } : withoutRaise(event));
          if (event.kind === "end") for (const name of NAMES) leases.delete(`${name}.${event.call}`);
          if (event.kind === "refusal") leases.delete(`${event.model}.${event.call}`);
          asks.forEach((ask, i) => {
            if (answers[i]?.kind !== "granted") return;
            grants.push({ at: now, model: ask.model, tokens: ask.charge.tpm });
            leases.set(ask.call, now + ask.leaseMs);
          });
          for (const [call, until] of leases) if (until <= now) leases.delete(call);
          const large = [...leases.keys()].filter((call) => call.startsWith("large"));
          expect(large.length).toBeLessThanOrEqual(CONCURRENCY);
          expect(leases.size).toBeLessThanOrEqual(CONCURRENCY + 2);
        }
        for (const [from, first] of grants.entries()) {
          for (let to = from; to < grants.length; to++) {
            const window = grants.slice(from, to + 1);
            const lastedMs = (grants[to]?.at ?? 0) - first.at;
            const large = window.filter(({ model }) => model.endsWith("large"));
            // A ticket may be used a little late, or early by a hair: then it falls into a later window than it was given for.
            expect(window.length).toBeLessThanOrEqual((RPM / 60_000) * (lastedMs + LATE_MS + EARLY_MS + BURST_MS) + 0.01);
            const tokens = large.reduce((sum, grant) => sum + grant.tokens, 0);
            const largest = Math.max(0, ...large.map((grant) => grant.tokens));
            expect(tokens).toBeLessThanOrEqual(
              (TPM / 60_000) * (lastedMs + LATE_MS + EARLY_MS) + Math.max((TPM / 60_000) * BURST_MS, largest) + 0.01,
            );
          }
        }
      }),
      { numRuns: 150 },
    );
  });

  it("leaks no place: when all calls have ended, or their leases have run out, as many fit as at first", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anEvent, { minLength: 20, maxLength: 80 }), fc.boolean(), async (events, endsThem) => {
        let now = 1_000_000;
        const provider = specOf("p");
        const book = createMemoryBook({ provider, clock: { now: () => now, sleep: () => Promise.resolve() } });
        const play = createPlayer(book, provider);
        for (const event of events) {
          if (event.kind === "pass") now += event.ms;
          await play(withoutSlowing(event));
        }
        for (let call = 0; endsThem && call < CALLS; call++) await play({ kind: "end", call, how: "unused", used: 0 });
        now += 200_000;
        const { answers } = await play({
          kind: "ask",
          calls: Array.from({ length: CALLS }, (_, call) => ({ call, model: "large", tokens: 1, patienceMs: 0 })),
        });
        expect(answers.filter(({ kind }) => kind === "granted")).toHaveLength(CONCURRENCY);
      }),
      { numRuns: 150 },
    );
  });

  it("grants the same ask once, however often it is sent", async () => {
    const provider = specOf("p");
    const book = createMemoryBook({ provider, clock: { now: () => 1_000_000, sleep: () => Promise.resolve() } });
    const ask: PermitAsk = {
      call: "c",
      model: "p/large",
      nonce: "n",
      charge: { ...NO_CHARGE, tpm: 400 },
      inputTokens: 400,
      outputTokens: 0,
      leaseMs: 1,
      patienceMs: 0,
    };
    expect(await book.ask([ask, ask])).toEqual([{ kind: "granted" }, { kind: "granted" }]);
    expect(await book.ask([{ ...ask, call: "d", nonce: "m", charge: { ...NO_CHARGE, tpm: 100 } }])).toEqual([{ kind: "granted" }]);
  });
});

describe("the permit book in Redis", () => {
  let server: TestRedis;
  beforeAll(async () => {
    server = await startTestRedis();
  });
  afterAll(() => server.stop());

  it("answers as the one in memory does, whatever happens", async () => {
    const redis = server.client();
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(anEvent, { minLength: 20, maxLength: 80 }), async (events) => {
        let now = 1_000_000;
        const provider = specOf(`p${process.pid}x${runs++}`);
        const inMemory = createPlayer(createMemoryBook({ provider, clock: { now: () => now, sleep: () => Promise.resolve() } }), provider);
        const inRedis = createPlayer(createRedisBook({ redis: atTime(redis, () => now), provider }), provider);
        let isPaced = false;
        for (const event of events) {
          if (event.kind === "pass") now += event.ms;
          const [expected, actual] = [await inMemory(event), await inRedis(event)];
          // A pace is no round number: of two waits that are the same, either may come out longer by a hair.
          isPaced ||= event.kind === "refusal" && event.pace !== undefined;
          const isSame = isPaced ? isAlike : isEqual;
          const others = expected.answers.filter((answer, i) => !isSame(actual.answers[i], answer));
          expect(others, JSON.stringify([expected.answers, actual.answers])).toEqual([]);
        }
        await redis.del(...Object.values(providerKeys(provider.name)));
      }),
      { numRuns: 120 },
    );
  });
});

/** The vendor's word that it has taken less than was charged. */
function withoutRaise(event: Event): Event {
  if (event.kind !== "reading") return event;
  const { takenMs: _raise, ...reading } = event.reading;
  return { ...event, reading };
}

/** Nothing that would slow the calls down for long. */
function withoutSlowing(event: Event): Event {
  if (event.kind === "refusal") return { ...event, pace: undefined };
  return event.kind === "reading" ? { ...event, reading: {} } : event;
}

/** Times to the millisecond: Redis keeps them with four decimals and answers whole ones. */
function comparable(answer: PermitAnswer): unknown {
  if (answer.kind === "granted") return answer;
  const waitMs = Math.ceil(answer.waitMs - 0.01);
  return answer.kind === "ticket" ? { kind: "ticket", waitMs } : { kind: answer.kind, waitMs, by: answer.by, scope: answer.scope };
}

function isEqual(actual: PermitAnswer | undefined, expected: PermitAnswer): boolean {
  return actual !== undefined && JSON.stringify(comparable(actual)) === JSON.stringify(comparable(expected));
}

function isAlike(actual: PermitAnswer | undefined, expected: PermitAnswer): boolean {
  if (expected.kind === "granted" || actual === undefined || actual.kind === "granted")
    return JSON.stringify(actual) === JSON.stringify(expected);
  return actual.kind === expected.kind && Math.abs(actual.waitMs - expected.waitMs) < 1.01 + expected.waitMs / 1_000;
}

/** The connection with the time of its scripts set by hand. */
function atTime(redis: Redis, now: () => number): Redis {
  const setTime = (lua: string) => lua.replace("redis.call('TIME')", `{ '${Math.floor(now() / 1000)}', '${(now() % 1000) * 1000}' }`);
  return {
    evalsha: () => Promise.reject(new Error("NOSCRIPT")),
    eval: (lua: string, count: number, ...rest: string[]) => redis.eval(setTime(lua), count, ...rest),
  } as unknown as Redis;
}
