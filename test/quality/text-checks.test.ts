import { describe, expect, it } from "vitest";
import { createChecker } from "../../src/quality/check.ts";
import { says, saysJson, whyFailed } from "./checking.ts";

describe("the length check", () => {
  it.each([
    ["characters", "héllo", 5],
    ["characters", "👍🏽", 2],
    ["words", "  one two\nthree, four ", 4],
    ["words", "", 0],
  ] as const)("counts %s: %j has %i", async (unit, text, length) => {
    expect(await whyFailed({ kind: "length", unit, min: length, max: length }, says(text))).toBeUndefined();
    expect(await whyFailed({ kind: "length", unit, max: length - 1 }, says(text))).toContain(`has ${length}`);
    expect(await whyFailed({ kind: "length", unit, min: length + 1 }, says(text))).toContain(`has ${length}`);
  });

  it("finds the words of scripts that put no space between them", async () => {
    const reason = await whyFailed({ kind: "length", unit: "words", max: 0 }, says("您的订单已发货"));
    expect(reason).toMatch(/^the answer: has [3-6] words/);
  });

  it("counts the items of a list, and says what it wants", async () => {
    const check = { kind: "length", field: "tags", unit: "items", min: 2, max: 3 } as const;
    expect(await whyFailed(check, saysJson({ tags: ["a", "b"] }))).toBeUndefined();
    expect(await whyFailed(check, saysJson({ tags: ["a"] }))).toBe("tags: has 1 item, must have at least 2");
    expect(await whyFailed(check, saysJson({ tags: ["a", "b", "c", "d"] }))).toBe("tags: has 4 items, must have at most 3");
    expect(await whyFailed(check, saysJson({ tags: "a, b" }))).toBe('tags: "a, b" is not a list');
    expect(await whyFailed(check, saysJson({}))).toBe("tags: is missing");
  });

  it("quotes no more than the beginning of a long answer", async () => {
    const reason = await whyFailed({ kind: "length", unit: "words", max: 5 }, says("word ".repeat(1_000)));
    expect(reason).toBe(`the answer: has 1000 words, must have at most 5, from "${"word ".repeat(12)}"…`);
  });
});

describe("the pattern check", () => {
  it("passes where the pattern is found, and fails where it is not", async () => {
    const check = { kind: "pattern", pattern: "^[A-Z]{2}\\d{4}$" } as const;
    expect(await whyFailed(check, says("AB1234"))).toBeUndefined();
    expect(await whyFailed(check, says("AB1234 "))).toBe('the answer: "AB1234 " doesn\'t match "^[A-Z]{2}\\\\d{4}$"');
    expect(await whyFailed({ ...check, flags: "i" }, says("ab1234"))).toBeUndefined();
  });

  it("asks it of every item of a list, and of the text of numbers", async () => {
    const check = { kind: "pattern", field: "codes", pattern: "^\\d+$" } as const;
    expect(await whyFailed(check, saysJson({ codes: ["1", 23] }))).toBeUndefined();
    expect(await whyFailed(check, saysJson({ codes: ["1", "x"] }))).toBe('codes: "x" doesn\'t match "^\\\\d+$"');
  });

  it("gives the same verdict every time", () => {
    const check = createChecker({ checks: [{ kind: "pattern", pattern: "a", onFail: "fail" }] });
    expect([1, 2, 3].map(() => check(says("a"), {}))).toMatchObject([{ kind: "passed" }, { kind: "passed" }, { kind: "passed" }]);
  });
});

describe("the contains check", () => {
  const check = { kind: "contains", all: ["Refund", "14 days"], ignoreCase: true } as const;

  it("wants all of its texts", async () => {
    expect(await whyFailed(check, says("You get a refund within 14 days."))).toBeUndefined();
    expect(await whyFailed(check, says("You get a refund."))).toBe('the answer: doesn\'t contain "14 days"');
    expect(await whyFailed({ ...check, ignoreCase: false }, says("a refund within 14 days"))).toBe('the answer: doesn\'t contain "Refund"');
  });

  it("looks at a field, and finds the same letters however they are composed", async () => {
    const field = { kind: "contains", field: "name", all: ["caf\u00e9"], ignoreCase: false } as const;
    expect(await whyFailed(field, saysJson({ name: "cafe\u0301" }))).toBeUndefined();
    expect(await whyFailed(field, saysJson({ title: "café" }))).toBe("name: is missing");
  });
});

describe("the not-contains check", () => {
  const check = { kind: "not-contains", any: ["as an AI", "TODO"], ignoreCase: true } as const;

  it("wants none of its texts", async () => {
    expect(await whyFailed(check, says("Done."))).toBeUndefined();
    expect(await whyFailed(check, says("As an AI I find this good"))).toBe('the answer: contains "as an AI"');
    expect(await whyFailed({ ...check, ignoreCase: false }, says("todo"))).toBeUndefined();
  });

  it("passes a field that isn't there, but not an answer without JSON", async () => {
    expect(await whyFailed({ ...check, field: "note" }, saysJson({ note: null }))).toBeUndefined();
    expect(await whyFailed({ ...check, field: "note" }, saysJson({}))).toBeUndefined();
    expect(await whyFailed({ ...check, field: "notes.text" }, saysJson({ notes: [{ text: "fine" }, { text: "todo" }] }))).toBe(
      'notes.text: contains "TODO"',
    );
    expect(await whyFailed({ ...check, field: "note" }, says("prose"))).toBe('the answer is not JSON: "prose"');
  });
});

describe("the custom check", () => {
  const custom = (check: Extract<Parameters<typeof whyFailed>[0], { kind: "custom" }>["check"]) =>
    ({ kind: "custom", name: "tone", check }) as const;

  it("is given the text, the JSON where there is some, and the row", async () => {
    const seen: unknown[] = [];
    const check = custom((answer) => seen.push(answer) > 0);
    await whyFailed(check, says("plain"), { id: 7 });
    await whyFailed(check, says('{"a":1}'), { id: 8 });
    expect(seen).toEqual([
      { text: "plain", input: { id: 7 } },
      { text: '{"a":1}', json: { a: 1 }, input: { id: 8 } },
    ]);
  });

  it("passes by true, fails by false and by a reason", async () => {
    expect(
      await whyFailed(
        custom(() => true),
        says("x"),
      ),
    ).toBeUndefined();
    expect(
      await whyFailed(
        custom(() => false),
        says("x"),
      ),
    ).toBe("tone: the answer failed this check");
    expect(
      await whyFailed(
        custom(() => "too curt"),
        says("x"),
      ),
    ).toBe("tone: too curt");
    expect(
      await whyFailed(
        custom(() => Promise.resolve("too curt")),
        says("x"),
      ),
    ).toBe("tone: too curt");
    expect(
      await whyFailed(
        custom(() => Promise.resolve(true)),
        says("x"),
      ),
    ).toBeUndefined();
  });

  it("fails the answer by what it throws, and by anything but true", async () => {
    const thrower = custom(() => {
      throw new Error("no such field");
    });
    expect(await whyFailed(thrower, says("x"))).toBe("tone: no such field");
    expect(
      await whyFailed(
        custom(() => Promise.reject(new Error("the database is away"))),
        says("x"),
      ),
    ).toBe("tone: the database is away");
    // As a fleet.config.ts without types may have it.
    expect(await whyFailed(custom((() => undefined) as unknown as () => boolean), says("x"))).toBe("tone: the answer failed this check");
    expect(await whyFailed(custom((() => null) as unknown as () => boolean), says("x"))).toBe("tone: the answer failed this check");
  });
});
