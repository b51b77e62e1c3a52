import { describe, expect, it } from "vitest";
import { ANTHROPIC_RULES } from "../../src/providers/anthropic-errors.ts";
import { OPENAI_RULES } from "../../src/providers/openai-errors.ts";
import { createScrub } from "../../src/providers/scrub.ts";
import { readFailure, toOutcome } from "../../src/providers/vendor-failure.ts";

const NONE = new Headers();
const context = { scrub: (text: string) => text, now: 0, limits: [] };

describe("a failed answer's body", () => {
  it.each([
    ["OpenAI's envelope", '{"error":{"message":"m","type":"t","code":"c"}}', { message: "m", type: "t", code: "c" }],
    ["Anthropic's envelope", '{"type":"error","error":{"type":"t","message":"m"}}', { message: "m", type: "t" }],
    ["Anthropic's details", '{"error":{"message":"m","details":{"error_code":"c"}}}', { message: "m", code: "c" }],
    ["a list", '[{"error":{"message":"m","code":429}}]', { message: "m" }],
    ["an error in one word", '{"error":"m"}', { message: "m" }],
    ["no envelope", '{"object":"error","message":"m","type":"t","code":400}', { message: "m", type: "t" }],
    ["a detail", '{"detail":"m"}', { message: "m" }],
    ["details", '{"detail":[{"msg":"m"}]}', { message: '[{"msg":"m"}]' }],
    ["anything else", '{"a":1}', { message: '{"a":1}' }],
    ["text", "upstream timed out", { message: "upstream timed out" }],
    ["nothing", "", { message: "" }],
  ])("is read from %s", (_what, text, expected) => {
    expect(readFailure(500, NONE, text)).toEqual({ status: 500, headers: NONE, ...expected });
  });

  it("is read from a page without its markup", () => {
    const page = "<html><head><style>p { color: red }</style></head><body><h1>502</h1> Bad gateway</body></html>";
    expect(readFailure(502, NONE, page).message.replace(/\s+/g, " ").trim()).toBe("502 Bad gateway");
  });
});

describe("a rate limit without retry-after", () => {
  it("waits until the exhausted limits are full again", () => {
    const limits = [
      { dimension: "rpm", remaining: 0, resetMs: 6_000 },
      { dimension: "tpm", remaining: 10, resetMs: 50_000 },
    ] as const;
    for (const rules of [OPENAI_RULES, ANTHROPIC_RULES])
      expect(toOutcome(readFailure(429, NONE, ""), rules, { ...context, limits })).toMatchObject({ kind: "throttled", waitMs: 6_000 });
  });
});

describe("every status between 300 and 599", () => {
  it("has an outcome at both vendors, and never one of a success", () => {
    for (const rules of [OPENAI_RULES, ANTHROPIC_RULES]) {
      const kinds = Array.from({ length: 300 }, (_, i) => toOutcome(readFailure(300 + i, NONE, "what?"), rules, context).kind);
      expect(kinds.filter((kind) => ["answered", "expired", "cancelled"].includes(kind))).toEqual([]);
      expect(new Set(kinds.slice(200))).toEqual(new Set(["transient"]));
    }
  });
});

describe("scrubbing", () => {
  const scrub = createScrub("very-secret");
  it("takes out the key, and what looks like one", () => {
    expect(scrub("very-secret is wrong: sk-proj-abcdef123 or sk-ab***yz99")).toBe("[key] is wrong: [key] or [key]");
  });
  it("makes one line of at most 500 characters", () => {
    expect(scrub("a\n\n  b")).toBe("a b");
    expect(scrub("x".repeat(600))).toHaveLength(500);
  });
  it("leaves the text alone where the key is a placeholder", () => {
    expect(createScrub("x")("exact")).toBe("exact");
  });
});
