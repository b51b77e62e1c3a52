import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JsonObject, JsonValue } from "../../src/job/json.ts";
import type { TaskSpec } from "../../src/job/task.ts";
import { analyse } from "../../src/routing/analyse.ts";
import { jobText } from "../../src/routing/job-text.ts";
import { readSignals } from "../../src/routing/text-signals.ts";
import { jobSpec, taskSpec } from "./specs.ts";

const of = (text: string, changes: Partial<TaskSpec> = {}) => {
  const task = taskSpec(changes);
  return analyse(jobSpec({ input: { text } }), task, Math.ceil(text.length / 4));
};
const complexity = (text: string, changes?: Partial<TaskSpec>) => of(text, changes).complexity;
const reasonsOf = (text: string, changes?: Partial<TaskSpec>) => of(text, changes).reasons.join("\n");

const TICKET = "My parcel 48213377 of 2026-03-04 has not arrived yet. Where is it?";
const ARTICLE = `Write a product page of at least 300 and at most 400 words for a pressure cooker. First describe who it is for, then compare it with two
others, finally recommend one. It must not mention prices, never use superlatives, and must include exactly three bullet points:
- safety
- energy
- cleaning
Why should somebody buy it? What speaks against it? Explain your reasoning step by step.`;
const REVIEW = `Review this change: explain each problem, and why it matters.
\`\`\`ts
export async function loadUsers(ids: string[]): Promise<User[]> {
  const found = await Promise.all(ids.map((id) => userStore.findById(id)));
  if (found.length == 0) { throw new NotFoundError("nobody"); }
  return found.filter((user) => user !== undefined && user.isActive);
}
\`\`\``;
const PROBLEM =
  "A shop sells pens for $1.25 and pads for $3. How many of each did Ann buy if the total was $17 and she bought twice as many pens? 2x + y = 17";

describe("the analysis of a job", () => {
  it("tells a ticket from an article to be written, a code review and a calculation", () => {
    expect(complexity(TICKET)).toBeLessThan(0.2);
    for (const harder of [ARTICLE, REVIEW, PROBLEM]) expect(complexity(harder)).toBeGreaterThan(complexity(TICKET) + 0.15);
    expect(complexity(REVIEW)).toBeGreaterThan(0.3);
  });

  it("gives its reasons in words, which add up to the complexity", () => {
    for (const plain of [TICKET, "Many thanks for the 2 parcels"]) expect(reasonsOf(plain)).not.toContain("mathematics");
    expect(reasonsOf(PROBLEM)).toContain("mathematics");
    expect(reasonsOf(REVIEW)).toContain("code");
    expect(reasonsOf(ARTICLE)).toContain("several steps");
    expect(reasonsOf(ARTICLE)).toContain("constraints");
    for (const text of [TICKET, ARTICLE, REVIEW, PROBLEM]) {
      const { complexity: whole, reasons } = of(text);
      const sum = reasons.reduce((total, reason) => total + Number(reason.split(" ")[0]), 0.1);
      expect(sum).toBeCloseTo(whole, 1);
    }
  });

  it("counts a long text, a large structure to fill, and constraints in the task's prompt", () => {
    const plain = "The weather was fine and the people went home. ";
    expect(complexity(plain.repeat(800))).toBeGreaterThan(complexity(plain) + 0.3);
    const properties = Object.fromEntries("abcdefgh".split("").map((name) => [name, { type: "string" }]));
    const output = { type: "object", properties: { lines: { type: "array", items: { type: "object", properties } } } };
    expect(reasonsOf(TICKET, { output })).toContain("output: 9 fields, 3 deep");
    const prompt = { system: "You must never guess. Answer only with exactly one label, unless there is none.", user: "{{ input.text }}" };
    expect(complexity(TICKET, { prompt })).toBeGreaterThan(complexity(TICKET));
  });

  it.each([
    ["Where is my parcel? I ordered it two weeks ago and it has not come.", "en"],
    ["Wo bleibt mein Paket? Ich habe es vor zwei Wochen bestellt und es ist noch nicht da.", "de"],
    ["Où est ma commande ? Je ne l'ai pas encore reçue et vous ne répondez pas.", "fr"],
    ["¿Dónde está mi pedido? No ha llegado y ya es el segundo que no llega.", "es"],
    ["Dov'è il mio ordine? Non è ancora arrivato e non ho ricevuto una risposta.", "it"],
    ["Где мой заказ? Он до сих пор не пришёл.", "ru"],
    ["我的订单在哪里？已经两周了。", "zh"],
    ["注文した商品がまだ届きません。", "ja"],
    ["주문한 상품이 아직 도착하지 않았습니다", "ko"],
  ])("guesses the language of %j", (text, language) => {
    expect(of(text).language).toBe(language);
  });

  it("names no language where there is hardly a word", () => {
    expect(of("ok 12345").language).toBeUndefined();
    expect(of("").language).toBeUndefined();
  });

  it("sees more than one script", () => {
    expect(reasonsOf("Please translate this for the customer: 我的订单在哪里？已经两周了")).toContain("more than one script");
    expect(reasonsOf("注文した商品がまだ届きません。")).not.toContain("script");
  });

  it("takes names such as PhD, iPhone and JavaScript for no code", () => {
    expect(readSignals("A PhD from McDonald bought an iPhone by PayPal to learn JavaScript").codeMarks).toBe(0);
    expect(readSignals("loadUsers, user_store, NullPointerException").codeMarks).toBe(3);
  });

  it("reads the messages of an OpenAI body, and no images", () => {
    const image = { type: "image_url", image_url: { url: `data:image/png;base64,${"A".repeat(10_000)}` } };
    const body: JsonObject = { model: "auto", messages: [{ role: "user", content: [{ type: "text", text: PROBLEM }, image] }] };
    const job = jobSpec({ input: {}, body });
    expect(jobText(job)).toBe(PROBLEM);
    expect(analyse(job, taskSpec(), 60).reasons.join()).toContain("mathematics");
  });

  it("reads a bounded part of whatever there is: the beginning, places in the middle, the end", () => {
    const long = `begin ${"x ".repeat(500_000)} end`;
    const text = jobText(jobSpec({ input: { text: long } }));
    expect(text.length).toBeLessThan(4_000);
    expect(text.startsWith("begin")).toBe(true);
    expect(text.endsWith("end")).toBe(true);
    const wide: JsonObject = { cells: Array.from({ length: 100_000 }, (_, i) => ({ value: i })) };
    expect(jobText(jobSpec({ input: wide })).length).toBeLessThan(4_000);
    let deep: JsonValue = "bottom";
    for (let i = 0; i < 5_000; i++) deep = [deep];
    expect(jobText(jobSpec({ input: { deep } }))).toBe("");
  });

  it("is a number from 0 to 1 for every row, the same each time", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.string({ unit: "binary" }), fc.nat(1_000_000), (fields, text, tokens) => {
        const job = jobSpec({ input: { ...(fields as JsonObject), text } });
        const found = analyse(job, taskSpec(), tokens);
        expect(found.complexity).toBeGreaterThanOrEqual(0);
        expect(found.complexity).toBeLessThanOrEqual(1);
        expect(analyse(job, taskSpec(), tokens)).toEqual(found);
      }),
    );
  });
});

describe("a task's own function", () => {
  const own = (complexity: (input: JsonValue) => number): Partial<TaskSpec> => ({ analyse: { kind: "function", complexity } });

  it("is asked instead of the rules, and held between 0 and 1", () => {
    expect(
      of(
        ARTICLE,
        own((input) => (input as { text: string }).text.length / 1_000),
      ),
    ).toMatchObject({ complexity: ARTICLE.length / 1_000 });
    expect(
      of(
        TICKET,
        own(() => 7),
      ),
    ).toEqual({ complexity: 1, reasons: ["the task's own function says 7"] });
    expect(
      complexity(
        TICKET,
        own(() => -Infinity),
      ),
    ).toBe(0);
  });

  it("that throws, or gives no number, leaves it to the rules, and says so", () => {
    const broken = own(() => {
      throw new Error("no such field");
    });
    expect(of(TICKET, broken)).toMatchObject({
      complexity: complexity(TICKET),
      reasons: expect.arrayContaining([expect.stringContaining("failed: no such field")]),
    });
    expect(
      reasonsOf(
        TICKET,
        own(() => Number.NaN),
      ),
    ).toContain("gave NaN, not a number");
    expect(
      reasonsOf(
        TICKET,
        own(() => "high" as unknown as number),
      ),
    ).toContain("gave high");
  });
});
