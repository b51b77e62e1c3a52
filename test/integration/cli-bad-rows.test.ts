// Files as they are found in the wild: what can't be read ends as an error with its line and reason, and the rest of the file runs.

import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "csv-parse/sync";
import { batchKeys } from "../../src/runtime/keys.ts";
import { classifyConfig, classifyRows, classifySimulator } from "../support/classify.ts";
import { COMPILE_CACHE } from "../support/command-line.ts";
import { startTestFleet, type TestFleet } from "../support/fleet.ts";
import { startRecordingProxy, type RecordingProxy } from "../support/recording-proxy.ts";

const INPUT = { type: "object", required: ["text"], properties: { text: { type: "string" }, priority: { type: "integer" } } };
const MIB = 2 ** 20;

let fleet: TestFleet;
let proxy: RecordingProxy;

beforeAll(async () => {
  proxy = await startRecordingProxy();
  fleet = await startTestFleet({
    environment: COMPILE_CACHE,
    simulator: classifySimulator(classifyRows(0)),
    config: (url) => {
      proxy.forwardTo(url);
      const config = classifyConfig({ task: { input: INPUT } })(proxy.url) as { tasks: Record<string, object> };
      const { input: _input, output: _output, ...free } = config.tasks["classify"] as Record<string, object>;
      const chat = { ...free, route: { strategy: "ordered", models: ["alpha/one"] } };
      const translated = { ...free, route: { strategy: "ordered", models: ["beta/two"] } };
      return { ...config, tasks: { ...config.tasks, chat, translated } };
    },
  });
});

afterAll(async () => {
  await fleet.stop();
  await proxy.stop();
});

interface ErrorLine {
  readonly row: number;
  readonly line: number;
  readonly id?: string;
  readonly error: { readonly code: string; readonly message: string };
}

/** Runs a file of which some rows are bad: exit code 1. The answers and the errors. */
async function runBad(name: string, content: Buffer) {
  const file = await fleet.file(name, content);
  const out = `${fleet.dir}/${name}.out.jsonl`;
  const { code, stderr } = await fleet.command("run", file, "--task", "classify", "-o", out).result;
  expect(code, stderr).toBe(1);
  const errorsFile = `${fleet.dir}/${name}.out.errors.jsonl`;
  expect(stderr).toContain(errorsFile);
  return { answers: await fleet.lines(out), errors: (await fleet.lines(errorsFile)) as unknown as ErrorLine[], stderr };
}

function brief({ line, id, error }: ErrorLine): [line: number, id: string | undefined, code: string] {
  return [line, id, error.code];
}

describe("a JSONL file with bad rows", () => {
  it("answers the good ones and tells the line and the reason of each bad one", async () => {
    const lines: (string | Buffer)[] = [
      '\uFEFF{"id":"first","text":"after a byte-order mark"}\r', // 1
      "", // 2
      '{"id":"broken","text":"no end', // 3
      '{"id":"wrong","text":5,"priority":"high"}', // 4
      '{"id":"first","text":"the same id again"}', // 5
      `{"id":"huge","text":"${"x".repeat(2 * MIB)}"}`, // 6
      Buffer.from([...Buffer.from('{"id":"latin","text":"caf'), 0xe9, ...Buffer.from('"}')]), // 7
      "[1, 2]", // 8
      "   \t", // 9
      '{"id":"missing"}', // 10
      '{"text":"without an id"}\r', // 11
      '{"id":"last","text":"without a line end"}', // 12
    ];
    const content = Buffer.concat(lines.flatMap((line, i) => [Buffer.from(line), Buffer.from(i < lines.length - 1 ? "\n" : "")]));
    const { answers, errors, stderr } = await runBad("bad.jsonl", content);

    expect(answers.map(({ line, row, id, status }) => [line, row, id, status])).toEqual([
      [1, 0, "first", "answered"],
      [11, 8, undefined, "answered"],
      [12, 9, "last", "answered"],
    ]);
    expect(errors.map(({ row }) => row)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(errors.map(brief)).toEqual([
      [3, undefined, "bad-input"],
      [4, "wrong", "bad-input"],
      [5, "first", "bad-input"],
      [6, undefined, "bad-input"],
      [7, undefined, "bad-input"],
      [8, undefined, "bad-input"],
      [10, "missing", "bad-input"],
    ]);
    const reasons = [
      /broken JSON/,
      /text: must be string, is .*; priority: must be integer/,
      /"first" was used before, in line 1/,
      /too large/,
      /not valid UTF-8/,
      /must be a JSON object, not an array/,
      /text: is required/,
    ];
    reasons.forEach((reason, i) => expect(errors[i]?.error.message).toMatch(reason));
    expect(stderr).toMatch(/bad-input +7/);
  });

  it("and no good row: exit code 1, an empty output, all errors", async () => {
    const { answers, errors } = await runBad("allbad.jsonl", Buffer.from("nonsense\n\n{}\n"));
    expect(answers).toEqual([]);
    expect(errors.map(({ line }) => line)).toEqual([1, 3]);
  });
});

describe("a CSV file with bad rows", () => {
  it("answers the good ones and tells the line and the reason of each bad one", async () => {
    const lines: (string | Buffer)[] = [
      "\uFEFFid,text,priority\r", // 1
      "first,one,1\r", // 2
      "\r", // 3
      'quoted,"over', // 4
      'two lines",2', // 5
      "wrong,three,high", // 6
      "short,four", // 7
      "first,again,5", // 8
      Buffer.from([...Buffer.from("latin,caf"), 0xe9, ...Buffer.from(",6")]), // 9
      `huge,${"x".repeat(2 * MIB)},7`, // 10
      "last,five,8", // 11
    ];
    const content = Buffer.concat(lines.flatMap((line) => [Buffer.from(line), Buffer.from("\n")]));
    const { answers, errors } = await runBad("bad.csv", content);

    expect(answers.map(({ line, id }) => [line, id])).toEqual([
      [2, "first"],
      [4, "quoted"],
      [11, "last"],
    ]);
    expect(errors.map(({ line }) => line)).toEqual([6, 7, 8, 9, 10]);
    const reasons = [
      /priority: must be integer/,
      /2 fields, the header row has 3/,
      /"first" was used before, in line 2/,
      /not valid UTF-8/,
      /too large/,
    ];
    reasons.forEach((reason, i) => expect(errors[i]?.error.message).toMatch(reason));
  });

  it.each([
    ["a header that names a column twice", "twice.csv", "id,text,text\n1,a,b\n", /header row \(line 1\) names the column "text" twice/],
    ["a spreadsheet", "sheet.csv", "PK\u0003\u0004rest", /zip archive or a spreadsheet/],
    ["UTF-16", "wide.jsonl", Buffer.from("\uFEFF{}", "utf16le"), /UTF-16/],
    ["gzip", "packed.jsonl", Buffer.from([0x1f, 0x8b, 8, 0]), /compressed with gzip/],
  ])("%s is refused as a whole: exit code 2, and no batch is made", async (_what, name, content, said) => {
    const file = await fleet.file(name, content);
    const { code, stderr } = await fleet.command("run", file, "--task", "classify", "--batch", "refused").result;
    expect(stderr).toMatch(said);
    expect(code).toBe(2);
    expect(await fleet.redis.client().exists(batchKeys("refused").meta)).toBe(0);
  });
});

describe("OpenAI-batch lines", () => {
  const body = (text: string) => ({
    model: "gpt-4o-mini",
    messages: [
      { role: "system", content: "Be brief." },
      { role: "user", content: text },
    ],
    max_tokens: 50,
    temperature: 0.5,
    seed: 7,
  });
  const line = (id: string, fields: object = {}) =>
    JSON.stringify({ custom_id: id, method: "POST", url: "/v1/chat/completions", body: body(`question of ${id}`), ...fields });

  it("go unchanged, but for the model, to a vendor of OpenAI's kind; bad ones end as errors under their custom_id", async () => {
    const content = [
      line("good"),
      line("get", { method: "GET" }),
      line("embed", { url: "/v1/embeddings" }),
      line("empty", { body: {} }),
      line("good"),
      line("other"),
    ];
    const file = await fleet.file("chat.jsonl", `${content.join("\n")}\n`);
    const { code, stderr } = await fleet.command("run", file, "--task", "chat", "--batch", "chat", "-o", `${fleet.dir}/chat.out.jsonl`)
      .result;
    expect(code, stderr).toBe(1);

    const sent = proxy.requests().filter((request) => JSON.stringify(request.body).includes("question of"));
    expect(sent.map(({ path }) => path)).toEqual(["/alpha/v1/chat/completions", "/alpha/v1/chat/completions"]);
    const bodies = sent.map((request) => request.body).toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
    expect(bodies).toEqual(["good", "other"].map((id) => ({ ...body(`question of ${id}`), model: "one" })));
    expect((await fleet.lines(`${fleet.dir}/chat.out.jsonl`)).map(({ id }) => id)).toEqual(["good", "other"]);

    const answers = await fleet.command("results", "chat", "--format", "openai").result;
    const lines = answers.stdout
      .trim()
      .split("\n")
      .map((text) => JSON.parse(text) as Record<string, unknown>);
    expect(lines.map((each) => each["custom_id"])).toEqual(["good", "other"]);
    expect(lines[0]).toMatchObject({
      id: expect.any(String),
      response: {
        status_code: 200,
        request_id: expect.any(String),
        body: {
          object: "chat.completion",
          choices: [{ index: 0, message: { role: "assistant", content: expect.any(String) }, finish_reason: "stop" }],
          usage: { total_tokens: expect.any(Number) },
        },
      },
      error: null,
    });

    const failed = await fleet.command("results", "chat", "--format", "openai", "--errors").result;
    const errors = failed.stdout
      .trim()
      .split("\n")
      .map((text) => JSON.parse(text) as { custom_id: string; response: null; error: { code: string; message: string } });
    expect(errors.map(({ custom_id: id, response, error }) => [id, response, error.code])).toEqual([
      ["get", null, "bad_input"],
      ["embed", null, "bad_input"],
      ["empty", null, "bad_input"],
      ["good", null, "bad_input"],
    ]);
    expect(errors.map(({ error }) => error.message)).toEqual([
      expect.stringContaining('method: must be "POST", not "GET"'),
      expect.stringContaining('url: must be "/v1/chat/completions", not "/v1/embeddings"'),
      expect.stringContaining("body.messages"),
      expect.stringContaining("used before, in line 1"),
    ]);
  });

  it("are translated for a vendor of Anthropic's kind, and its answers back", async () => {
    const file = await fleet.file("translated.jsonl", `${line("there")}\n`);
    const { code, stderr } = await fleet.command("run", file, "--task", "translated", "--batch", "translated", "-o", `${fleet.dir}/t.jsonl`)
      .result;
    expect(code, stderr).toBe(0);
    const [sent] = proxy.requests().filter(({ path }) => path.startsWith("/beta/v1/messages"));
    expect(sent?.body).toMatchObject({ model: "two", max_tokens: 50, temperature: 0.5, messages: [{ role: "user" }] });
    expect(JSON.stringify(sent?.body["system"])).toContain("Be brief.");
    expect(JSON.stringify(sent?.body["messages"])).toContain("question of there");

    const { stdout } = await fleet.command("results", "translated", "--format", "openai").result;
    expect(JSON.parse(stdout)).toMatchObject({
      custom_id: "there",
      response: {
        status_code: 200,
        body: {
          object: "chat.completion",
          choices: [{ message: { role: "assistant", content: expect.any(String) }, finish_reason: "stop" }],
        },
      },
    });
  });
});

describe("an output named *.csv", () => {
  it("has a column for each field of the answers; tags are in the lines of JSONL", async () => {
    const file = await fleet.file("named.jsonl", '{"id":"a","text":"one"}\n{"id":"b","text":"two"}\n');
    const tags = ["--tag", "team=support", "--tag", "on=monday"];
    const { code, stderr } = await fleet.command(
      "run",
      ...tags,
      file,
      "--task",
      "classify",
      "--batch",
      "named",
      "-o",
      `${fleet.dir}/named.csv`,
    ).result;
    expect(code, stderr).toBe(0);
    const records = parse(await readFile(`${fleet.dir}/named.csv`), { columns: true }) as Record<string, string>[];
    expect(records.map(({ id, status, ["output.label"]: label }) => [id, status, typeof label])).toEqual([
      ["a", "answered", "string"],
      ["b", "answered", "string"],
    ]);
    const { stdout } = await fleet.command("results", "named").result;
    const lines = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.map((line) => line["tags"])).toEqual(lines.map(() => ({ team: "support", on: "monday" })));
  });
});
