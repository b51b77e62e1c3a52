import { expect, it } from "vitest";
import { attempt, type Call, type Stages } from "../../src/attempt/attempt.ts";
import type { CallEnding } from "../../src/breaker/breaker.ts";
import type { ModelSpec } from "../../src/job/model.ts";
import type { Answer } from "../../src/job/outcome.ts";
import { NO_USAGE } from "../../src/job/usage.ts";
import { systemClock } from "../../src/runtime/clock.ts";

const ANSWER: Answer = { text: "yes", finish: { unified: "stop", raw: "stop" } };
const USAGE = { ...NO_USAGE, inputTokens: 10, outputTokens: 5 };
const PRICE = { input: 1_000_000, cachedInput: 0, cacheWrite: 0, output: 2_000_000 };

/** Stages in which all goes well. */
function createStages(told: CallEnding[]): Stages {
  return {
    limiter: {
      acquire: () => Promise.resolve({ kind: "granted", permit: "p" }),
      settle: () => Promise.resolve(),
      release: () => Promise.resolve(),
      reclaim: () => Promise.resolve(undefined),
      stop: () => Promise.resolve(),
    },
    breaker: {
      state: () => ({ kind: "closed" }),
      admit: () => Promise.resolve({ kind: "call" }),
      report: (_model: string, ending: CallEnding) => void told.push(ending),
    } as unknown as Stages["breaker"],
    provider: {
      call: () => Promise.resolve({ outcome: { kind: "answered", answer: ANSWER }, usage: USAGE, limits: [], status: 200, billable: true }),
    } as unknown as Stages["provider"],
    watch: {
      clear: () => Promise.resolve(true),
      watch: ({ signal }) => ({ signal, brokenOff: () => undefined, ended: () => undefined }),
    },
    clock: systemClock,
  };
}

it("a paid answer whose check throws has used an attempt, is booked, and is no fault of its vendor's", async () => {
  const told: CallEnding[] = [];
  const call: Call = {
    id: "b.0.1.0.1",
    task: "t",
    model: { id: "p/m", provider: "p", name: "m", price: PRICE } as unknown as ModelSpec,
    purpose: "answer",
    request: { kind: "prompt", messages: [{ role: "user", content: "?" }] },
    tokens: { inputTokens: 10, highInputTokens: 10, inputCharacters: 40, outputTokens: 5, likelyOutputTokens: 5 },
    timeoutMs: 1_000,
    check: () => {
      throw new Error("out of stack");
    },
  };
  const made = await attempt(call, createStages(told), { signal: new AbortController().signal, onCutOff: () => Promise.resolve() });
  expect(made.outcome).toMatchObject({ kind: "transient", reason: expect.stringContaining("out of stack") });
  expect(made.entry).toMatchObject({ call: "b.0.1.0.1~p", usage: USAGE, costNanoUsd: 10 * 1_000 + 5 * 2_000 });
  expect(told).toMatchObject([{ ending: "ok" }]);
});
