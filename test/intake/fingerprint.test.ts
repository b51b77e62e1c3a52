import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { assertUnchanged, createDigester, fingerprintFile } from "../../src/intake/fingerprint.ts";
import { rowsOf } from "./chunks.ts";

describe("the fingerprint of a file", () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "modelfleet-intake-"));
  });
  afterAll(() => rm(dir, { recursive: true }));

  const fingerprintOf = async (content: Buffer | string) => {
    const path = join(dir, "input");
    await writeFile(path, content);
    return fingerprintFile(path);
  };

  it("is the same for the same content and another when head, tail or size differ", async () => {
    const content = Buffer.alloc(300_000, "x");
    const changed = (at: number) => Buffer.concat([content.subarray(0, at), Buffer.from("y"), content.subarray(at + 1)]);
    const original = await fingerprintOf(content);
    expect(await fingerprintOf(Buffer.from(content))).toBe(original);
    const others = [
      await fingerprintOf(changed(0)),
      await fingerprintOf(changed(299_999)),
      await fingerprintOf(content.subarray(1)),
      await fingerprintOf(""),
    ];
    expect(new Set([original, ...others]).size).toBe(5);
  });

  it("is not given for what has no size", async () => {
    expect(await fingerprintFile("/dev/null")).toBeUndefined();
  });
});

describe("the digests of the rows", () => {
  const lines = Array.from({ length: 2500 }, (_, i) => `{"n":${i}}`);

  it("come for each thousand rows and for the rest, with their lines", async () => {
    const digests = await digestsOf(["", ...lines]);
    expect(digests.map(({ index, rows, firstLine, lastLine }) => [index, rows, firstLine, lastLine])).toEqual([
      [0, 1000, 2, 1001],
      [1, 1000, 1002, 2001],
      [2, 500, 2002, 2501],
    ]);
  });

  it("a changed row shows in the digest of its thousand only, and the refusal names the lines", async () => {
    const before = await digestsOf(lines);
    const after = await digestsOf(lines.with(1500, '{"n":"other"}'));
    expect(after.map((rows, i) => rows.digest === before[i]?.digest)).toEqual([true, false, true]);
    expect(() => after.forEach((rows, i) => assertUnchanged(rows, before[i]?.digest))).toThrow("lines 1001 to 2000 are not what they were");
    expect(() => after.forEach((rows) => assertUnchanged(rows, undefined))).not.toThrow();
  });
});

async function digestsOf(texts: readonly string[]) {
  const digester = createDigester();
  const rows = await rowsOf(texts.join("\n"), { format: "jsonl" });
  return [...rows.map((row) => digester.add(row)), digester.end()].filter((digest) => digest !== undefined);
}
