import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadFleet } from "../../src/config/load.ts";
import { readEnvironment } from "../../src/runtime/environment.ts";
import { openConfigFolder, type ConfigFolder, type LoadChanges } from "./config-folder.ts";

const COMPLETE = `
providers:
  openai:
    kind: openai
    apiKey: \${OPENAI_API_KEY}
    models:
      gpt-5-mini: { tier: fast,    limits: { rpm: 10000, tpm: 2000000 } }
      gpt-5:      { tier: premium, limits: { rpm: 5000,  tpm: 800000 } }
  anthropic:
    kind: anthropic
    apiKey: \${ANTHROPIC_API_KEY}
    models:
      claude-haiku-4-5: { tier: fast, limits: { rpm: 4000, itpm: 4000000, otpm: 800000 } }
tasks:
  classify-ticket:
    prompt: { system: "You sort support tickets.", user: "Ticket: {{ input.text }}" }
    input:  { type: object, required: [text], properties: { text: { type: string } } }
    output: { type: object, required: [label], properties: { label: { enum: [billing, delivery, technical] } } }
    route:  { strategy: cheapest, models: [openai/gpt-5-mini, anthropic/claude-haiku-4-5], fallback: [openai/gpt-5] }
    checks: [{ kind: schema }]
    attempts: 4
    timeout: 60s
budgets:
  - { scope: fleet, per: day, limit: 50, action: stop }
`;

const SMALL = "providers: { local: { kind: openai-compatible, baseUrl: 'http://localhost:8000/v1', models: { llama: } } }\n";

let configs: ConfigFolder;
let folder: string;
beforeEach(async () => {
  configs = await openConfigFolder();
  folder = configs.folder;
});
afterEach(() => configs.remove());

const load = (text: string, changes?: LoadChanges) => configs.load(text, changes);
const problemsOf = (text: string, changes?: LoadChanges) => configs.problemsOf(text, changes);
const price = (input: number, output: number) => `{ price: { input: ${input}, output: ${output} } }`;

describe("a complete configuration", () => {
  it("becomes a fleet, with its defaults", async () => {
    const fleet = await load(COMPLETE);
    expect([...fleet.models.keys()]).toEqual(["openai/gpt-5-mini", "openai/gpt-5", "anthropic/claude-haiku-4-5"]);
    expect(fleet.providers.get("openai")).toMatchObject({ name: "openai", kind: "openai", apiKey: "key-of-openai", limits: {} });
    expect(fleet.models.get("openai/gpt-5")).toEqual({
      id: "openai/gpt-5",
      provider: "openai",
      name: "gpt-5",
      tier: "premium",
      // The catalogue's, which may change with its version.
      price: expect.objectContaining({ input: expect.any(Number), output: expect.any(Number) }),
      limits: { rpm: 5_000, tpm: 800_000 },
      contextWindow: 128_000,
      maxOutputTokens: 4_096,
      capabilities: { jsonSchema: true, images: true, tools: true },
      barredFor: {},
    });
    expect(fleet.tasks.get("classify-ticket")).toMatchObject({
      name: "classify-ticket",
      attempts: 4,
      timeoutMs: 60_000,
      patienceMs: 86_400_000,
      onRefusal: "fail",
      checks: [{ kind: "schema", onFail: "escalate" }],
      route: {
        strategy: { kind: "cheapest" },
        steps: [{ models: ["openai/gpt-5-mini"] }, { models: ["anthropic/claude-haiku-4-5"] }],
        fallback: [{ models: ["openai/gpt-5"] }],
        quality: {},
      },
    });
    expect(fleet).toMatchObject({
      path: join(folder, "fleet.yaml"),
      web: { port: 3_000, host: "127.0.0.1" },
      queues: { windowRows: 5_000, windowBytes: 64 * 1024 * 1024, lockMs: 30_000, stalledCheckMs: 5_000, reconcileMs: 60_000 },
      dataDir: join(folder, ".modelfleet"),
      storeDir: join(folder, ".modelfleet", "store"),
    });
    expect(fleet.redisUrl).toBeUndefined();
  });

  it("warns of budgets and cheapest routes over models without a price, and says what to write", async () => {
    const { warnings, unpriced, budgets } = await load(`${SMALL}
budgets: [{ scope: task, of: t, per: month, limit: "12.5" }]
tasks: { t: { route: { strategy: cheapest, models: [local/llama] } } }`);
    expect(warnings).toEqual([
      expect.stringContaining("models without a price cost nothing as far as is known: local/llama"),
      expect.stringContaining("takes models without a price for the dearest: local/llama"),
    ]);
    expect(unpriced).toEqual([expect.stringMatching(/^providers\.local\.models\.llama\.price is missing.*price: free/)]);
    expect(budgets).toEqual([{ name: "task-t-month", scope: "task", of: "t", per: "month", limitNanoUsd: 12_500_000_000, action: "stop" }]);
  });

  it("takes prices from the catalogue where it has none of its own, and calls a model that is free free", async () => {
    const { models, unpriced } = await load(`
providers:
  openai: { kind: openai, apiKey: "\${OPENAI_API_KEY}", models: { gpt-4o-mini: , mine: { price: free } } }`);
    expect(unpriced).toEqual([]);
    expect(models.get("openai/gpt-4o-mini")?.price).toMatchObject({ input: 150_000, output: 600_000 });
    expect(models.get("openai/mine")?.price).toMatchObject({ input: 0, output: 0 });
  });

  it("checks an answer by its schema unless the task says otherwise, and not where there is none", async () => {
    const tasks = "output: { type: object }, route: { models: [local/llama] }";
    const fleet = await load(`${SMALL}tasks: { a: { ${tasks} }, b: { ${tasks}, checks: [] }, c: { route: { models: [local/llama] } } }`);
    expect([...fleet.tasks.values()].map((task) => task.checks)).toEqual([[{ kind: "schema", onFail: "escalate" }], [], []]);
  });

  it("keeps a route's steps as they are listed: a strategy orders them for each job", async () => {
    const fleet = await load(`
providers:
  local: { kind: openai-compatible, baseUrl: "http://h/v1", models: { dear: ${price(3, 15)}, cheap: ${price(0.15, 0.6)}, free: } }
tasks:
  t: { route: { strategy: cheapest, models: [local/free, local/dear, local/cheap] } }`);
    const route = fleet.tasks.get("t")?.route;
    expect(route?.strategy).toEqual({ kind: "cheapest" });
    expect(route?.steps.flatMap((step) => step.models)).toEqual(["local/free", "local/dear", "local/cheap"]);
    expect(fleet.models.get("local/dear")?.price).toEqual({
      input: 3_000_000,
      output: 15_000_000,
      cachedInput: 3_000_000,
      cacheWrite: 3_000_000,
    });
  });

  it("takes its settings from the file, and what the file leaves open from the environment", async () => {
    const settings = `
redis: { url: "redis://file:1" }
store: { dir: results }
web: { port: "\${PORT:-8080}", host: 0.0.0.0 }
queues: { windowRows: 10, windowBytes: 1MiB, lock: 2s, stalledCheck: 500ms, reconcile: 1m }`;
    const variables = { REDIS_URL: "redis://environment:2", MODELFLEET_DATA: "/var/fleet" };
    expect(await load(SMALL + settings, { variables })).toMatchObject({
      redisUrl: "redis://file:1",
      storeDir: join(folder, "results"),
      dataDir: "/var/fleet",
      web: { port: 8_080, host: "0.0.0.0" },
      queues: { windowRows: 10, windowBytes: 1_048_576, lockMs: 2_000, stalledCheckMs: 500, reconcileMs: 60_000 },
    });
    expect(await load(SMALL, { variables })).toMatchObject({ redisUrl: "redis://environment:2", storeDir: "/var/fleet/store" });
    expect(await load(SMALL + settings, { variables: { PORT: "9" } })).toMatchObject({ web: { port: 9 } });
  });

  it("warns of a task that asks a model for more than it is declared to write", async () => {
    const { warnings } = await load(`${SMALL}tasks: { t: { maxOutputTokens: 8000, route: { models: [local/llama] } } }`);
    expect(warnings).toEqual([expect.stringContaining("tasks.t.maxOutputTokens (8000) is above that of local/llama (4096)")]);
  });

  it("may be a module: fleet.config.ts with a default export", async () => {
    const options = { kind: "openai", apiKey: "${OPENAI_API_KEY}", models: { "gpt-5": {} } };
    const text = `const openai: object = ${JSON.stringify(options)};\nexport default { providers: { openai } };\n`;
    const fleet = await load(text, { file: "fleet.config.ts" });
    expect(fleet.providers.get("openai")?.apiKey).toBe("key-of-openai");
  });
});

describe("the digest", () => {
  it("is the same whatever the order, the secrets and the addresses of this machine", async () => {
    const { hash } = await load(COMPLETE);
    const reordered = COMPLETE.replace("    attempts: 4\n    timeout: 60s\n", "    timeout: 1m\n    attempts: 4\n");
    const variables = { OPENAI_API_KEY: "another", ANTHROPIC_API_KEY: "key", REDIS_URL: "redis://elsewhere" };
    expect((await load(reordered, { variables })).hash).toBe(hash);
    expect((await load(COMPLETE, { variables: {}, allowMissingSecrets: true })).hash).toBe(hash);
  });

  it("changes with a limit, a route or a prompt", async () => {
    const hashes = await Promise.all(
      [
        ["", ""],
        ["rpm: 5000", "rpm: 5001"],
        [", fallback: [openai/gpt-5]", ""],
        ["You sort", "You order"],
      ].map(async ([from = "", to = ""], i) => (await load(COMPLETE.replace(from, to), { file: `${i}.yaml` })).hash),
    );
    expect(new Set(hashes).size).toBe(hashes.length);
  });
});

describe("a wrong configuration", () => {
  it("lists every problem at once, with its path, its line and a hint", async () => {
    const problems = await problemsOf(`
providers:
  openai:
    kind: openai
    apiKey: \${OPENAI_API_KEY}
    limit: { rpm: 10 }
    models:
      gpt-5: { tier: fastest, limits: { rpm: -1 } }
tasks:
  classify:
    promt: { user: "{{ input.text }}" }
    route: { models: [openai/gpt-4] }
    timeout: 60
`);
    expect(problems).toEqual([
      'providers.openai.limit (line 6): unknown option; did you mean "limits"?',
      "providers.openai.models.gpt-5.tier (line 8): must be one of: fast, standard, premium",
      "providers.openai.models.gpt-5.limits.rpm (line 8): must be above 0",
      'tasks.classify.promt (line 11): unknown option; did you mean "prompt"?',
      'tasks.classify.route.models[0] (line 12): no model "openai/gpt-4" is configured; did you mean "openai/gpt-5"?',
      "tasks.classify.timeout (line 13): 60 isn't a duration such as 500ms, 60s, 15m or 24h",
    ]);
  });

  it.each([
    ["provider: {}", 'provider (line 2): unknown option; did you mean "providers"?'],
    [
      "tasks: { T: { route: { models: [local/llama] } } }",
      'tasks.T (line 2): a name has 1 to 64 of a-z, 0-9, _ and -, and begins with a letter or digit, such as "t"',
    ],
    ["tasks: { t: { route: { models: [llama] } } }", 'no model "llama" is configured; did you mean "local/llama"?'],
    ["tasks: { t: { route: { models: [] } } }", "tasks.t.route.models (line 2): needs at least 1"],
    [
      "tasks: { t: { route: { models: [local/llama, local/llama] } } }",
      'tasks.t.route.models[1] (line 2): "local/llama" is in this route twice',
    ],
    ["tasks: { t: { route: { models: [5] } } }", "tasks.t.route.models[0] (line 2): must be a model's id or a mapping, not a number"],
    [
      "tasks: { t: { route: { models: [{ agre: [a/b, c/d] }] } } }",
      'tasks.t.route.models[0].agre (line 2): unknown option; did you mean "agree"?',
    ],
    ["tasks: { t: { route: { models: [{ agree: [local/llama, local/lama] }] } } }", "tasks.t.route.models[0].agree[1] (line 2): no model"],
    ["tasks: { t: { route: { models: [{ agree: [local/llama, local/llama], on: x }] } } }", "needs the task's output schema"],
    ["tasks: { t: {} }", "tasks.t.route (line 2): is missing (a mapping or a list)"],
    ["tasks: { t: }", "tasks.t (line 2): must be a mapping, not empty"],
    ["tasks: { t: { output: { type: objekt }, route: { models: [local/llama] } } }", "tasks.t.output (line 2): is not a JSON Schema"],
    ["tasks: { t: { input: [text], route: { models: [local/llama] } } }", "tasks.t.input (line 2): is not a JSON Schema"],
    ["tasks: { t: { checks: [{ kind: schema }], route: { models: [local/llama] } } }", "tasks.t.checks (line 2): the check `schema` needs"],
    [
      "tasks: { t: { prompt: { user: '{{ input.text' }, route: { models: [local/llama] } } }",
      "tasks.t.prompt.user (line 2): is not a template that works",
    ],
    ["tasks: { t: { prompt: { user: '{{ row.text }}' }, route: { models: [local/llama] } } }", "unknown variable: row"],
    ["tasks: { t: { attempts: 0, route: { models: [local/llama] } } }", "tasks.t.attempts (line 2): must be at least 1"],
    ["queues: { windowBytes: 64MB }", 'queues.windowBytes (line 2): "64MB" isn\'t a size'],
    ["queues: { lock: 90d }", 'queues.lock (line 2): "90d" is too long'],
    ["web: { port: 99999 }", "web.port (line 2): must be at most 65535"],
    ["budgets: 5", "budgets (line 2): must be a list, not a number"],
    ["budgets: [{ scope: fleet, per: day }]", "budgets[0].limit (line 2): is missing (text or a number)"],
    ["budgets: [{ scope: fleet, per: day, limit: }]", "budgets[0].limit (line 2): must be text or a number, not empty"],
    ["queues: { lock: [30s] }", "queues.lock (line 2): must be text or a number, not a list"],
    [
      "tasks: { t: { route: [local/llama], checks: [{ kind: contains, field: a }] } }",
      "tasks.t.checks[0].all (line 2): is missing (text or a list)",
    ],
    ["web: [1", "(line 2): Flow sequence"],
    ["web: {}\nweb: {}", "(line 3): Map keys must be unique"],
  ])("%s", async (text, problem) => {
    const problems = await problemsOf(SMALL + text);
    expect(problems.join("\n")).toContain(problem);
  });

  it.each([
    ["a: { kind: openai-compatible, models: {} }", "providers.a.baseUrl (line 2): an openai-compatible provider needs a baseUrl"],
    ["a: { kind: openai, models: {} }", "providers.a.apiKey (line 2): is missing"],
    ["a: { kind: opena, models: {} }", "providers.a.kind (line 2): must be one of: openai, anthropic, openai-compatible"],
    ["a: { kind: openai, apiKey: '${OPENAI_API_KEY}' }", "providers.a.models (line 2): is missing (a mapping)"],
    [
      "a: { kind: openai, apiKey: '${OPENAI_API_KEY}', baseUrl: 'ftp://h', models: {} }",
      "providers.a.baseUrl (line 2): must be an http:// or https:// address",
    ],
    ["A: { kind: openai, apiKey: '${OPENAI_API_KEY}', models: {} }", "providers.A (line 2): a name has"],
    ["a: { kind: openai, apiKey: '${OPENAI_API_KEY}', models: { 'x y': } }", 'providers.a.models["x y"] (line 2): a model\'s name'],
    [
      "a: { kind: openai, apiKey: '${OPENAI_API_KEY}', models: { x: { limits: { tpm: 1, itpm: 1 } } } }",
      "tpm counts input and output together",
    ],
    [
      "a: { kind: openai, apiKey: '${OPENAI_API_KEY}', models: { x: { price: { input: 0.0000001, output: 1 } } } }",
      'price.input (line 2): "1e-7" dollars per million tokens is finer',
    ],
    [
      "a: { kind: openai, apiKey: '${OPENAI_API_KEY}', models: { x: { contextWindow: 100 } } }",
      "maxOutputTokens (line 2): is above contextWindow",
    ],
  ])("%s", async (text, problem) => {
    const problems = await problemsOf(`providers:\n  ${text}`);
    expect(problems.join("\n")).toContain(problem);
  });

  it("an empty file lacks everything", async () => {
    expect(await problemsOf("")).toEqual(["must be a mapping, not empty"]);
  });
});

const withKey = (key: string) => `providers: { openai: { kind: openai, apiKey: ${key}, models: { gpt-5: } } }`;

describe("secrets", () => {
  it.each(["sk-live-1234", '"Bearer ${OPENAI_API_KEY}"', '"${OPENAI_API_KEY:-sk-live-1234}"', '"${openai_key}"', '""'])(
    "a key in clear text is refused and never repeated: %s",
    async (key) => {
      const problems = await problemsOf(withKey(key));
      expect(problems).toEqual([expect.stringContaining("providers.openai.apiKey (line 1): holds literal text")]);
      expect(problems.join()).not.toContain("sk-live-1234");
    },
  );

  it("a missing variable is named once, with its place", async () => {
    expect(await problemsOf(withKey("'${OPENAI_API_KEY}'"), { variables: {} })).toEqual([
      "providers.openai.apiKey (line 1): the environment variable OPENAI_API_KEY is not set",
    ]);
  });

  it("a missing key may be allowed, for commands that call no vendor; no other variable", async () => {
    const fleet = await load(withKey("'${OPENAI_API_KEY}'"), { variables: {}, allowMissingSecrets: true });
    expect(fleet.providers.get("openai")?.apiKey).toBe("");
    const other = `${withKey("'${OPENAI_API_KEY}'")}\nredis: { url: "\${MY_REDIS}" }`;
    expect(await problemsOf(other, { variables: {}, allowMissingSecrets: true })).toEqual([
      "redis.url (line 2): the environment variable MY_REDIS is not set",
    ]);
  });

  it("a password in an address is a secret too", async () => {
    expect(await problemsOf(`${SMALL}redis: { url: "redis://:hunter2@host" }`)).toEqual([
      expect.stringContaining("redis.url (line 2): holds a password"),
    ]);
    const fleet = await load(`${SMALL}redis: { url: "redis://:\${PASSWORD}@host" }`, { variables: { PASSWORD: "hunter2" } });
    expect(fleet.redisUrl).toBe("redis://:hunter2@host");
  });

  it("an openai-compatible provider may have no key", async () => {
    expect((await load(SMALL)).providers.get("local")?.apiKey).toBe("");
  });
});

const find = (path?: string) => loadFleet(path, { environment: readEnvironment({}), cwd: folder });

describe("finding the file", () => {
  it("takes fleet.yaml before the others", async () => {
    await writeFile(join(folder, "fleet.yml"), SMALL);
    expect((await find()).path).toBe(join(folder, "fleet.yml"));
    await writeFile(join(folder, "fleet.yaml"), SMALL);
    expect((await find()).path).toBe(join(folder, "fleet.yaml"));
  });

  it("says what to do when there is none", async () => {
    await expect(find()).rejects.toMatchObject({ name: "UsageError", hint: expect.stringContaining("--config") as string });
    await expect(find("other.yaml")).rejects.toThrow("other.yaml does not exist");
    await expect(find("other.ts")).rejects.toThrow("other.ts does not exist");
  });

  it("says what is wrong with a module", async () => {
    await writeFile(join(folder, "empty.mjs"), "export const fleet = {};");
    await expect(find("empty.mjs")).rejects.toThrow("has no default export");
    await writeFile(join(folder, "broken.mjs"), "export default {");
    await expect(find("broken.mjs")).rejects.toThrow(/broken\.mjs can't be loaded/);
  });
});
