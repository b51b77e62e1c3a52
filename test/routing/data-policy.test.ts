import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DataHandling } from "../../src/job/model.ts";
import type { DataClassRules } from "../../src/routing/data-options.ts";
import { dataClassOf, whyBarred, whyForbidden } from "../../src/routing/data-policy.ts";
import { jobSpec, modelSpec } from "./specs.ts";

const DAY_MS = 86_400_000;
const barred = (data: DataHandling | undefined, rules: DataClassRules) => whyBarred({ name: "acme", ...(data ? { data } : {}) }, rules);

describe("a provider may see data of a class", () => {
  it.each<[string, DataHandling, DataClassRules]>([
    ["without rules", {}, {}],
    ["in one of its regions", { region: "eu" }, { regions: ["us", "eu"] }],
    ["kept no longer than allowed", { retentionMs: 30 * DAY_MS }, { maxRetention: 30 * DAY_MS }],
    ["not kept at all", { retentionMs: 0 }, { maxRetention: 0 }],
    ["that it doesn't train on", { trains: false }, { training: false }],
    ["that it may train on", {}, { training: true }],
    ["for which it is named", {}, { providers: ["other", "acme"] }],
  ])("%s", (_what, data, rules) => {
    expect(barred(data, rules)).toBeUndefined();
  });
});

describe("a provider may not see data of a class", () => {
  it.each<[string, DataHandling | undefined, DataClassRules, string]>([
    ["that must stay elsewhere", { region: "us" }, { regions: ["eu", "ch"] }, "it must stay in eu or ch, and acme is in us"],
    ["that must stay somewhere, when it names no region", undefined, { regions: ["eu"] }, "it must stay in eu, and acme names no region"],
    ["that it keeps for too long", { retentionMs: DAY_MS + 1 }, { maxRetention: DAY_MS }, "acme keeps data for too long"],
    [
      "that may not be kept, when it doesn't say how long it keeps it",
      { region: "eu" },
      { maxRetention: 0 },
      "acme doesn't say how long it keeps data",
    ],
    ["that it trains on", { trains: true }, { training: false }, "acme trains on data"],
    ["that it may train on", {}, { training: false }, "acme doesn't say that it doesn't train on data"],
    ["that others are named for", { region: "eu" }, { providers: ["one", "two"] }, "only one, two may see it"],
  ])("%s", (_what, data, rules, reason) => {
    expect(barred(data, rules)).toBe(reason);
  });

  it("whatever else it does, when it breaks one rule; and another rule never lets it in", () => {
    const handling = fc.record(
      { region: fc.constantFrom("eu", "us"), retentionMs: fc.nat(5), trains: fc.boolean() },
      { requiredKeys: [] },
    ) as fc.Arbitrary<DataHandling>;
    const rules = fc.record(
      {
        regions: fc.subarray(["eu", "us"], { minLength: 1 }),
        maxRetention: fc.nat(5),
        training: fc.boolean(),
        providers: fc.subarray(["acme", "other"], { minLength: 1 }),
      },
      { requiredKeys: [] },
    ) as fc.Arbitrary<DataClassRules>;
    fc.assert(
      fc.property(handling, rules, (data, all) => {
        const each = Object.entries(all).map(([rule, value]) => barred(data, { [rule]: value }));
        expect(barred(data, all) === undefined).toBe(each.every((reason) => reason === undefined));
      }),
    );
  });
});

describe("the class of a job's data", () => {
  const task = { dataClass: { field: "class", default: "internal" } };

  it("is its own word, else its row's, else its task's", () => {
    expect(dataClassOf(jobSpec({ dataClass: "pii", input: { class: "public" } }), task)).toBe("pii");
    expect(dataClassOf(jobSpec({ input: { class: "public" } }), task)).toBe("public");
    expect(dataClassOf(jobSpec(), task)).toBe("internal");
    expect(dataClassOf(jobSpec(), {})).toBeUndefined();
  });

  it("is its task's where the row's field is empty", () => {
    expect(dataClassOf(jobSpec({ input: { class: null } }), task)).toBe("internal");
  });

  it("is one that nobody has heard of where the row's field is no text: that bars every model rather than none", () => {
    const model = modelSpec("a/1", { barredFor: { internal: null, public: null } });
    for (const said of [7, true, ["public"], { of: "public" }]) {
      expect(whyForbidden(jobSpec({ input: { class: said } }), task, model)).toContain("not among the configured ones");
    }
  });
});

describe("a model may not be called", () => {
  const model = modelSpec("a/1", { barredFor: { pii: "a is in us", public: null } });
  const why = (job: Parameters<typeof jobSpec>[0]) => whyForbidden(jobSpec(job), {}, model);

  it("for a job that denies it, or allows only others", () => {
    expect(why({ deny: ["a/1"] })).toBe("the job denies it");
    expect(why({ allow: ["b/1"] })).toBe("the job allows only others");
    expect(why({ allow: ["a/1"], deny: ["a/1"] })).toBe("the job denies it");
    expect(why({ allow: ["b/1", "a/1"], deny: ["b/1"] })).toBeUndefined();
  });

  it("for data of a class that bars it, with the reason", () => {
    expect(why({ dataClass: "pii" })).toBe('data class "pii": a is in us');
    expect(why({ dataClass: "public" })).toBeUndefined();
    expect(why({})).toBeUndefined();
  });

  it("for data of a class that nobody has heard of, whatever it is called", () => {
    for (const dataClass of ["secret", "constructor", "__proto__", "toString", ""]) {
      expect(why({ dataClass })).toBe(`data class ${JSON.stringify(dataClass)}: it is not among the configured ones`);
    }
  });
});
