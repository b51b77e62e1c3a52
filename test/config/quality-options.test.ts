// What a configuration may say about data, judges, analyses, drift and checks, and what is said of its slips.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { taskHash } from "../../src/config/digest.ts";
import { openConfigFolder, type ConfigFolder } from "./config-folder.ts";

let configs: ConfigFolder;
beforeEach(async () => {
  configs = await openConfigFolder();
});
afterEach(() => configs.remove());

/** Three vendors: one says all of its handling of data, one says little, one nothing. */
const PROVIDERS = `
providers:
  inside:  { kind: openai-compatible, baseUrl: "http://h/v1", data: { region: eu, retention: none, training: false }, models: { llama:, mistral: } }
  partly:  { kind: openai-compatible, baseUrl: "http://h/v1", data: { region: eu, retention: 30d }, models: { qwen: } }
  outside: { kind: openai-compatible, baseUrl: "http://h/v1", models: { gpt: } }
`;
const OUTPUT = "output: { type: object, properties: { label: { type: string }, lines: { type: array } } }";
const withTask = (options: string) => `${PROVIDERS}tasks: { t: { ${OUTPUT}, ${options} } }`;
const ROUTE = "route: [inside/llama, outside/gpt]";

const barredFrom = async (rules: string) => {
  const fleet = await configs.load(`${PROVIDERS}dataClasses: { pii: ${rules} }`);
  return Object.fromEntries(Array.from(fleet.models.values(), ({ id, barredFor }) => [id, barredFor["pii"]]));
};

describe("classes of data", () => {
  it.each([
    ["{ regions: [eu] }", { partly: null, outside: "it must stay in eu, and outside names no region" }],
    ["{ regions: [us, ch] }", { partly: "it must stay in us or ch, and partly is in eu", outside: "names no region" }],
    ["{ maxRetention: 30d }", { partly: null, outside: "outside doesn't say how long it keeps data" }],
    ["{ maxRetention: 29d }", { partly: "partly keeps data for too long", outside: "doesn't say" }],
    ["{ maxRetention: 0s }", { partly: "partly keeps data for too long", outside: "doesn't say" }],
    ["{ training: false }", { partly: "partly doesn't say that it doesn't train on data", outside: "doesn't say that" }],
    ["{ providers: [inside] }", { partly: "only inside may see it", outside: "only inside may see it" }],
    ["{ training: true }", { partly: null, outside: null }],
    ["", { partly: null, outside: null }],
  ])("with the rules %s bar each model of a provider that doesn't say that it keeps to them", async (rules, { partly, outside }) => {
    const barred = await barredFrom(rules);
    for (const [id, expected] of [
      ["partly/qwen", partly],
      ["outside/gpt", outside],
    ] as const) {
      expect(barred[id] ?? "it may").toContain(expected ?? "it may");
    }
  });

  it("bar a provider by all of their rules, and let in the one that keeps to all of them", async () => {
    const barred = await barredFrom("{ providers: [inside, outside], regions: [eu], maxRetention: none, training: false }");
    expect(barred).toEqual({
      "inside/llama": null,
      "inside/mistral": null,
      "partly/qwen": expect.any(String),
      "outside/gpt": expect.any(String),
    });
  });

  it("let a provider that is in another region stay out by its region, and say so", async () => {
    expect((await barredFrom("{ regions: [us] }"))["inside/llama"]).toBe("it must stay in us, and inside is in eu");
  });

  it("belong to a task as a whole, or to its rows by a field", async () => {
    const { tasks } = await configs.load(`${PROVIDERS}
dataClasses: { pii: { regions: [eu] }, public: }
tasks:
  all: { ${ROUTE}, dataClass: pii }
  some: { ${ROUTE}, dataClass: { field: class, default: public } }
  none: { ${ROUTE} }`);
    expect(Array.from(tasks.values(), ({ dataClass }) => dataClass)).toEqual([
      { default: "pii" },
      { field: "class", default: "public" },
      undefined,
    ]);
  });

  it("change the fleet's digest with their rules", async () => {
    const hashes = await Promise.all(
      ["{ regions: [eu] }", "{ regions: [us] }", "{ maxRetention: none }"].map(
        async (rules, i) => (await configs.load(`${PROVIDERS}dataClasses: { pii: ${rules} }`, { file: `${i}.yaml` })).hash,
      ),
    );
    expect(new Set(hashes).size).toBe(hashes.length);
  });
});

describe("a task's judge, analysis and drift watch", () => {
  it("are read with their defaults", async () => {
    const { tasks } = await configs.load(
      withTask(`${ROUTE}, judge: { model: partly/qwen, rubric: Is it right? }, analyse: { model: partly/qwen },
        drift: { passRates: { inside/llama: { rate: 0.9, of: 200 } }, agreements: { inside/llama+outside/gpt: { rate: 0.8, of: 200 } } }`),
    );
    expect(tasks.get("t")).toMatchObject({
      judge: { models: ["partly/qwen"], rubric: "Is it right?", passMark: 7, sample: 1, onFail: "escalate" },
      analyse: { kind: "model", model: "partly/qwen" },
      drift: {
        passRates: { "inside/llama": { rate: 0.9, of: 200 } },
        agreements: { "inside/llama+outside/gpt": { rate: 0.8, of: 200 } },
        isDemoting: false,
      },
    });
  });

  it("a judge, and whom it prefers, is part of what an answer depends on; drift is not", async () => {
    const hashes = await Promise.all(
      ["", ", judge: { models: [partly/qwen, inside/mistral], rubric: R }", ", judge: { models: [inside/mistral], rubric: R }"].map(
        async (judge, i) => taskHash((await configs.load(withTask(ROUTE + judge), { file: `${i}.yaml` })).tasks.get("t")!),
      ),
    );
    expect(new Set(hashes).size).toBe(hashes.length);
    const drifting = await configs.load(withTask(`${ROUTE}, drift: { demote: true }`), { file: "drift.yaml" });
    expect(taskHash(drifting.tasks.get("t")!)).toBe(hashes[0]);
    expect(drifting.tasks.get("t")?.drift?.isDemoting).toBe(true);
  });
});

describe("functions of a fleet.config.ts", () => {
  const moduleWith = (check: string, complexity = "(input) => input.text.length / 100") => `
export default {
  providers: { inside: { kind: "openai-compatible", baseUrl: "http://h/v1", models: { llama: {} } } },
  tasks: { t: {
    route: ["inside/llama"],
    checks: [{ kind: "custom", name: "is-short", check: ${check}, onFail: "repair" }],
    analyse: { complexity: ${complexity} },
  } },
};`;
  let files = 0;
  const loadModule = (...sources: Parameters<typeof moduleWith>) =>
    configs.load(moduleWith(...sources), { file: `fleet-${files++}.config.mjs` });

  it("are kept as they are: a check and an analysis can be called", async () => {
    const task = (await loadModule("({ text }) => text.length < 5 || 'it is too long'")).tasks.get("t")!;
    const [check] = task.checks;
    if (check?.kind !== "custom" || task.analyse?.kind !== "function") throw new Error("not what was written");
    expect(check).toMatchObject({ name: "is-short", onFail: "repair" });
    expect([check.check({ text: "yes", input: null }), check.check({ text: "certainly", input: null })]).toEqual([true, "it is too long"]);
    expect(task.analyse.complexity({ text: "0123456789" })).toBe(0.1);
  });

  it("count in the digests by their text: another check is another work, another analysis only another fleet", async () => {
    const [same, again, other, analysed] = await Promise.all([
      loadModule("({ text }) => text.length < 5"),
      loadModule("({ text }) => text.length < 5"),
      loadModule("({ text }) => text.length < 6"),
      loadModule("({ text }) => text.length < 5", "() => 0.5"),
    ]);
    const hashOf = (fleet: typeof same) => taskHash(fleet.tasks.get("t")!);
    expect([hashOf(again), again.hash]).toEqual([hashOf(same), same.hash]);
    expect(hashOf(other)).not.toBe(hashOf(same));
    expect(other.hash).not.toBe(same.hash);
    expect(hashOf(analysed)).toBe(hashOf(same));
    expect(analysed.hash).not.toBe(same.hash);
  });
});

describe("a slip in what a task refers to", () => {
  it.each([
    // Models.
    [
      `${ROUTE}, judge: { model: partly/qwem, rubric: R }`,
      'tasks.t.judge.model: no model "partly/qwem" is configured; did you mean "partly/qwen"?',
    ],
    [
      `${ROUTE}, judge: { models: [partly/qwen, qwen], rubric: R }`,
      'tasks.t.judge.models[1]: no model "qwen" is configured; did you mean "partly/qwen"?',
    ],
    [`${ROUTE}, judge: { models: [outside/gpt], rubric: R }`, 'tasks.t.judge.models[0]: "outside/gpt" also answers'],
    [
      `${ROUTE}, analyse: { model: inside/lama }`,
      'tasks.t.analyse.model: no model "inside/lama" is configured; did you mean "inside/llama"?',
    ],
    [
      "route: [ { agree: [inside/llama, partly/quen] }, outside/gpt ]",
      'tasks.t.route[0].agree[1]: no model "partly/quen" is configured; did you mean "partly/qwen"?',
    ],
    [
      "route: { strategy: { simple: [inside/llama], complex: [ { agree: [outside/gpt, inside/nobody] } ] } }",
      'tasks.t.route.strategy.complex[0].agree[1]: no model "inside/nobody" is configured; known:',
    ],
    ["route: [inside/llama, { model: inside/llama }]", 'tasks.t.route[1]: "inside/llama" is in this route twice'],
    ["route: [ { agree: [inside/llama, inside/llama] } ]", "tasks.t.route[0].agree: names a model twice"],
    ["route: { models: [inside/llama], quality: { outside/gpt: 0.9 } }", "is not a model of this route"],
    [
      `${ROUTE}, drift: { passRates: { partly/quen: { rate: 1, of: 9 } } }`,
      'tasks.t.drift.passRates["partly/quen"]: no model "partly/quen"',
    ],
    [
      `${ROUTE}, drift: { agreements: { inside/llama+outside/gtp: { rate: 1, of: 9 } } }`,
      'no model "outside/gtp" is configured; did you mean "outside/gpt"?',
    ],
    // Fields.
    [
      "route: [ { agree: [inside/llama, partly/qwen], on: lable } ]",
      'tasks.t.route[0].on: "lable" is not a property of the task\'s output; did you mean "label"?',
    ],
    [
      "route: [ { agree: [inside/llama, partly/qwen], on: [label, total] } ]",
      'tasks.t.route[0].on[1]: "total" is not a property of the task\'s output',
    ],
    [
      `${ROUTE}, checks: [ { kind: refusal }, { kind: values, field: lable, values: [a] } ]`,
      'tasks.t.checks[1].field: "lable" is not a property of the task\'s output; did you mean "label"?',
    ],
    // Classes of data.
    [`${ROUTE}, dataClass: pii`, 'tasks.t.dataClass: no data class "pii" is configured; there are no dataClasses'],
    // Checks, judges and their kinds.
    [`${ROUTE}, checks: [ { kind: value, values: [a] } ]`, "tasks.t.checks[0].kind: must be one of: schema, values"],
    [`${ROUTE}, checks: [ { kind: refusal, onFail: retry } ]`, "tasks.t.checks[0].onFail: must be one of: repair, escalate, fail"],
    [`${ROUTE}, checks: [ { kind: pattern, pattern: "(" } ]`, "tasks.t.checks[0].pattern: the pattern"],
    [`${ROUTE}, checks: [ { kind: arithmetic, expression: "sum(lines.amount) ==" } ]`, "tasks.t.checks[0].expression: the expression"],
    [`${ROUTE}, checks: [ { kind: language, languages: klingon } ]`, "tasks.t.checks[0].languages"],
    [`${ROUTE}, checks: [ { kind: custom, check: "text => true" } ]`, "tasks.t.checks[0].check: must be a function"],
    [`${ROUTE}, judge: { rubric: R }`, "tasks.t.judge: needs either model or models"],
    [`${ROUTE}, judge: { model: partly/qwen }`, "tasks.t.judge.rubric: is missing"],
    [`${ROUTE}, judge: { model: partly/qwen, rubric: R, passMark: 11 }`, "tasks.t.judge.passMark: must be at most 10"],
    [`${ROUTE}, analyse: { complexity: 0.5 }`, "tasks.t.analyse.complexity: must be a function"],
    [`${ROUTE}, analyse: { modle: partly/qwen }`, "tasks.t.analyse.modle: unknown option"],
    [
      `${ROUTE}, drift: { passRates: { inside/llama: { rate: 90, of: 9 } } }`,
      'tasks.t.drift.passRates["inside/llama"].rate: must be at most 1',
    ],
  ])("%s", async (options, problem) => {
    const problems = await configs.problemsOf(withTask(options));
    // All is in one line: the line's number says nothing.
    expect(problems.map((line) => line.replace(/ \(line \d+\)/, "")).join("\n")).toContain(problem);
  });

  it.each([
    [
      "dataClasses: { pii: { providers: [insid] } }",
      'dataClasses.pii.providers[0]: no provider "insid" is configured; did you mean "inside"?',
    ],
    ["dataClasses: { pii: { region: eu } }", 'dataClasses.pii.region: unknown option; did you mean "regions"?'],
    ["dataClasses: { pii: { maxRetention: never } }", 'dataClasses.pii.maxRetention: "never" isn\'t a period such as 24h or 30d, or none'],
    [
      `dataClasses: { pii: }\ntasks: { t: { ${ROUTE}, dataClass: pi } }`,
      'tasks.t.dataClass: no data class "pi" is configured; did you mean "pii"?',
    ],
    [
      `dataClasses: { pii: }\ntasks: { t: { ${ROUTE}, dataClass: { field: class, default: pi } } }`,
      'tasks.t.dataClass.default: no data class "pi" is configured; did you mean "pii"?',
    ],
    [`tasks: { t: { ${ROUTE}, checks: [ { kind: schema } ] } }`, "tasks.t.checks: the check `schema` needs the task's output schema"],
    [
      "tasks: { t: { route: [ { agree: [inside/llama, partly/qwen], on: label } ] } }",
      "tasks.t.route[0].on: comparing a field needs the task's output schema",
    ],
  ])("%s", async (options, problem) => {
    const problems = await configs.problemsOf(PROVIDERS + options);
    expect(problems.map((line) => line.replace(/ \(line \d+\)/, "")).join("\n")).toContain(problem);
  });

  it("all slips of a task are listed at once", async () => {
    const problems = await configs.problemsOf(
      withTask("route: [inside/lama], judge: { model: partly/quen, rubric: R }, analyse: { model: outside/gtp }, dataClass: pii"),
    );
    expect(problems).toHaveLength(4);
  });
});
