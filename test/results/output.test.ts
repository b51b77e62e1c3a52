import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { parse } from "csv-parse/sync";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { JsonValue } from "../../src/job/json.ts";
import type { Result } from "../../src/job/result.ts";
import { writeOutputFile } from "../../src/results/output-file.ts";
import { writeOutput, type OutputOptions } from "../../src/results/output.ts";
import { answered, failed, streamOf, trailEntry } from "./sample-results.ts";

const json = (value: JsonValue) =>
  ({ answer: { text: JSON.stringify(value), json: value, finish: { unified: "stop", raw: "stop" } } }) as const;

const MEGABYTE = 1_000_000;

async function textOf(results: readonly Result[], options: OutputOptions): Promise<string> {
  let text = "";
  const sink = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  await writeOutput(streamOf(results), { ...options, sink });
  return text;
}

async function linesOf(results: readonly Result[], options: OutputOptions): Promise<unknown[]> {
  const text = await textOf(results, options);
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as unknown);
}

describe("output as JSONL", () => {
  const trail = [
    trailEntry({ model: "acme/large", outcome: "transient", reason: "503", latencyMs: 900, costNanoUsd: 0 }),
    trailEntry({ latencyMs: 321 }),
  ];

  it("an answered row tells its answer, model, cost in dollars, calls and latency", async () => {
    const rows = [answered(0, { id: "a", line: 3, trail, tags: { team: "x" }, ...json({ label: "billing" }) }), answered(1)];
    expect(await linesOf(rows, { format: "jsonl", which: "answered" })).toEqual([
      {
        id: "a",
        row: 0,
        line: 3,
        status: "answered",
        output: { label: "billing" },
        model: "acme/small",
        costUsd: 0.001234567,
        calls: 2,
        latencyMs: 321,
        tags: { team: "x" },
      },
      { row: 1, status: "answered", output: "answer 1", model: "acme/small", costUsd: 0.001234567, calls: 1, latencyMs: 250 },
    ]);
  });

  it("a failed row tells its error, its input and what was tried", async () => {
    const rows = [answered(0), failed(1, { id: "b", line: 2, input: { text: "hi" }, trail: trail.slice(0, 1) })];
    expect(await linesOf(rows, { format: "jsonl", which: "errors" })).toEqual([
      {
        id: "b",
        row: 1,
        line: 2,
        status: "error",
        error: { code: "exhausted", message: "every model was tried" },
        input: { text: "hi" },
        calls: 1,
        costUsd: 0,
        trail: [{ model: "acme/large", outcome: "transient", reason: "503" }],
      },
    ]);
  });

  it("an answer that is null or false in JSON is written as such", async () => {
    expect(await linesOf([answered(0, json(null)), answered(1, json(false))], { format: "jsonl", which: "all" })).toMatchObject([
      { output: null },
      { output: false },
    ]);
  });

  it("counts all results, written or not", async () => {
    const sink = new Writable({ write: (_chunk, _encoding, done) => done() });
    const counts = await writeOutput(streamOf([answered(0), failed(1), answered(2)]), { format: "jsonl", which: "errors", sink });
    expect(counts).toEqual({ written: 1, answered: 2, errors: 1, guardedCells: 0 });
  });
});

describe("output as CSV", () => {
  it("the fields of the answers become columns, nested ones are JSON", async () => {
    const rows = [
      answered(0, { id: "a", line: 2, ...json({ label: 'x, "y"\nz', scores: [1, 2] }) }),
      answered(1, json({ label: "b", sure: true })),
    ];
    expect(await records(rows, { which: "answered" })).toEqual([
      {
        id: "a",
        row: "0",
        line: "2",
        status: "answered",
        "output.label": 'x, "y"\nz',
        "output.scores": "[1,2]",
        "output.sure": "",
        output: "",
        model: "acme/small",
        costUsd: "0.001234567",
        calls: "1",
        latencyMs: "250",
      },
      {
        id: "",
        row: "1",
        line: "",
        status: "answered",
        "output.label": "b",
        "output.scores": "",
        "output.sure": "true",
        output: "",
        model: "acme/small",
        costUsd: "0.001234567",
        calls: "1",
        latencyMs: "250",
      },
    ]);
  });

  it("a field that turns up after the columns were fixed is kept in the column output", async () => {
    const rows = [...Array.from({ length: 300 }, (_, row) => answered(row, json({ a: row }))), answered(300, json({ a: 1, late: "x" }))];
    expect((await records(rows, { which: "answered" })).at(-1)).toMatchObject({ "output.a": "1", output: '{"late":"x"}' });
    expect((await records(rows, { which: "answered", fields: ["late"] })).at(-1)).toMatchObject({ "output.late": "x", output: '{"a":1}' });
  });

  it("errors have their code, message and input, and a cost without exponent", async () => {
    const rows = [answered(0), failed(1, { input: { a: 1 }, trail: [trailEntry({ costNanoUsd: 10 })] })];
    expect(await records(rows, { which: "errors" })).toEqual([
      {
        id: "",
        row: "1",
        line: "",
        status: "error",
        "error.code": "exhausted",
        "error.message": "every model was tried",
        input: '{"a":1}',
        costUsd: "0.00000001",
        calls: "1",
      },
    ]);
    expect(await records(rows, { which: "all" })).toMatchObject([
      { output: "answer 0", "error.code": "" },
      { output: "", "error.code": "exhausted" },
    ]);
  });

  describe("that a spreadsheet opens", () => {
    const rows = [
      answered(0, { id: "=cmd|'/c calc'!A0", ...json({ label: "=1+1", score: -5, note: "- one\n- two", deep: ["=1"] }) }),
      answered(1, { id: "-7", ...json({ label: "-2.5", late: "@x" }) }),
      answered(2, { answer: { text: "+1+1", finish: { unified: "stop", raw: null } } }),
      failed(3, { error: { code: "refused", message: "=no" } }),
    ];

    it("has a ' before texts that it would run, and numbers stay numbers", async () => {
      expect(await records(rows, { which: "all", fields: ["label", "score", "note", "deep"] })).toMatchObject([
        {
          id: "'=cmd|'/c calc'!A0",
          "output.label": "'=1+1",
          "output.score": "-5",
          "output.note": "'- one\n- two",
          "output.deep": '["=1"]',
        },
        { id: "-7", "output.label": "-2.5", output: '{"late":"@x"}' },
        { output: "'+1+1" },
        { "error.message": "'=no" },
      ]);
    });

    it("says how many, and leaves all as it is where that is asked for", async () => {
      const sink = () => new Writable({ write: (_chunk, _encoding, done) => done() });
      const options = { format: "csv", which: "all" } as const;
      expect((await writeOutput(streamOf(rows), { ...options, sink: sink() })).guardedCells).toBe(6);
      expect((await writeOutput(streamOf(rows), { ...options, isRaw: true, sink: sink() })).guardedCells).toBe(0);
      expect(await records(rows, { which: "all", fields: ["label", "note"], isRaw: true })).toMatchObject([
        { id: "=cmd|'/c calc'!A0", "output.label": "=1+1", "output.note": "- one\n- two" },
        {},
        { output: "+1+1" },
        {},
      ]);
    });
  });

  it("without rows there is still a header", async () => {
    expect(await textOf([], { format: "csv", which: "errors" })).toBe("id,row,line,status,error.code,error.message,input,costUsd,calls\n");
  });
});

describe("the columns of a CSV", () => {
  const long = "x".repeat(300_000);

  it("are those of the first rows, however long the first answer is", async () => {
    const rows = [answered(0, json({ label: "a", note: long })), answered(1, json({ label: "b", late: "y" }))];
    expect((await records(rows, { which: "answered" })).at(-1)).toMatchObject({ "output.label": "b", "output.late": "y", output: "" });
  });

  it("wait for no more answers than fit into memory with ease", async () => {
    const rows = Array.from({ length: 100 }, (_, row) => answered(row, json({ note: long })));
    expect((await records([...rows, answered(100, json({ late: "y" }))], { which: "answered" })).at(-1)).toMatchObject({
      output: '{"late":"y"}',
    });
  });
});

describe("output as OpenAI-batch lines", () => {
  it("an answer is a response with a chat completion: the vendor's own, else one made of the text", async () => {
    const body = { id: "chatcmpl-1", object: "chat.completion", choices: [] };
    const rows = [
      answered(0, {
        id: "r-1",
        answer: { text: "x", finish: { unified: "stop", raw: "stop" }, body },
        trail: [trailEntry({ requestId: "req_9" })],
      }),
      answered(1, { answer: { text: "cut", finish: { unified: "length", raw: "max_tokens" } } }),
    ];
    expect(await linesOf(rows, { format: "openai", which: "answered" })).toMatchObject([
      { id: "batch_req_b_0", custom_id: "r-1", response: { status_code: 200, request_id: "req_9", body }, error: null },
      {
        custom_id: "row-1",
        response: {
          status_code: 200,
          body: {
            object: "chat.completion",
            created: 2,
            model: "acme/small",
            choices: [{ index: 0, message: { role: "assistant", content: "cut" }, finish_reason: "length" }],
            usage: { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 },
          },
        },
        error: null,
      },
    ]);
  });

  it("an error has no response, and OpenAI's code where there is one", async () => {
    const rows = [
      failed(0, { id: "r-1", error: { code: "expired", message: "too late" } }),
      failed(1, { error: { code: "bad-input", message: "broken" } }),
    ];
    expect(await linesOf(rows, { format: "openai", which: "errors" })).toEqual([
      { id: "batch_req_b_0", custom_id: "r-1", response: null, error: { code: "batch_expired", message: "too late" } },
      { id: "batch_req_b_1", custom_id: "row-1", response: null, error: { code: "bad_input", message: "broken" } },
    ]);
  });
});

describe("the way out", () => {
  const many = Array.from({ length: 2000 }, (_, row) =>
    answered(row, { answer: { text: "x".repeat(5000), finish: { unified: "stop", raw: null } } }),
  );

  it.each([
    ["inputs of failed rows", "jsonl", failed(0, { input: { text: "x".repeat(MEGABYTE) } })],
    ["inputs of failed rows", "csv", failed(0, { input: { text: "x".repeat(MEGABYTE) } })],
    ["answers", "csv", answered(0, { answer: { text: "x".repeat(MEGABYTE), finish: { unified: "stop", raw: null } } })],
    [
      "vendors' bodies",
      "openai",
      answered(0, { answer: { text: "", body: { text: "x".repeat(MEGABYTE) }, finish: { unified: "stop", raw: null } } }),
    ],
  ] as const)("no piece is much longer than its longest line: %s as %s", async (_what, format, row) => {
    let longest = 0;
    let length = 0;
    const sink = new Writable({
      decodeStrings: false,
      write(chunk: string, _encoding, done) {
        longest = Math.max(longest, chunk.length);
        length += chunk.length;
        done();
      },
    });
    await writeOutput(streamOf(Array.from({ length: 30 }, () => row)), { format, which: "all", sink });
    expect(length).toBeGreaterThan(30 * MEGABYTE);
    expect(longest).toBeLessThan(2 * MEGABYTE);
  });

  it("results are read no faster than the sink takes them", async () => {
    let read = 0;
    let taken = 0;
    let furthest = 0;
    async function* counted() {
      for (const result of many) {
        furthest = Math.max(furthest, ++read - taken);
        yield result;
      }
    }
    const sink = new Writable({
      write(chunk, _encoding, done) {
        setImmediate(() => {
          taken += String(chunk).split("\n").length - 1;
          done();
        });
      },
    });
    await writeOutput(counted(), { format: "jsonl", which: "all", sink });
    expect(taken).toBe(2000);
    expect(furthest).toBeLessThan(1500);
  });

  it("a sink that fails ends the writing with its error", async () => {
    const sink = new Writable({ write: (_chunk, _encoding, done) => done(new Error("no space left")) });
    await expect(writeOutput(streamOf(many), { format: "jsonl", which: "all", sink })).rejects.toThrow("no space left");
  });

  describe("to a file", () => {
    let dir: string;
    beforeEach(async () => {
      dir = await mkdtemp(join(tmpdir(), "modelfleet-output-"));
    });
    afterEach(() => rm(dir, { recursive: true }));
    const options = { format: "jsonl", which: "all" } as const;

    it("the file is replaced when it is complete, and no draft is left", async () => {
      const path = join(dir, "out.jsonl");
      await writeFile(path, "old");
      expect(await writeOutputFile(path, streamOf(many), options)).toMatchObject({ written: 2000 });
      expect((await readFile(path, "utf8")).split("\n")).toHaveLength(2001);
      expect(await readdir(dir)).toEqual(["out.jsonl"]);
    });

    it("when reading the results fails the old file stays as it was", async () => {
      const path = join(dir, "out.jsonl");
      await writeFile(path, "old");
      await expect(writeOutputFile(path, breaking(), options)).rejects.toThrow("store is gone");
      expect(await readFile(path, "utf8")).toBe("old");
      expect(await readdir(dir)).toEqual(["out.jsonl"]);
    });

    it("a link is followed and a device written to, neither is replaced", async () => {
      await writeFile(join(dir, "real.jsonl"), "old");
      await symlink(join(dir, "real.jsonl"), join(dir, "link.jsonl"));
      await writeOutputFile(join(dir, "link.jsonl"), streamOf([answered(0)]), options);
      expect((await readFile(join(dir, "real.jsonl"), "utf8")).split("\n")).toHaveLength(2);
      expect(await writeOutputFile("/dev/null", streamOf([answered(0)]), options)).toMatchObject({ written: 1 });
    });

    it("a folder that isn't there is told plainly", async () => {
      await expect(writeOutputFile(join(dir, "no", "out.jsonl"), streamOf([]), options)).rejects.toThrow(
        /^can't write to .*no\/\.?out\.jsonl/,
      );
      await expect(writeOutputFile(dir, streamOf([]), options)).rejects.toThrow("it is a folder");
    });
  });
});

async function* breaking() {
  yield answered(0);
  throw new Error("store is gone");
}

async function records(results: readonly Result[], options: Omit<OutputOptions, "format">) {
  return parse<Record<string, string>>(await textOf(results, { format: "csv", ...options }), { columns: true });
}
