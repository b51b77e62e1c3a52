import { expect, it } from "vitest";
import { interpolate } from "../../src/config/interpolate.ts";

const variables: Readonly<Record<string, string>> = { HOST: "example.org", PORT: "80" };
const fill = (raw: unknown) => interpolate(raw, { variable: (name) => variables[name], allowMissingSecrets: false });

it("replaces variables in every string, however deep, and nothing else", () => {
  const raw = { a: ["http://${HOST}:${PORT}/"], b: { c: 5, d: null, e: true } };
  expect(fill(raw)).toEqual({ value: { a: ["http://example.org:80/"], b: { c: 5, d: null, e: true } }, problems: [] });
});

it("uses the default of a variable that isn't set", () => {
  expect(fill("${NONE:-http://localhost:1/v1}${HOST:-x}${NONE:-}").value).toBe("http://localhost:1/v1example.org");
});

it("leaves lower-case names, dollars and escaped references alone", () => {
  expect(fill("costs $5 in ${currency}, $${HOST} and $HOST")).toEqual({
    value: "costs $5 in ${currency}, ${HOST} and $HOST",
    problems: [],
  });
});

it("does not look into what a variable holds", () => {
  const value = interpolate("${A}", { variable: (name) => (name === "A" ? "${B}" : "b"), allowMissingSecrets: false }).value;
  expect(value).toBe("${B}");
});

it("names every variable that isn't set, with its place", () => {
  expect(fill({ a: "${NONE}", b: ["x", "${NO}${NOPE}"] }).problems).toEqual([
    { path: ["a"], message: "the environment variable NONE is not set" },
    { path: ["b", 1], message: "the environment variable NO is not set" },
    { path: ["b", 1], message: "the environment variable NOPE is not set" },
  ]);
});

it("ends at a cycle with a problem", () => {
  const cycle: unknown[] = [];
  cycle.push(cycle);
  expect(fill({ a: cycle }).problems).toEqual([{ path: ["a", 0, 0], message: "is nested more than 100 levels deep" }]);
});
