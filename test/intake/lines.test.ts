import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createLineSplitter, isBlank, type Line } from "../../src/intake/lines.ts";
import { cut } from "./chunks.ts";

function split(bytes: Uint8Array, places: readonly number[] = [], maxLineBytes = 1000): Line[] {
  const splitter = createLineSplitter({ maxLineBytes });
  return [...cut(bytes, places).flatMap((chunk) => splitter.push(chunk)), ...splitter.end()];
}

const texts = (lines: readonly Line[]) => lines.map((line) => (line.kind === "whole" ? line.content.toString() : line.kind));

describe("lines", () => {
  it("lines end with LF or CRLF, the last one with the input", () => {
    const lines = split(Buffer.from("a\nb\r\n\nc"));
    expect(texts(lines)).toEqual(["a", "b", "", "c"]);
    expect(lines.map((line) => line.number)).toEqual([1, 2, 3, 4]);
    expect(lines.map((line) => line.kind === "whole" && line.end)).toEqual(["\n", "\r\n", "\n", ""]);
    expect(lines.map(isBlank)).toEqual([false, false, true, false]);
  });

  it("an input that ends with a line end has no empty line after it", () => {
    expect(texts(split(Buffer.from("a\n")))).toEqual(["a"]);
    expect(split(Buffer.from(""))).toEqual([]);
  });

  it("a byte-order mark at the start of the input is skipped, one elsewhere is kept", () => {
    const bom = Buffer.from([0xef, 0xbb, 0xbf]);
    expect(texts(split(Buffer.concat([bom, Buffer.from("a\n"), bom, Buffer.from("b")])))).toEqual(["a", "\ufeffb"]);
  });

  it("a line above the limit gives its size, and the next line is read as usual", () => {
    const lines = split(Buffer.from(`${"x".repeat(5000)}\nshort\n`), [700, 1400, 4000]);
    expect(texts(lines)).toEqual(["too-long", "short"]);
    expect(lines[0]?.bytes).toBe(5000);
  });

  it("the limit counts neither the line end nor the byte-order mark", () => {
    const line = `\ufeff${"x".repeat(10)}\r\n`;
    expect(texts(split(Buffer.from(line), [], 10))).toEqual(["xxxxxxxxxx"]);
    expect(texts(split(Buffer.from(line), [], 9))).toEqual(["too-long"]);
  });

  it("a line that never ends holds no more memory than the limit", () => {
    const splitter = createLineSplitter({ maxLineBytes: 1000 });
    const chunk = Buffer.alloc(1024 * 1024, "x");
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 200; i++) splitter.push(Buffer.from(chunk));
    const [line] = splitter.end();
    expect(line).toMatchObject({ kind: "too-long", bytes: 200 * 1024 * 1024 });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(200 * 1024 * 1024);
  });

  it("where the chunks are cut makes no difference", () => {
    const byte = fc.constantFrom(0x0a, 0x0a, 0x0d, 0x61, 0x62, 0xef, 0xbb, 0xbf, 0x22);
    const bytes = fc
      .tuple(fc.boolean(), fc.array(byte, { maxLength: 60 }))
      .map(([bom, rest]) => Buffer.from([...(bom ? [0xef, 0xbb, 0xbf] : []), ...rest]));
    fc.assert(
      fc.property(bytes, fc.array(fc.nat(80), { maxLength: 12 }), fc.integer({ min: 1, max: 12 }), (input, places, limit) => {
        expect(split(input, places, limit)).toEqual(split(input, [], limit));
      }),
      { numRuns: 500 },
    );
  });
});
