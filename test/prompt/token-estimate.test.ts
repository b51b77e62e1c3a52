import * as fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import type { JsonObject, JsonValue } from "../../src/job/json.ts";
import type { ModelSpec } from "../../src/job/model.ts";
import type { PromptRequest } from "../../src/job/request.ts";
import { createTokenEstimator, type TokenEstimate, type TokenEstimator } from "../../src/prompt/token-estimate.ts";
import { toOpenAiBody } from "../../src/providers/openai-request.ts";
import { isObjectSchema, schemaInstruction } from "../../src/providers/output-schema.ts";
import { createOpenaiFormat } from "../../src/simulator/openai-format.ts";

const prompt = (content: string, extra: Partial<PromptRequest> = {}): PromptRequest => ({
  kind: "prompt",
  messages: [{ role: "user", content }],
  ...extra,
});
const chat = (body: JsonObject) => ({ kind: "openai-chat", body }) as const;

let estimator: TokenEstimator;
beforeAll(async () => {
  estimator = await createTokenEstimator();
});
const inputOf = (content: string) => estimator.estimate(prompt(content)).inputTokens;

describe("a token estimate", () => {
  it("counts the tokens of the text as OpenAI's tokenizer does, and some around each message", () => {
    expect(estimator.estimate(prompt("Where is my parcel?"))).toEqual({
      inputTokens: 3 + 4 + 5,
      inputCharacters: 19,
      outputTokens: 256,
    });
    expect(estimator.estimate(prompt("Where is my parcel?", { system: "You sort tickets." })).inputTokens).toBe(12 + 4 + 4);
    expect(inputOf("界".repeat(100))).toBe(3 + 4 + 100);
  });

  it("takes a vendor's control tokens for text", () => {
    expect(inputOf("<|endoftext|>")).toBeGreaterThan(3 + 4 + 3);
    expect(inputOf("a <|im_start|> b <|endofprompt|>")).toBeGreaterThan(3 + 4 + 6);
  });

  it("expects a short answer where a schema asks for one, and none beyond the limit", () => {
    const output = { type: "object", properties: { label: { enum: ["a", "b"] } } };
    const structured = estimator.estimate(prompt("x", { output }));
    expect(structured.outputTokens).toBeLessThan(64);
    expect(structured.inputTokens).toBeGreaterThan(inputOf("x"));
    expect(estimator.estimate(prompt("x", { maxOutputTokens: 10 }))).toMatchObject({ outputTokens: 10, maxOutputTokens: 10 });
  });

  it("counts a schema once: in its format, or in the words that ask for it", () => {
    const output = {
      type: "object",
      properties: Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`field${i}`, { type: "string" }])),
    };
    const [inFormat, inWords] = [undefined, schemaInstruction(output)].map((words) => estimator.estimate(prompt("x", { output }), words));
    expect(inWords!.inputTokens - inFormat!.inputTokens).toBeGreaterThan(0);
    expect(inWords!.inputTokens - inFormat!.inputTokens).toBeLessThan(60);
    expect(inWords!.outputTokens).toBe(inFormat!.outputTokens);
  });

  it("reads an OpenAI body: its messages, tools, limit and number of answers", () => {
    const messages = [{ role: "user", content: "Where is my parcel?" }];
    const estimate = estimator.estimate(chat({ messages, max_tokens: 20, n: 3, tools: [{ type: "function", function: { name: "f" } }] }));
    expect(estimate).toMatchObject({ outputTokens: 60, maxOutputTokens: 60 });
    expect(estimate.inputTokens).toBeGreaterThan(3 + 4 + 5);
  });

  it("takes no notice of a limit or a number of answers that no vendor would take", () => {
    for (const odd of [-1, 0, 0.5, 1e308, "8", null, [3]]) {
      expect(estimator.estimate(chat({ messages: [], max_tokens: odd, n: odd }))).toEqual(estimator.estimate(chat({ messages: [] })));
    }
  });

  it("does not take an image's data for text", () => {
    const content: JsonValue = [
      { type: "text", text: "x" },
      { type: "image_url", image_url: { url: `data:image/png;base64,${"A".repeat(100_000)}` } },
    ];
    expect(estimator.estimate(chat({ messages: [{ role: "user", content }] })).inputTokens).toBeLessThan(1_100);
  });

  it("stays near the whole count where a long text is sampled", () => {
    const paragraphs = Array.from({ length: 400 }, (_, i) => `Row ${i}: the parcel of customer ${i * 7_919} is late by ${i % 9} days.\n`);
    const whole = paragraphs.reduce((sum, text) => sum + inputOf(text) - 7, 7);
    expect(Math.abs(inputOf(paragraphs.join("")) / whole - 1)).toBeLessThan(0.05);
  });

  it("costs no more for a thousand parts than for one text", () => {
    const parts = Array.from({ length: 1_000 }, () => ({ type: "text", text: "Where is my parcel?" }));
    const { inputTokens, inputCharacters } = estimator.estimate(chat({ messages: [{ role: "user", content: parts }] }));
    expect(inputCharacters).toBe(1_000 * 19 + 999);
    expect(Math.abs(inputTokens / 5_500 - 1)).toBeLessThan(0.15);
  });
});

describe("the characters of a request", () => {
  const format = createOpenaiFormat({ headers: true });
  const charactersAsked = (body: JsonObject): number => {
    const parsed = format.parse({ model: "m", ...body }, {});
    if (parsed.kind === "error") throw new Error(parsed.error.kind);
    return parsed.ask.inputCharacters;
  };
  const text = fc.string({ unit: "binary" });
  const part = fc.oneof(
    fc.record({ type: fc.constant("text"), text }),
    fc.record({ type: fc.constant("image_url"), image_url: fc.record({ url: text }) }),
    fc.record({ content: text }),
    fc.record({ content: fc.array(fc.record({ text })) }),
    fc.constant(null),
  );
  const content = fc.oneof(text, fc.array(part, { maxLength: 4 }), fc.constant(null));
  const role = fc.constantFrom("system", "developer", "user", "assistant", "tool");
  const messages = fc.array(fc.record({ role, content }), { minLength: 1, maxLength: 5 });

  it("are those that the vendor counts, for any body", () => {
    fc.assert(
      fc.property(messages, (messages) => {
        expect(estimator.estimate(chat({ messages })).inputCharacters).toBe(charactersAsked({ messages }));
      }),
    );
  });

  it("are those that the vendor counts, for any prompt as it is sent", () => {
    const schemas = fc.constantFrom(undefined, true, { type: "string" }, { type: "object", properties: { a: { type: "string" } } });
    const request = fc.record({ system: fc.option(text, { nil: undefined }), user: text, output: schemas });
    fc.assert(
      fc.property(request, fc.boolean(), ({ system, user, output }, jsonSchema) => {
        const model = { name: "m", capabilities: { jsonSchema } } as ModelSpec;
        const asked = prompt(user, { ...(system === undefined ? {} : { system }), ...(output === undefined ? {} : { output }) });
        const isInWords = output !== undefined && !(isObjectSchema(output) && jsonSchema);
        const estimate = estimator.estimate(asked, isInWords ? schemaInstruction(output) : undefined);
        expect(estimate.inputCharacters).toBe(charactersAsked(toOpenAiBody(model, "openai", asked)));
      }),
    );
  });
});

describe("a token estimate of anything", () => {
  const isSound = ({ inputTokens, inputCharacters, outputTokens, maxOutputTokens = Infinity }: TokenEstimate): boolean =>
    [inputTokens, inputCharacters, outputTokens].every((number) => Number.isSafeInteger(number) && number >= 0) &&
    outputTokens <= maxOutputTokens;
  /** Halves of letters, byte-order marks, control tokens and all. */
  const anyText = fc
    .array(
      fc.oneof(
        fc.string({ unit: "binary" }),
        fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
        fc.constantFrom("\uFEFF", "<|endoftext|>", " ", "\n", "\u{1F600}"),
      ),
    )
    .map((pieces) => pieces.join(""));

  it("is a number of tokens, and no exception, whatever the text", () => {
    fc.assert(
      fc.property(
        anyText,
        anyText,
        fc.option(fc.integer({ min: 1, max: 100_000 }), { nil: undefined }),
        (user, system, maxOutputTokens) => {
          expect(isSound(estimator.estimate(prompt(user, { system, ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }) })))).toBe(
            true,
          );
        },
      ),
      { numRuns: 500 },
    );
  });

  it("is a number of tokens, and no exception, whatever the body", () => {
    const anything = fc.jsonValue() as fc.Arbitrary<JsonValue>;
    const body = fc.record(
      {
        messages: anything,
        tools: anything,
        response_format: anything,
        n: anything,
        max_tokens: anything,
        max_completion_tokens: anything,
      },
      { requiredKeys: [] },
    );
    fc.assert(fc.property(body, (body) => isSound(estimator.estimate(chat(body)))));
    for (const messages of [null, 5, "x", [null, 1, { content: 5 }, { content: [null, 3] }]])
      expect(isSound(estimator.estimate(chat({ messages })))).toBe(true);
  });

  it("does not get smaller by more than a token or so where text is added", () => {
    fc.assert(
      fc.property(anyText, anyText, (text, more) => {
        expect(inputOf(text + more)).toBeGreaterThanOrEqual(inputOf(text) - 2);
      }),
    );
  });

  it.each([
    ["one letter", "a"],
    ["blanks", " "],
    ["line ends", "\n"],
    ["digits", "7"],
    ["families", "👨‍👩‍👧‍👦"],
    ["accents without letters", "\u0301"],
    ["halves of letters", "\uD800"],
    ["Chinese without punctuation", "界"],
  ])("does not take long for half a million characters of %s: it is sampled", (_, piece) => {
    const long = piece.repeat(500_000 / piece.length);
    expect(isSound(estimator.estimate(prompt(long)))).toBe(true);
    // Counting all of it would take sixty times as long as counting the other.
    const [ofLong, ofShort] = [long, "The parcel of this customer is late by some days. ".repeat(160)].map((text) =>
      fastest(() => inputOf(text)),
    );
    expect(ofLong).toBeLessThan(20 * ofShort!);
  });
});

function fastest(run: () => unknown): number {
  return Math.min(
    ...Array.from({ length: 5 }, () => {
      const startedAt = performance.now();
      run();
      return performance.now() - startedAt;
    }),
  );
}
