// Every state that one row can come to, with faults anywhere, against the guarantees: no row lost, one result, few extra calls, nothing left behind.

import { describe, expect, it } from "vitest";
import { explore } from "./explore.ts";
import { AS_BUILT, handOffModel, type Fault, type Protocol, type Scenario } from "./hand-off-model.ts";
import * as rules from "./row-rules.ts";

const TIMEOUT_MS = 120_000;
const WORKER_FAULTS: readonly Fault[] = ["crash", "lost lock", "late claim", "lost reply"];
const ALL_FAULTS: readonly Fault[] = [...WORKER_FAULTS, "producer crash"];

/** The first model can't, the second can. */
const rerouted: Scenario = {
  models: { A: ["unfit"], B: ["good"] },
  route: ["A", "B"],
  maxFaults: 3,
  faults: WORKER_FAULTS,
  rounds: 1,
};
/** Calls end anyhow, and not the same way twice. */
const anyEnding: Scenario = { ...rerouted, models: { A: ["unfit", "good", "invalid"], B: ["unfit", "good"] } };
/** Two calls that must agree, and a step of one call. */
const sideBySide: Scenario = { ...rerouted, models: { A: ["good"], B: ["unfit"], C: ["good"] }, route: ["AB", "C"], maxFaults: 2 };
const sideBySideAnyEnding: Scenario = {
  ...sideBySide,
  models: { A: ["unfit", "good"], B: ["unfit", "good"], C: ["unfit", "good"] },
  maxFaults: 1,
};
/** A row that ends in an error is retried once. */
const retried: Scenario = { ...rerouted, models: { A: ["unfit", "invalid"] }, route: ["A"], rounds: 2, maxFaults: 2 };
const deleted: Scenario = { ...rerouted, faults: ["deleted"], maxFaults: 1, lookOrder: "TRAB" };

/** Every answer is judged; a judge may think little of it, or give no verdict. */
const judged: Scenario = {
  ...rerouted,
  models: { A: ["good"], J: ["good", "poor", "unfit"], K: ["good", "poor"] },
  route: ["A"],
  judges: "JK",
  maxFaults: 1,
};
const judgedByOne: Scenario = { ...judged, models: { A: ["good"], J: ["good", "poor"] }, judges: "J" };
/** What a judge thinks little of goes on to the next model, and its answer to the judge. */
const judgedTwice: Scenario = { ...judgedByOne, models: { ...judgedByOne.models, B: ["good"] }, route: ["A", "B"], faults: ["crash"] };
/** Answers that may have to be repaired, and a judge. */
const repaired: Scenario = { ...judgedByOne, models: { A: ["mend", "good", "unfit"], J: ["good", "poor"] } };
const sideBySideJudged: Scenario = { ...judgedByOne, models: { ...judgedByOne.models, B: ["good"] }, route: ["AB"] };

/** What breaks first in any of the scenarios. */
function brokenBy(protocol: Protocol, ...scenarios: readonly Scenario[]) {
  for (const scenario of scenarios) {
    const { states, violation } = explore(handOffModel(protocol, scenario));
    if (violation) return violation;
    console.log(`${states} states, up to ${scenario.maxFaults} of: ${scenario.faults.join(", ")}`);
  }
  return undefined;
}

describe("the hand-off protocol as it is built", { timeout: TIMEOUT_MS }, () => {
  it("loses no row, doubles no result and costs one call a fault, whatever three faults hit its workers", () => {
    expect(brokenBy(AS_BUILT, rerouted)).toBeUndefined();
  });

  it("costs one call a fault however the calls end", () => {
    expect(
      brokenBy(
        AS_BUILT,
        { ...anyEnding, models: { A: ["unfit", "invalid"], B: ["good"] }, faults: ["crash", "lost lock"] },
        { ...anyEnding, maxFaults: 2 },
      ),
    ).toBeUndefined();
  });

  it("takes jobs back into their task queue while no model takes them, or their batch is paused", () => {
    expect(
      brokenBy(AS_BUILT, { ...anyEnding, mayWait: true, maxFaults: 1 }, { ...rerouted, event: "paused", maxFaults: 1 }),
    ).toBeUndefined();
  });

  it("ends every row once its batch is cancelled or its deadline has passed", () => {
    expect(
      brokenBy(
        AS_BUILT,
        { ...anyEnding, event: "cancelled", maxFaults: 1 },
        { ...anyEnding, event: "past its deadline", maxFaults: 1 },
        { ...sideBySide, event: "cancelled", maxFaults: 1, faults: ["crash"] },
      ),
    ).toBeUndefined();
  });

  it("withstands a producer that crashes and is started again", () => {
    expect(
      brokenBy(AS_BUILT, {
        ...rerouted,
        faults: ["producer crash", "crash", "lost lock"],
      }),
    ).toBeUndefined();
  });

  it("retries a row whose earlier round is not over everywhere", () => {
    expect(brokenBy(AS_BUILT, retried)).toBeUndefined();
  });

  it("withstands workers that crash in a step of two calls", () => {
    expect(brokenBy(AS_BUILT, { ...sideBySide, faults: ["crash", "lost reply"] })).toBeUndefined();
  });
});

describe("the hand-off protocol whose wide steps are added by their first part", { timeout: TIMEOUT_MS }, () => {
  it("withstands any two faults in a step of two calls", () => {
    expect(
      brokenBy(
        AS_BUILT,
        sideBySide,
        { ...sideBySideAnyEnding, faults: ["crash", "lost lock"] },
        { ...sideBySide, route: ["AB", "BC"] },
        { ...sideBySide, mayWait: true, maxFaults: 1 },
      ),
    ).toBeUndefined();
  });

  it("pauses, cancels and ends a step of two calls in any of its states", () => {
    expect(
      brokenBy(
        AS_BUILT,
        { ...sideBySideAnyEnding, event: "paused", maxFaults: 0 },
        { ...sideBySide, event: "paused", maxFaults: 1, faults: ["crash"] },
        { ...sideBySide, event: "cancelled", maxFaults: 1 },
        { ...sideBySide, event: "past its deadline", maxFaults: 1 },
      ),
    ).toBeUndefined();
  });

  it("finds a row whose queue job was deleted by hand, and no other", () => {
    expect(
      brokenBy(
        AS_BUILT,
        { ...anyEnding, lookOrder: "TRAB", maxFaults: 0 },
        { ...anyEnding, lookOrder: "BART", maxFaults: 0 },
        { ...sideBySideAnyEnding, lookOrder: "CBART", maxFaults: 0 },
        { ...deleted, faults: [...ALL_FAULTS, "deleted"] },
      ),
    ).toBeUndefined();
  });
});

describe("the hand-off protocol where answers are judged and repaired before they count", { timeout: TIMEOUT_MS }, () => {
  it("loses no held answer and no judgement, and costs one call a fault", () => {
    expect(
      brokenBy(
        AS_BUILT,
        judged,
        { ...judgedByOne, maxFaults: 2 },
        { ...judged, models: { A: ["good"], J: ["good", "unfit"], K: ["good"] }, maxFaults: 2, faults: ["crash", "lost lock"] },
        judgedTwice,
      ),
    ).toBeUndefined();
  });

  it("asks for a repair once, and has what was repaired judged", () => {
    const unjudged: Scenario = { ...repaired, models: { A: ["mend", "good"], B: ["good"] }, route: ["A", "B"], judges: "" };
    expect(brokenBy(AS_BUILT, { ...unjudged, maxFaults: 2 }, repaired)).toBeUndefined();
  });

  it("judges what a step of two calls agrees on", () => {
    expect(brokenBy(AS_BUILT, sideBySideJudged)).toBeUndefined();
  });

  it("keeps a held answer while its batch is paused, or no judge takes it", () => {
    expect(
      brokenBy(
        AS_BUILT,
        { ...repaired, event: "paused", maxFaults: 0 },
        { ...judgedByOne, event: "paused", faults: ["crash", "lost lock"] },
        { ...repaired, mayWait: true },
        { ...sideBySideJudged, event: "paused", faults: ["crash"] },
      ),
    ).toBeUndefined();
  });

  it("ends with its batch or its deadline, and begins anew in a retry", () => {
    expect(
      brokenBy(
        AS_BUILT,
        { ...repaired, event: "cancelled", faults: ["crash", "lost lock"] },
        { ...repaired, event: "past its deadline" },
        { ...judgedByOne, rounds: 2, faults: ["crash"] },
      ),
    ).toBeUndefined();
  });

  it("is found in its judge's queue, and found again when it was deleted there", () => {
    expect(
      brokenBy(
        AS_BUILT,
        { ...judged, lookOrder: "TRAJK", maxFaults: 0 },
        { ...judged, lookOrder: "KJART", maxFaults: 0 },
        { ...judgedByOne, models: { A: ["good"], J: ["good"] }, faults: ["deleted"], lookOrder: "TRAJ" },
      ),
    ).toBeUndefined();
  });
});

const acceptsAll: typeof rules.record = (row) => ({ recorded: true, row: { ...row, kind: "done" } });

describe("the model finds what is wrong with", { timeout: TIMEOUT_MS }, () => {
  it.each<[string, Partial<Protocol>, Scenario, RegExp]>([
    ["finishing before adding to the next queue", { order: "finish-then-add" }, rerouted, /in no queue/],
    ["finishing before recording", { order: "finish-then-record" }, rerouted, /in no queue/],
    ["processors that don't claim", { obeysClaim: false }, { ...rerouted, maxFaults: 1 }, /has its result/],
    [
      "a claim that never finds a hop superseded",
      { claim: (row, each) => rules.claim({ ...row, hop: 0, holders: {} }, each) },
      { ...anyEnding, maxFaults: 1 },
      /too many calls/,
    ],
    [
      "a claim that finds an equal hop superseded",
      { claim: (row, each) => rules.claim({ ...row, hop: row.hop + (row.claimed ? 1 : 0) }, each) },
      rerouted,
      /in no queue/,
    ],
    [
      "a claim that takes no token",
      { claim: (row, each) => rules.claim(row, { ...each, token: "anyone" }) },
      { ...anyEnding, maxFaults: 1 },
      /too many calls/,
    ],
    [
      "a claim that takes no part",
      { claim: (row, each) => rules.claim(row, { ...each, part: 0 }) },
      { ...sideBySide, maxFaults: 0 },
      /in no queue/,
    ],
    [
      "a claim that doesn't know of results",
      { claim: (row, each) => rules.claim({ ...row, kind: "open" }, each) },
      { ...anyEnding, maxFaults: 2 },
      /has its result/,
    ],
    ["a record script that takes a second result", { record: acceptsAll }, rerouted, /two results/],
    [
      "a record script that takes results of earlier rounds",
      { record: (row, word) => rules.record(row, { ...word, round: row.round }) },
      { ...retried, models: { A: ["unfit", "good"] } },
      /two results/,
    ],
    [
      "a record script that takes late errors",
      { record: (row, word) => rules.record(row, { ...word, hop: Math.max(word.hop, row.hop) }) },
      { ...retried, models: { A: ["unfit", "invalid"], B: ["unfit"] }, route: ["A", "B"] },
      /two purposes/,
    ],
    ["a retry at the hop after the error's", { retryHop: (recordedBy) => recordedBy + 1 }, retried, /two purposes/],
    ["a vanished row added again at its own hop", { readdHop: (lastHop) => lastHop }, deleted, /two purposes/],
    ["a vanished row added again at the next hop", { readdHop: (lastHop) => lastHop + 1 }, deleted, /two purposes/],
    ["a reconciler that looks for the row's hop only", { lookedAt: (hop) => [hop] }, { ...deleted, maxFaults: 0 }, /taken for lost/],
    ["a reconciler that looks once", { looks: 1 }, { ...deleted, maxFaults: 0 }, /taken for lost/],
    ["a reconciler that doesn't compare", { comparesEntry: false }, { ...deleted, maxFaults: 0 }, /taken for lost/],
    ["a join that speaks only once", { joinRepeats: false }, sideBySide, /in no queue/],
    ["a binder that adds a wide step without keeping it", { widens: "binder" }, { ...sideBySide, faults: ["crash"] }, /in no queue/],
    [
      "a paused row that goes back without what it holds",
      { keepsHeld: false },
      { ...judgedByOne, event: "paused", maxFaults: 0 },
      /too many calls/,
    ],
    [
      "a row that waits for its judge without its answer",
      { keepsHeld: false },
      { ...judged, mayWait: true, maxFaults: 0 },
      /too many calls/,
    ],
    [
      "an answer that counts where no judge is left",
      { unjudged: "is the result" },
      { ...judgedByOne, models: { A: ["good"], J: ["unfit"] }, maxFaults: 0 },
      /nobody judged/,
    ],
    ["judges that are asked again after they gave no verdict", { remembersFailures: false }, { ...judged, maxFaults: 0 }, /too many calls/],
    ["repairs that are asked for again and again", { remembersFailures: false }, { ...repaired, maxFaults: 0 }, /too many calls/],
    ["a pool that doesn't look before it calls", { looksBeforeCalling: false }, { ...sideBySide, maxFaults: 1 }, /outcome was kept/],
    [
      "a part that gives its row back while paused",
      { pausedPart: "back to the task" },
      { ...sideBySide, event: "paused" },
      /too many calls/,
    ],
  ])("%s", (_what, mutation, scenario, property) => {
    expect(brokenBy({ ...AS_BUILT, ...mutation }, scenario)?.property).toMatch(property);
  });

  it("a reconciler that doesn't know of a binder that still adds the parts of its step", () => {
    const protocol: Protocol = { ...AS_BUILT, widens: "binder that keeps its choice" };
    expect(brokenBy(protocol, { ...sideBySide, lookOrder: "TRABC", maxFaults: 0 })?.property).toMatch(/taken for lost/);
  });
});
