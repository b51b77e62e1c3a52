// What a person gets who calls a command the wrong way: what is wrong, where, and what to do; exit code 2, or 1 when it isn't their doing. Never a stack trace.

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../../queues/embedded-redis.ts";
import { classifyConfig } from "../support/classify.ts";
import { runCommand, type CommandOptions } from "../support/command-line.ts";

let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "modelfleet-usage-"));
  await writeFile(join(dir, "fleet.yaml"), JSON.stringify(classifyConfig()("http://127.0.0.1:9")));
  await writeFile(join(dir, "in.jsonl"), '{"text":"one"}\n');
  await mkdir(join(dir, "folder"));
});

afterAll(() => rm(dir, { recursive: true, force: true }));

/** A command line without Redis or keys: what is wrong must be told before either is asked for. */
async function failing(args: string, options: CommandOptions = {}) {
  const closed = `redis://127.0.0.1:${await freePort()}`;
  const result = await runCommand(args.split(" "), { cwd: dir, ...options, environment: { REDIS_URL: closed, ...options.environment } });
  expect(result.stderr).not.toMatch(/\n\s+at .+:\d+/);
  expect(result.stdout).toBe("");
  return result;
}

const RUN = "run in.jsonl --task classify";

describe("wrong usage", () => {
  it.each([
    ["an unknown command", "rnu in.jsonl", /unknown command 'rnu'.*did you mean run\?/is],
    [
      "an unknown flag",
      "run in.jsonl --tsk classify",
      /unknown option '--tsk'.*did you mean --task\?.*usage: modelfleet run \[options\] <file>/is,
    ],
    ["no file", "run --task classify", /missing required argument 'file'/],
    ["two files", "run in.jsonl more.jsonl --task classify", /too many arguments/],
    ["no task", "run in.jsonl", /which task.*--task.*classify/s],
    ["an unknown task", "run in.jsonl --task clasify", /there is no task "clasify".*did you mean "classify"\?/is],
    ["a missing file", "run nothing.jsonl --task classify", /can't read nothing\.jsonl: there is no such file/],
    ["a folder as file", "enqueue folder --task classify", /folder is a folder/],
    ["an unknown format", `${RUN} --format xml`, /xml.*jsonl, csv, openai/s],
    ["an output in no folder", `${RUN} -o nowhere/out.jsonl`, /can't write to nowhere\/out\.jsonl: there is no folder nowhere/],
    ["a folder as output", `${RUN} -o folder`, /can't write to folder: it is a folder/],
    ["the input as output", `${RUN} -o ./in.jsonl`, /\.\/in\.jsonl is the input/],
    ["a wrong duration", `${RUN} --patience soon`, /--patience takes a duration such as 90s/],
    ["a tag without a value", `${RUN} --tag urgent`, /--tag takes key=value/],
    ["a tenant without a name", `${RUN} --tenant `, /--tenant takes 1 to 64 characters, not ""/],
    ["a tenant whose name is too long", `enqueue in.jsonl --task classify --tenant ${"t".repeat(65)}`, /--tenant takes 1 to 64 characters/],
    ["a grace time that is no number", "up --grace forever", /--grace.*forever.*a number of seconds/s],
    ["a configuration that isn't there", `${RUN} --config other.yaml`, /other\.yaml does not exist/],
    ["an output in no folder, of results", "results b -o nowhere/out.jsonl", /there is no folder nowhere/],
  ])("%s: exit code 2", async (_what, args, said) => {
    const { code, stderr } = await failing(args);
    expect(stderr).toMatch(said);
    expect(code).toBe(2);
  });
});

describe("a wrong configuration", () => {
  it("is told whole, each problem with its path, its line and a hint; exit code 2", async () => {
    await writeFile(
      join(dir, "wrong.yaml"),
      [
        "providers:",
        "  alpha: { kind: opnai, apiKey: literal-key, models: { one: { teir: fast, limits: { rpm: -3 } } } }",
        "tasks:",
        "  classify:",
        '    prompt: { user: "Ticket: {{ input.text " }',
        "    route: { strategy: chepest, models: [alpha/on] }",
        "    timeout: 5 parsecs",
      ].join("\n"),
    );
    for (const command of ["check --config wrong.yaml", `${RUN} --config wrong.yaml`, "up --config wrong.yaml"]) {
      const { code, stderr } = await failing(command);
      expect(stderr).toMatch(/providers\.alpha\.kind \(line 2\): must be one of: openai, anthropic, openai-compatible/);
      expect(stderr).toMatch(/providers\.alpha\.apiKey \(line 2\): .*\$\{ALPHA_API_KEY\}/);
      expect(stderr).toMatch(/models\.one\.teir \(line 2\): unknown option; did you mean "tier"/);
      expect(stderr).toMatch(/limits\.rpm \(line 2\): must be above 0/);
      expect(stderr).toMatch(/prompt\.user \(line 5\): /);
      expect(stderr).toMatch(/route\.strategy \(line 6\): must be one of: ordered, cheapest/);
      expect(stderr).toMatch(/route\.models\[0\] \(line 6\): no model "alpha\/on".*did you mean "alpha\/one"/);
      expect(stderr).toMatch(/timeout \(line 7\): "5 parsecs"/);
      expect(stderr).not.toContain("literal-key");
      expect(code).toBe(2);
    }
  });

  it("a model without a price fails the check with exit code 2, and hinders nothing else", async () => {
    const config = classifyConfig()("http://127.0.0.1:9") as { providers: { beta: { models: { two: { price?: object } } } } };
    delete config.providers.beta.models.two.price;
    await writeFile(join(dir, "unpriced.yaml"), JSON.stringify(config));
    const environment = { SIMULATED_KEY: "simulated" };
    const offline = await failing("check --offline --config unpriced.yaml", { environment });
    expect(offline.stderr).toMatch(/^FAILED +price: providers\.beta\.models\.two\.price is missing/m);
    expect(offline.code).toBe(2);
    const priced = await failing("check --offline", { environment });
    expect(priced.code, priced.stderr).toBe(0);
    expect((await failing("status --config unpriced.yaml", { environment })).code).toBe(1); // for there is no Redis
  });

  it("a key that isn't set is a problem for who calls vendors, not for who looks on", async () => {
    const up = await failing("up");
    expect(up).toMatchObject({ code: 2, stderr: expect.stringContaining("the environment variable SIMULATED_KEY is not set") });
    expect(await failing("status")).toMatchObject({ code: 1, stderr: expect.stringContaining("No Redis at") });
  });
});

describe("no Redis", () => {
  it.each([RUN, "status", "cancel b", "router"])("%s: one message that says where and what to do, exit code 1", async (args) => {
    const { code, stderr } = await failing(args, { environment: { SIMULATED_KEY: "simulated" } });
    expect(stderr).toMatch(
      /^modelfleet: No Redis at redis:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED.*\n {2}Start it, or set REDIS_URL to one that runs\.\n$/,
    );
    expect(code).toBe(1);
  });

  it("and no server program on the PATH: the ways to get one, exit code 1", async () => {
    const { code, stderr } = await failing("status", { environment: { REDIS_URL: undefined, PATH: dirname(process.execPath) } });
    expect(stderr).toMatch(/^modelfleet: there is no Redis: REDIS_URL is not set.*\n.*apt-get install redis-server.*docker run/);
    expect(code).toBe(1);
  });
});

describe("help", () => {
  it("names every command, with examples and exit codes", async () => {
    const { code, stdout } = await runCommand(["--help"]);
    expect(code).toBe(0);
    const commands = [
      "run",
      "enqueue",
      "status",
      "results",
      "cancel",
      "pause",
      "resume",
      "retry",
      "up",
      "web",
      "router",
      "pool",
      "reroute",
      "recorder",
    ];
    for (const command of [...commands, "check", "simulator"]) expect(stdout).toMatch(new RegExp(`^ {2}${command}\\b`, "m"));
    expect(stdout).toMatch(/Examples:.*Exit codes:.*130/s);
  });

  it("of a command tells its options", async () => {
    const { code, stdout } = await runCommand(["run", "--help"]);
    expect(code).toBe(0);
    for (const option of ["--task", "--output", "--batch", "--fresh", "--format", "--tag", "--patience", "--config"])
      expect(stdout).toContain(option);
  });

  it("is what a bare modelfleet shows, with exit code 2", async () => {
    expect(await runCommand([])).toMatchObject({ code: 2, stderr: expect.stringContaining("Usage: modelfleet") });
  });
});
