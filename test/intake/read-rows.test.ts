import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createInputValidator } from "../../src/intake/validate.ts";
import { brief, rowsOf } from "./chunks.ts";

const jsonl = { format: "jsonl" } as const;

describe("rows of JSONL", () => {
  it("blank lines are skipped but counted, so that line numbers are the file's", async () => {
    const rows = await rowsOf('\ufeff{"a":1}\r\n\r\n   \n{"a":2}', jsonl);
    expect(rows.map(({ row, line }) => [row, line])).toEqual([
      [0, 1],
      [1, 4],
    ]);
    expect(rows.map(brief)).toEqual([
      { line: 1, input: { a: 1 } },
      { line: 4, input: { a: 2 } },
    ]);
  });

  it("a bad line is a bad row with its reason, and the rest goes on", async () => {
    const text = Buffer.concat([
      Buffer.from('{"a": 1}\n{"a": hello}\n{"a": 1\n[1,2]\n'),
      Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d, 0x0a]),
      Buffer.from(`{"a": "${"x".repeat(3000)}"}\n{"a": 2}\n`),
    ]);
    const rows = await rowsOf(text, { ...jsonl, maxRowBytes: 1000 });
    expect(rows.map(brief)).toEqual([
      { line: 1, input: { a: 1 } },
      { line: 2, reason: "broken JSON at column 7: Unexpected token 'h'" },
      { line: 3, reason: expect.stringMatching(/^broken JSON.*/) },
      { line: 4, reason: "the row must be a JSON object, not an array" },
      { line: 5, reason: "the line is not valid UTF-8" },
      { line: 6, reason: "the row is too large: 3009 bytes, above the limit of a row" },
      { line: 7, input: { a: 2 } },
    ]);
    expect(rows.map((row) => row.row)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  it("broken JSON is described with the column of the break", async () => {
    const reasons = await rowsOf(
      '{"a": 1,}\n{"a": tru}\n{a: 1}\n{"a": 1} x\n{"a": "x\n{"a": 1 "b": 2}\n{"aaaaaaaaaaaaaaaaaaaaaaaaaaaa": ?}',
      jsonl,
    );
    expect(reasons.map((row) => row.kind === "bad" && row.reason)).toMatchInlineSnapshot(`
      [
        "broken JSON at column 9: Expected double-quoted property name",
        "broken JSON at column 10: Unexpected token '}'",
        "broken JSON at column 2: Expected property name or '}'",
        "broken JSON at column 10: Unexpected non-whitespace character after JSON",
        "broken JSON at column 9: Unterminated string",
        "broken JSON at column 9: Expected ',' or '}' after property value",
        "broken JSON at column 34: Unexpected token '?'",
      ]
    `);
  });

  it("a row nested so deeply that it could not be written out again is bad", async () => {
    const [row, next] = await rowsOf(`{"a":${"[".repeat(50_000)}${"]".repeat(50_000)}}\n{}`, jsonl);
    expect(row).toMatchObject({ kind: "bad", reason: "the row is nested more than 200 levels deep" });
    expect(next?.kind).toBe("good");
  });

  it("the label is id or custom_id, a string or a number", async () => {
    const rows = await rowsOf('{"id":"x"}\n{"id":7}\n{"custom_id":"y"}\n{"id":null}\n{"id":{}}\n{"id":12345678901234567890}', jsonl);
    expect(rows.map((row) => row.id)).toEqual(["x", "7", "y", undefined, undefined, undefined]);
    expect(rows.at(-1)).toMatchObject({ kind: "bad", reason: "the id is a number too large to be exact: write it as a string" });
  });

  it("a repeated label makes the second row bad, and names the line of the first", async () => {
    const rows = await rowsOf('{"id":"x"}\n\n{"id":"x"}\n{"id":"z"}\n{"custom_id":"x"}', jsonl);
    expect(rows.map((row) => (row.kind === "bad" ? row.reason : "good"))).toEqual([
      "good",
      'the id "x" was used before, in line 1',
      "good",
      'the id "x" was used before, in line 1',
    ]);
    expect(rows[1]?.id).toBe("x");
    expect((await rowsOf('{"id":"x"}\n{"id":"x"}', { ...jsonl, uniqueIds: false })).map((row) => row.kind)).toEqual(["good", "good"]);
  });

  it("a row that doesn't fit the input schema is bad, with its label kept", async () => {
    const validate = createInputValidator({ type: "object", required: ["text"], properties: { text: { type: "string" } } });
    const rows = await rowsOf('{"id":"a","text":"hi"}\n{"id":"b","text":5}\n{"id":"c"}', { ...jsonl, validate });
    expect(rows.map((row) => [row.id, row.kind === "bad" ? row.reason : "good"])).toEqual([
      ["a", "good"],
      ["b", "text: must be string, is 5"],
      ["c", "text: is required"],
    ]);
  });

  it("a row's digest tells of its bytes and nothing else", async () => {
    const [a, b, c] = await rowsOf('{"a":1}\r\n\n{"a":1}\n{"a":2}', jsonl);
    expect(a?.digest).toMatch(/^[0-9a-f]{32}$/);
    expect(b?.digest).toBe(a?.digest);
    expect(c?.digest).not.toBe(a?.digest);
  });

  it("where the chunks are cut makes no difference, whatever the format", async () => {
    const piece = fc.constantFrom(
      '{"id":"é","n":1}',
      "id,text",
      '1,"a"',
      '"x\ny",2',
      '"',
      ",",
      "\n",
      "\r\n",
      "\n\n",
      "é",
      "x".repeat(30),
      "\ufeff",
    );
    const options = fc.constantFrom(...(["jsonl", "csv", "openai"] as const)).map((format) => ({ format, maxRowBytes: 25 }));
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece, { maxLength: 30 }),
        fc.array(fc.nat(500), { maxLength: 20 }),
        options,
        async (pieces, places, options) => {
          const text = pieces.join("");
          expect(await attempt(text, options, places)).toEqual(await attempt(text, options));
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe("rows of OpenAI-batch lines", () => {
  it("a line gives its body; the input is empty and no input schema is asked", async () => {
    const [row] = await rowsOf(line({}), { format: "openai", validate: () => "never" });
    expect(row).toMatchObject({ kind: "good", id: "r-1", input: {}, body: { messages: [{ role: "user", content: "hi" }] } });
  });

  it("what no chat completion could be made of is bad, with its reason", async () => {
    const lines = [
      { custom_id: undefined },
      { method: "GET" },
      { method: undefined },
      { url: "/v1/embeddings" },
      { body: "x" },
      { body: { messages: [] } },
      { body: {} },
      { body: { messages: [1], stream: true } },
    ];
    const rows = await rowsOf(lines.map((changes, i) => line({ custom_id: `r-${i}`, ...changes })).join("\n"), { format: "openai" });
    expect(rows.map((row) => row.kind === "bad" && row.reason)).toEqual([
      "custom_id: must be a string",
      'method: must be "POST", not "GET"',
      'method: must be "POST", it is missing',
      'url: must be "/v1/chat/completions", not "/v1/embeddings"',
      "body: must be an object",
      "body.messages: must be an array of at least one message",
      "body.messages: must be an array of at least one message",
      "body.stream: must not be true, a batch's answers are not streamed",
    ]);
    expect(rows[1]?.id).toBe("r-1");
  });
});

async function attempt(...input: Parameters<typeof rowsOf>) {
  return rowsOf(...input).catch((error: Error) => error.message);
}

function line(changes: object): string {
  return JSON.stringify({
    custom_id: "r-1",
    method: "POST",
    url: "/v1/chat/completions",
    body: { messages: [{ role: "user", content: "hi" }] },
    ...changes,
  });
}
