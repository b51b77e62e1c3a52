import { describe, expect, it } from "vitest";
import { shorten } from "../../../workers/web/shorten.ts";

const jsonLength = (value: unknown) => JSON.stringify(value).length;

describe("a payload on a page", () => {
  it("is shown as it is while it is small", () => {
    const payload = { job: { input: { text: "x".repeat(1_999), n: 1, list: [true, null, "y"] } }, hop: 3 };
    expect(shorten(payload)).toEqual(payload);
  });

  it("has its long strings cut, with their real length", () => {
    const { text } = shorten({ text: "x".repeat(3_000_000) }) as { text: string };
    expect(text).toBe(`${"x".repeat(2_000)}… (3,000,000 characters in all)`);
  });

  it("is cut as a whole when it is long in sum, saying how long it is", () => {
    const payload = { rows: Array.from({ length: 5_000 }, (_, i) => ({ text: `row ${i} ${"x".repeat(100)}` })) };
    const cut = shorten(payload) as { "(cut)": string; rows: unknown[] };
    expect(cut["(cut)"]).toBe(`the whole is ${jsonLength(payload).toLocaleString("en-US")} characters of JSON; shown in part`);
    expect(cut.rows.at(-1)).toMatch(/^… \([\d,]+ more\)$/);
    expect(jsonLength(cut)).toBeLessThan(25_000);
  });

  it.each([
    ["many strings", Array.from({ length: 100 }, () => "x".repeat(5_000))],
    ["many fields", Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`field-${i}`, i]))],
    ["many numbers", Array.from({ length: 100_000 }, (_, i) => i)],
    ["long keys", Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`${i}${"k".repeat(5_000)}`, 1]))],
    ["lists in lists", Array.from({ length: 300 }, () => Array.from({ length: 300 }, () => ["x"]))],
  ])("stays small with %s", (_name, payload) => {
    expect(jsonLength(shorten(payload))).toBeLessThan(40_000);
  });

  it("survives being nested without end", () => {
    let deep: unknown = "end";
    for (let i = 0; i < 50_000; i++) deep = [deep];
    expect(jsonLength(shorten({ deep }))).toBeLessThan(200);
  });

  it("keeps fields whose names mean something to JavaScript", () => {
    const payload = JSON.parse('{"__proto__": {"a": 1}, "constructor": 2}') as unknown;
    expect(JSON.stringify(shorten(payload))).toBe('{"__proto__":{"a":1},"constructor":2}');
  });

  it.each([["text"], [5], [null], [true], [undefined]])("passes %j through", (value) => {
    expect(shorten(value)).toEqual(value);
  });
});
