import { describe, expect, it } from "vitest";
import { detectFormat, peekFormat } from "../../src/intake/format.ts";
import { collect, streamOf } from "./chunks.ts";

const OPENAI_LINE = '{"custom_id":"r-1","method":"POST","url":"/v1/chat/completions","body":{"messages":[]}}';

describe("the format of an input", () => {
  it("is CSV by its name, OpenAI-batch by its first readable object, else JSONL", () => {
    expect(detectFormat("rows.CSV", Buffer.from("{}"))).toBe("csv");
    expect(detectFormat("rows.jsonl", Buffer.from(`\ufeff\nbroken\n${OPENAI_LINE}\n{}`))).toBe("openai");
    expect(detectFormat("rows.jsonl", Buffer.from(`{"custom_id":"a"}\n${OPENAI_LINE}`))).toBe("jsonl");
    expect(detectFormat("-", Buffer.from(""))).toBe("jsonl");
  });

  it("is found in a stream without losing a byte of it", async () => {
    const text = `\n${OPENAI_LINE}\n${OPENAI_LINE}\n`;
    const { format, source } = await peekFormat("-", streamOf([...Buffer.from(text)].map((byte) => Buffer.from([byte]))));
    expect(format).toBe("openai");
    expect(Buffer.concat(await collect(source)).toString()).toBe(text);
  });

  it("is found as soon as the first line is there, though the pipe stays open", async () => {
    expect((await peekFormat("-", slow())).format).toBe("openai");
  });

  it("is JSONL when no line of the start can be read, and all of it is delivered", async () => {
    const chunks = Array.from({ length: 40 }, () => Buffer.alloc(64 * 1024, "x"));
    const { format, source } = await peekFormat("-", streamOf(chunks));
    expect(format).toBe("jsonl");
    expect(Buffer.concat(await collect(source)).length).toBe(40 * 64 * 1024);
  });

  it("what is no text in UTF-8 is refused with the way to convert it", () => {
    expect(() => detectFormat("a.jsonl", Buffer.from([0xff, 0xfe, 0x7b, 0x00]))).toThrow("a.jsonl is UTF-16 text");
    expect(() => detectFormat("a.jsonl.gz", Buffer.from([0x1f, 0x8b, 8]))).toThrow("compressed with gzip");
    expect(() => detectFormat("a.csv", Buffer.from([0x50, 0x4b, 3, 4]))).toThrow("zip archive");
    expect(detectFormat("a.csv", Buffer.from("PK,text\n"))).toBe("csv");
  });
});

async function* slow() {
  yield Buffer.from(`${OPENAI_LINE}\n`);
  await new Promise(() => undefined);
}
