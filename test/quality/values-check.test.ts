import { describe, expect, it } from "vitest";
import { says, saysJson, whyFailed } from "./checking.ts";

const LABELS = ["billing", "delivery", "technical issue"];

describe("the values check", () => {
  it.each(["billing", "Billing", "BILLING.", ' "billing"\n', "**billing**", "technical  issue", "“Technical issue”"])(
    "passes %j",
    async (text) => {
      expect(await whyFailed({ kind: "values", values: LABELS }, says(text))).toBeUndefined();
    },
  );

  it.each(["The label is billing", "billings", "billing, delivery", "", "other", "technical-issue"])("fails %j", async (text) => {
    expect(await whyFailed({ kind: "values", values: LABELS }, says(text))).toBe(
      `the answer: ${JSON.stringify(text)} is not one of "billing", "delivery", "technical issue"`,
    );
  });

  it("looks at a field, inside of others too, and at each item of a list", async () => {
    const check = (field: string) => ({ kind: "values", field, values: LABELS }) as const;
    const answer = saysJson({ ticket: { label: "Billing" }, tags: ["billing", "urgent"], lines: [{ label: "delivery" }, { label: "x" }] });
    expect(await whyFailed(check("ticket.label"), answer)).toBeUndefined();
    expect(await whyFailed(check("tags"), answer)).toContain('tags: "urgent" is not one of');
    expect(await whyFailed(check("lines.label"), answer)).toContain('lines.label: "x" is not one of');
    expect(await whyFailed(check("label"), answer)).toBe("label: is missing");
    expect(await whyFailed(check("ticket.constructor"), answer)).toBe("ticket.constructor: is missing");
  });

  it("compares numbers as numbers, and takes null and booleans for what they are", async () => {
    const check = { kind: "values", field: "x", values: [18, 0.5, null, true] } as const;
    for (const x of [18, "18", "$18.00", 0.5, ".5", null, true]) expect(await whyFailed(check, saysJson({ x }))).toBeUndefined();
    for (const x of [19, "18%", "", 1, false])
      expect(await whyFailed(check, saysJson({ x }))).toContain("is not one of 18, 0.5, null, true");
  });

  it("fails an answer that is not JSON where it asks for a field", async () => {
    expect(await whyFailed({ kind: "values", field: "label", values: LABELS }, says("billing"))).toBe('the answer is not JSON: "billing"');
  });

  it("names no more than eight of many values", async () => {
    const values = Array.from({ length: 77 }, (_, i) => `label_${i}`);
    expect(await whyFailed({ kind: "values", values }, says("x".repeat(200)))).toBe(
      `the answer: "${"x".repeat(60)}"… is not one of ${values
        .slice(0, 8)
        .map((value) => `"${value}"`)
        .join(", ")}, …`,
    );
  });
});
