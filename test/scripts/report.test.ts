// What a report is about, as the command line says it: every way to say it wrong has its answer.

import { describe, expect, it } from "vitest";
import { chooseBatches, readBaseline, readDimensions, readPeriod } from "../../scripts/report-selection.ts";
import { UsageError } from "../../src/job/errors.ts";
import { NO_USAGE } from "../../src/job/usage.ts";
import { modelSpec } from "../routing/specs.ts";

const at = (time: string) => Date.parse(time);

function problemOf(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return `${error.message} ${error.hint ?? ""}`;
  }
  throw new Error("nothing was wrong");
}

describe("--since and --until", () => {
  it.each([
    [{}, {}],
    [{ since: "2026-11-01" }, { since: at("2026-11-01T00:00:00Z") }],
    [{ until: "2026-11-01" }, { until: at("2026-11-02T00:00:00Z") }],
    [
      { since: "2026-11-01", until: "2026-11-01" },
      { since: at("2026-11-01T00:00Z"), until: at("2026-11-02T00:00Z") },
    ],
    [
      { since: "2026-11-01T08:30Z", until: "2026-11-01 09:30" },
      { since: at("2026-11-01T08:30:00Z"), until: at("2026-11-01T09:30:00Z") },
    ],
    [{ since: "2026-11-01T08:30:15.5+02:00" }, { since: at("2026-11-01T06:30:15.500Z") }],
    [{ since: "2028-02-29" }, { since: at("2028-02-29T00:00Z") }],
  ])("of %j", (options, period) => {
    expect(readPeriod(options)).toEqual(period);
  });

  it.each([
    "",
    "yesterday",
    "2026-13-01",
    "2026-02-30",
    "2026-02-30T10:00",
    "2026-11-01T25:00",
    "01.11.2026",
    "2026-11-1",
    "1793491200000",
  ])("refuse %j", (since) => {
    expect(problemOf(() => readPeriod({ since }))).toContain(`--since: ${JSON.stringify(since)} is no date`);
    expect(problemOf(() => readPeriod({ until: since }))).toContain("--until");
  });

  it("refuse a period that ends before it begins", () => {
    expect(problemOf(() => readPeriod({ since: "2026-11-02", until: "2026-11-01" }))).toContain("lies before");
  });
});

describe("--by", () => {
  it("takes several, and tags by name", () => {
    expect(readDimensions("task, tag:a:b,day")).toEqual([{ kind: "task" }, { kind: "tag", tag: "a:b" }, { kind: "day" }]);
  });

  it.each([
    ["modle", 'nothing called "modle"'],
    ["", 'nothing called ""'],
    ["task,", 'nothing called ""'],
    ["tag", "Which tag?"],
    ["tag:", "Which tag?"],
    ["task,day,task", "names task twice"],
  ])("refuses %j", (list, problem) => {
    expect(problemOf(() => readDimensions(list))).toContain(problem);
  });
});

describe("--baseline", () => {
  const PRICE = { input: 1_000_000, cachedInput: 500_000, cacheWrite: 1_000_000, output: 2_000_000 };
  const priced = { ...modelSpec("acme/priced"), price: PRICE };
  const { price: _price, ...unpriced } = modelSpec("acme/unpriced");
  const models = new Map([priced, unpriced].map((model) => [model.id, model]));

  it("prices tokens at the configured model's price", () => {
    const baseline = readBaseline("acme/priced", { models });
    expect(baseline.model).toBe("acme/priced");
    expect(baseline.costNanoUsd({ ...NO_USAGE, inputTokens: 10, cachedInputTokens: 4, outputTokens: 1 })).toBe(6_000 + 2_000 + 2_000);
  });

  it("refuses a model that isn't configured, and one without a price", () => {
    expect(problemOf(() => readBaseline("acme/prised", { models }))).toMatch(/no model "acme\/prised".*Did you mean "acme\/priced"\?/);
    expect(problemOf(() => readBaseline("acme/unpriced", { models }))).toMatch(/acme\/unpriced has no price.*docs\/costs\.md/);
  });
});

describe("the batches", () => {
  const storeOf = (...batches: string[]) => ({ place: "here", batches: () => Promise.resolve(batches) });

  it("are those that are named, once each, or all", async () => {
    expect(await chooseBatches(["b", "a", "b"], storeOf("a", "b", "c"))).toEqual(["b", "a"]);
    expect(await chooseBatches([], storeOf("c", "a"))).toEqual(["a", "c"]);
  });

  it("that are not there are an error, with the nearest one", async () => {
    await expect(chooseBatches(["tikets"], storeOf("tickets", "others"))).rejects.toMatchObject({
      name: "UsageError",
      message: 'there is no batch "tikets" in the store here',
      hint: 'Did you mean "tickets"?',
    });
    await expect(chooseBatches(["x"], storeOf("tickets", "others"))).rejects.toMatchObject({ hint: "Known: tickets, others." });
    await expect(chooseBatches([], storeOf())).rejects.toMatchObject({
      name: "UsageError",
      message: "there is no batch in the store here",
    });
  });
});
