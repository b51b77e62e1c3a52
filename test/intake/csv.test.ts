import { stringify } from "csv-stringify/sync";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { brief, rowsOf } from "./chunks.ts";

const csv = { format: "csv" } as const;

describe("rows of CSV", () => {
  it("the header names the fields, quoted fields hold commas, quotes and line ends", async () => {
    const rows = await rowsOf('\ufeffid, text\r\n1,"a, ""b"""\r\n\r\n2,"two\r\n\r\nlines"\r\n3,last', csv);
    expect(rows.map(brief)).toEqual([
      { line: 2, input: { id: "1", text: 'a, "b"' } },
      { line: 4, input: { id: "2", text: "two\r\n\r\nlines" } },
      { line: 7, input: { id: "3", text: "last" } },
    ]);
    expect(rows.map((row) => row.id)).toEqual(["1", "2", "3"]);
  });

  it("a record with too few or too many fields is bad, the rest goes on", async () => {
    const rows = await rowsOf("a,b\n1\n1,2\n1,2,3\n4,5\n", csv);
    expect(rows.map(brief)).toEqual([
      { line: 2, reason: "the record has 1 fields, the header row has 2" },
      { line: 3, input: { a: "1", b: "2" } },
      { line: 4, reason: "the record has 3 fields, the header row has 2" },
      { line: 5, input: { a: "4", b: "5" } },
    ]);
  });

  it("a stray quote costs its own record only", async () => {
    const rows = await rowsOf('a,b\n1,12" screen\n2,"x" y\n3,ok\n', csv);
    expect(rows.map((row) => [row.line, row.kind])).toEqual([
      [2, "bad"],
      [3, "bad"],
      [4, "good"],
    ]);
  });

  it("a quote that never closes costs its line only, even when the next quote comes much later", async () => {
    const plain = Array.from({ length: 50 }, (_, i) => `${i},fine`).join("\n");
    for (const tail of ["", '\n99,"a, quoted one"', '\n98,"x"']) {
      const rows = await rowsOf(`a,b\n0,"open\n${plain}${tail}\n`, csv);
      expect(rows[0]).toMatchObject({ kind: "bad", line: 2, reason: "a quote opens in this line and never closes" });
      expect(rows.slice(1).every((row) => row.kind === "good")).toBe(true);
      expect(rows).toHaveLength(51 + (tail ? 1 : 0));
    }
  });

  it("a long text with a stray quote inside is one bad row, not a row per line", async () => {
    const rows = await rowsOf('a,b\n1,"Dear all\nhe said "hi" to me\nBye",x\n2,fine\n', csv);
    expect(rows[0]).toMatchObject({ kind: "bad", line: 2, reason: "text follows a closing quote (lines 2 to 3)" });
    expect(rows.at(-1)).toMatchObject({ kind: "good", line: 5 });
  });

  it("a record above the limit is one bad row with its size, over however many lines", async () => {
    const text = Array.from({ length: 200 }, () => "a line of prose").join("\n");
    const rows = await rowsOf(`a,b\n1,"${text}"\n2,${"x".repeat(2000)}\n3,fine\n`, { ...csv, maxRowBytes: 1000 });
    expect(rows.map((row) => [row.line, row.kind])).toEqual([
      [2, "bad"],
      [202, "bad"],
      [203, "good"],
    ]);
    expect(rows[0]).toMatchObject({ reason: expect.stringMatching(/^the row is too large: 3\d{3} bytes/) });
  });

  it("a record that is not UTF-8 is bad, its neighbours are not", async () => {
    const rows = await rowsOf(Buffer.concat([Buffer.from("a,b\n1,x\n2,"), Buffer.from([0xe9]), Buffer.from("\n3,é\n")]), csv);
    expect(rows.map(brief)).toEqual([
      { line: 2, input: { a: "1", b: "x" } },
      { line: 3, reason: "the record is not valid UTF-8" },
      { line: 4, input: { a: "3", b: "é" } },
    ]);
  });

  it("cells become numbers and booleans where the schema asks for them, and stay strings where they don't fit", async () => {
    const schema = {
      type: "object",
      properties: {
        n: { type: "integer" },
        x: { type: ["number", "null"] },
        yes: { type: "boolean" },
        s: { type: "string" },
        both: { type: ["string", "number"] },
      },
    };
    const rows = await rowsOf("n,x,yes,s,both\n5, 1.5e3,TRUE,7,7\n,,false,,\n007,x,1,true,\n", { ...csv, schema });
    expect(rows.map((row) => row.kind === "good" && row.input)).toEqual([
      { n: 5, x: 1500, yes: true, s: "7", both: "7" },
      { x: null, yes: false, s: "", both: "" },
      { n: "007", x: "x", yes: "1", s: "true", both: "" },
    ]);
  });

  it("a header that can't be used stops the reading with a reason", async () => {
    await expect(rowsOf("a,a\n1,2\n", csv)).rejects.toThrow('the CSV header row (line 1) names the column "a" twice');
    await expect(rowsOf("a,\n1,2\n", csv)).rejects.toThrow("no usable name in column 2");
    await expect(rowsOf('\n"a\n1,2\n', csv)).rejects.toThrow("the CSV header row (line 2) can't be read");
    expect(await rowsOf("a,b\n", csv)).toEqual([]);
    expect(await rowsOf("", csv)).toEqual([]);
  });

  it("whatever a CSV writer wrote is read back the same", async () => {
    const text = fc.string({ unit: fc.constantFrom("a", ",", '"', "\n", "\r\n", "é", " ") });
    const table = fc.array(fc.tuple(text, text), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(table, fc.array(fc.nat(400), { maxLength: 10 }), async (records, places) => {
        const kept = records.filter(([a, b]) => `${a}${b}`.trim() !== "");
        const rows = await rowsOf(stringify([["a", "b"], ...kept], { quoted: true }), csv, places);
        expect(rows.map((row) => row.kind === "good" && row.input)).toEqual(kept.map(([a, b]) => ({ a, b })));
      }),
      { numRuns: 300 },
    );
  });
});
