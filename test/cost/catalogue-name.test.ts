import { describe, expect, it } from "vitest";
import { isMeantBy, type NamePattern } from "../../src/cost/catalogue-name.ts";

const HAIKU: NamePattern = { or: [{ starts_with: "claude-haiku-4-5" }, { starts_with: "claude-4.5-haiku" }] };
const SONNET_4: NamePattern = {
  or: [{ starts_with: "claude-sonnet-4-2025" }, { starts_with: "claude-sonnet-4@" }, { equals: "claude-sonnet-4" }],
};
const SONNET_5: NamePattern = { starts_with: "claude-sonnet-5" };
const GEMINI_PRO: NamePattern = { and: [{ starts_with: "gemini-2.5-pro" }, { regex: "^(?!.*-[tT][tT][sS](?:$|-))" }] };
const GEMINI_FLASH: NamePattern = { contains: "gemini-1.5-flash" };
const LUNA: NamePattern = { or: [{ equals: "gpt-6-luna" }, { regex: "^gpt-6-luna-\\d{4}-\\d{2}-\\d{2}$" }] };
const TUNED: NamePattern = { starts_with: "ft:gpt-4o-mini-2024-" };
const BEDROCK: NamePattern = { contains: "anthropic.claude-haiku-4-5" };

describe("an entry of the catalogue means", () => {
  it.each<[string, NamePattern]>([
    ["claude-haiku-4-5", HAIKU],
    ["claude-haiku-4-5-20251001", HAIKU],
    ["Claude-Haiku-4-5", HAIKU],
    ["claude-sonnet-4", SONNET_4],
    ["claude-sonnet-4-20250514", SONNET_4],
    ["claude-sonnet-4@20250514", SONNET_4],
    ["claude-sonnet-5", SONNET_5],
    ["claude-sonnet-5-latest", SONNET_5],
    ["gemini-2.5-pro", GEMINI_PRO],
    ["gemini-2.5-pro-preview-05-06", GEMINI_PRO],
    ["gemini-1.5-flash-001", GEMINI_FLASH],
    ["models/gemini-1.5-flash-latest", GEMINI_FLASH],
    ["gpt-6-luna", LUNA],
    ["gpt-6-luna-2026-09-01", LUNA],
    ["ft:gpt-4o-mini-2024-07-18:acme:tickets:x1", TUNED],
    ["us.anthropic.claude-haiku-4-5-20251001-v1:0", BEDROCK],
  ])("%s", (name, pattern) => {
    expect(isMeantBy(pattern, name)).toBe(true);
  });
});

describe("an entry of the catalogue doesn't mean another model whose name begins with its own", () => {
  it.each<[string, NamePattern]>([
    ["claude-sonnet-5-5", SONNET_5],
    ["claude-sonnet-5-5-20261001", SONNET_5],
    ["claude-sonnet-50", SONNET_5],
    ["claude-haiku-4-5-fast", HAIKU],
    ["gemini-1.5-flash-8b", GEMINI_FLASH],
    ["my-gemini-1.5-flash", GEMINI_FLASH],
    ["gemini-2.5-pro-tts", GEMINI_PRO],
    ["gemini-2.5-pro-max", GEMINI_PRO],
    ["gpt-6-luna-mini", LUNA],
    ["claude-haiku", HAIKU],
  ])("%s", (name, pattern) => {
    expect(isMeantBy(pattern, name)).toBe(false);
  });
});
