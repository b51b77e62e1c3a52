// Every state that one row can come to, with faults anywhere, against the guarantees: no row lost, one result, few extra calls, nothing left behind.

import { describe, expect, it } from "vitest";
import { explore } from "./explore.ts";
import { AS_BUILT, handOffModel, type Fault, type Protocol, type Scenario } from "./hand-off-model.ts";
import * as rules from "./row-rules.ts";

const TIMEOUT_MS = 120_000;
const WORKER_FAULTS: readonly Fault[] = ["crash", "lost lock", "late claim", "lost reply"];
const ALL_FAULTS: readonly Fault[] = [...WORKER_FAULTS, "producer crash"];

/** The first model can't, the second can. */
const rerouted: Scenario = { models: { A: ["unfit"], B: ["good"] }, width: 1, maxFaults: 3, faults: WORKER_FAULTS, rounds: 1 };
/** Calls end anyhow, and not the same way twice. */
const anyEnding: Scenario = { ...rerouted, models: { A: ["unfit", "good", "invalid"], B: ["unfit", "good"] }, maxFaults: 2 };
/** Two calls that must agree, then a fallback. */
const sideBySide: Scenario = {
  ...anyEnding,
  models: { A: ["unfit", "good"], B: ["unfit", "good"], C: ["unfit", "good"] },
  width: 2,
  maxFaults: 1,
};
/** A row that ends in an error is retried once. */
const retried: Scenario = { ...rerouted, models: { A: ["unfit", "invalid"] }, rounds: 2, maxFaults: 1 };

/** What breaks in the scenario, if anything; the calls allowed are what it costs at most without faults, and one for each fault. */
function brokenBy(protocol: Protocol, scenario: Scenario) {
  let maxCalls = 0;
  const faultless = handOffModel(protocol, { ...scenario, maxFaults: 0 });
  const calm = explore(faultless, (state) => (maxCalls = Math.max(maxCalls, state.calls)));
  const { states, violation } = calm.violation ? calm : explore(handOffModel(protocol, scenario, maxCalls));
  if (!violation) console.log(`${states} states, up to ${scenario.maxFaults} of: ${scenario.faults.join(", ")}`);
  return violation;
}

const acceptsAll: typeof rules.record = (row) => ({ recorded: true, row: { ...row, kind: "done" } });

describe("the hand-off protocol as it is built", () => {
  it(
    "loses no row, doubles no result and costs one call a fault, whatever three faults hit its workers",
    () => {
      expect(brokenBy(AS_BUILT, rerouted)).toBeUndefined();
    },
    TIMEOUT_MS,
  );

  it(
    "withstands a producer that crashes and is started again",
    () => {
      expect(brokenBy(AS_BUILT, { ...rerouted, maxFaults: 2, faults: ["producer crash", "crash", "lost lock"] })).toBeUndefined();
    },
    TIMEOUT_MS,
  );

  it(
    "finds a row whose queue job was deleted by hand, and no other",
    () => {
      expect(brokenBy(AS_BUILT, { ...rerouted, maxFaults: 1, faults: [...ALL_FAULTS, "deleted"] })).toBeUndefined();
      expect(brokenBy(AS_BUILT, { ...rerouted, maxFaults: 2, faults: ["deleted"] })).toBeUndefined();
    },
    TIMEOUT_MS,
  );

  it(
    "retries a row without a word from its earlier round",
    () => {
      expect(brokenBy(AS_BUILT, { ...retried, models: { A: ["unfit"] }, maxFaults: 2 })).toBeUndefined();
    },
    TIMEOUT_MS,
  );
});

describe("the hand-off protocol, however its calls end", () => {
  it(
    "costs one call a fault however the calls end",
    () => {
      expect(brokenBy(AS_BUILT, anyEnding)).toBeUndefined();
      expect(brokenBy(AS_BUILT, { ...anyEnding, maxFaults: 1, faults: ALL_FAULTS })).toBeUndefined();
    },
    TIMEOUT_MS,
  );

  it(
    "withstands two faults in a step of two calls",
    () => {
      expect(
        brokenBy(AS_BUILT, {
          ...sideBySide,
          models: { A: ["good"], B: ["unfit"], C: ["good"] },
          maxFaults: 2,
          faults: ["crash"],
        }),
      ).toBeUndefined();
      expect(brokenBy(AS_BUILT, { ...sideBySide, models: { A: ["good"], B: ["good"], C: ["good"] } })).toBeUndefined();
    },
    TIMEOUT_MS,
  );

  it(
    "retries a row whose earlier round is not over everywhere",
    () => {
      expect(brokenBy(AS_BUILT, retried)).toBeUndefined();
    },
    TIMEOUT_MS,
  );

  it(
    "finds a row whose queue job was deleted by hand, and no other",
    () => {
      expect(brokenBy(AS_BUILT, { ...anyEnding, maxFaults: 1, faults: ["deleted", "crash"] })).toBeUndefined();
    },
    TIMEOUT_MS,
  );
});

describe("the model finds what is wrong with", () => {
  const deleted: Scenario = { ...rerouted, faults: ["deleted"], maxFaults: 1 };

  it.each<[string, Partial<Protocol>, Scenario, RegExp]>([
    ["finishing before adding to the next queue", { order: "finish-then-add" }, rerouted, /in no queue/],
    ["finishing before recording", { order: "finish-then-record" }, rerouted, /in no queue/],
    ["processors that don't claim", { obeysClaim: false }, { ...rerouted, maxFaults: 1 }, /too many calls/],
    [
      "a claim that never finds a hop superseded",
      { claim: (row, hop) => rules.claim({ ...row, hop: 0 }, hop) },
      { ...anyEnding, maxFaults: 1 },
      /too many calls/,
    ],
    [
      "a claim that finds an equal hop superseded",
      { claim: (row, hop) => rules.claim({ ...row, hop: row.hop + (row.claimed ? 1 : 0) }, hop) },
      rerouted,
      /in no queue/,
    ],
    [
      "a claim that doesn't know of results",
      { claim: (row, hop) => rules.claim({ ...row, kind: "open" }, hop) },
      anyEnding,
      /two results|too many calls/,
    ],
    ["a record script that takes a second result", { record: acceptsAll }, rerouted, /two results/],
    [
      "a record script that takes results of earlier rounds",
      { record: (row) => rules.record(row, row.round) },
      { ...retried, models: { A: ["unfit", "good"] } },
      /two results/,
    ],
    ["several copies per hop", { oneCopyPerHop: false }, { ...anyEnding, maxFaults: 1 }, /too many calls/],
    ["a vanished row added again at its own hop", { readdHop: (lastHop) => lastHop }, deleted, /two purposes/],
    ["a vanished row added again at the next hop", { readdHop: (lastHop) => lastHop + 1 }, deleted, /two purposes/],
    ["a retry at the hop after the error's", { retryHop: (recordedBy) => recordedBy + 1 }, retried, /two purposes/],
    [
      "stale errors that end a row",
      { refusesStaleErrors: false },
      { ...retried, models: { A: ["unfit", "invalid"], B: ["unfit"] } },
      /two purposes/,
    ],
    ["a reconciler that looks for the next hop first", { reconciler: "next-hop-first" }, deleted, /taken for lost/],
    ["a reconciler that looks once", { reconciler: "no-second-look" }, deleted, /taken for lost/],
    ["a join that speaks only once", { joinRepeats: false }, sideBySide, /in no queue/],
    ["steps of two calls that are left half added", { wideStepsComplete: false }, sideBySide, /in no queue/],
  ])(
    "%s",
    (_what, mutation, scenario, property) => {
      expect(brokenBy({ ...AS_BUILT, ...mutation }, scenario)?.property).toMatch(property);
    },
    TIMEOUT_MS,
  );
});
