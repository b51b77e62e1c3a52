import { createHash } from "node:crypto";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { Script } from "node:vm";
import type { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { FleetStatus } from "../../../queues/fleet-status.ts";
import { registerProcess } from "../../../queues/fleet-registry.ts";
import { createResultStream } from "../../../queues/result-stream.ts";
import type { Fleet } from "../../../src/config/fleet.ts";
import { StoppedError } from "../../../src/job/errors.ts";
import { createRedisLimiter } from "../../../src/limits/redis-limiter.ts";
import { batchKeys, DEAD_QUEUE, modelQueue, REROUTE_QUEUE, taskQueue } from "../../../src/runtime/keys.ts";
import { silentLogger, type Logger } from "../../../src/runtime/logger.ts";
import { createEnding } from "../../../workers/ending.ts";
import { createReroute } from "../../../workers/reroute.ts";
import { boardName } from "../../../workers/web/board.ts";
import { DASHBOARD_SPEND } from "../../../workers/web/dashboard-spend.ts";
import { createWeb } from "../../../workers/web/web.ts";
import { countCalls, countChanges, ledgerEntry } from "../../cost/sample-calls.ts";
import { NOT_OURS, startTestRedis, type TestRedis } from "../../support/redis.ts";
import { contextOf, fleetOf, type TestContext } from "./web-fixture.ts";

let server: TestRedis;
let redis: Redis;
let fleet: Fleet;
let context: TestContext;
let web: Awaited<ReturnType<typeof createWeb>>;

beforeAll(async () => {
  server = await startTestRedis();
  redis = server.client();
  fleet = await fleetOf();
});
afterAll(() => server.stop());
beforeEach(async () => {
  await redis.flushdb();
  context = contextOf(redis, fleet);
  web = await createWeb(context);
});
afterEach(async () => {
  await web.stop(0);
  await context.stop();
});

const get = (path: string, headers: Record<string, string> = {}) => fetch(`${web.url}${path}`, { headers });
const change = (method: string, path: string, body?: object) =>
  fetch(`${web.url}${path}`, {
    method,
    headers: { "content-type": "application/json", origin: web.url },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });

/** fetch sets Host itself. */
function statusWithHost(host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(`${web.url}/api/status`, { headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on("error", reject)
      .end();
  });
}

interface BoardJob {
  readonly id: string;
  readonly data: Record<string, unknown>;
  readonly failedReason?: string;
  readonly stacktrace: readonly string[];
}
interface BoardQueue {
  readonly name: string;
  readonly displayName: string;
  readonly readOnlyMode: boolean;
  readonly activeRateLimitTtl: number;
  readonly jobs: readonly BoardJob[];
}

/** The board's listing, with the jobs of the queue that is looked at. */
function listing(active: string): Promise<Response> {
  const query = new URLSearchParams({ activeQueue: boardName(active), status: "latest", page: "1", jobsPerPage: "10" });
  return get(`/queues/api/queues?${query.toString()}`);
}

async function boardQueues(active = ""): Promise<readonly BoardQueue[]> {
  const response = await listing(active);
  expect(response.status).toBe(200);
  return ((await response.json()) as { queues: BoardQueue[] }).queues;
}
const boardPath = (queue: string, rest: string) => `/queues/api/queues/${encodeURIComponent(boardName(queue))}/${rest}`;

/** A batch of one row that ended in an error, all of it stored: its row lies among the dead letters as soon as a reroute worker has seen it. */
async function finishedWithError(batch: string): Promise<void> {
  const { states, queues, clock } = context;
  await states.make(batch, "classify-ticket", "test");
  await states.note(batch, [{ row: 0, bytes: 10 }], { rows: 100, bytes: 1_000 });
  await states.advance(batch, 1);
  await states.seal(batch, 1);
  const job = { batch, row: 0, task: "classify-ticket", input: { text: "x".repeat(5_000) } };
  const progress = { trail: [], excluded: [], reroutes: 0, refusals: 0, enqueuedAt: clock.now() };
  await createEnding({ states, queues, clock }).failed(
    { job, hop: 0, round: 0, progress },
    { code: "exhausted", message: "every model was tried" },
  );
  const stream = createResultStream(redis, "test");
  await stream.lease(batch, 10_000);
  const [entry] = (await stream.read(batch, 10)).entries;
  expect(entry?.result).toMatchObject({ status: "error", error: { code: "exhausted" } });
  expect(
    await stream.stored(batch, { after: "", lastId: entry!.id, results: 1, bytes: entry!.bytes, extraRows: [], sums: new Map() }),
  ).toBe("finished");
}

describe("the dashboard", () => {
  it("is one page that asks nothing of other servers, with a policy that allows just its own script and style", async () => {
    const response = await get("/");
    const page = await response.text();
    expect(response.status).toBe(200);
    expect(page).not.toMatch(/(src|href)="(https?:)?\/\//);
    const policy = response.headers.get("content-security-policy") ?? "";
    for (const [, tag, text = ""] of page.matchAll(/<(script|style)>([\s\S]*?)<\/\1>/g)) {
      expect(policy).toContain(`${tag}-src 'sha256-${createHash("sha256").update(text).digest("base64")}'`);
    }
    const script = /<script>([\s\S]*?)<\/script>/.exec(page)?.[1] ?? "";
    expect(() => new Script(script)).not.toThrow();
  });

  it("sums the day's spend by task or by model, the dearest first", () => {
    const summed = new Script(`${DASHBOARD_SPEND}; summed`).runInNewContext() as (
      groups: readonly object[],
      name: string,
    ) => readonly object[];
    const groups = [
      { task: "sort", model: "a/one", calls: 1, costNanoUsd: 5 },
      { task: "draft", model: "a/one", calls: 1, costNanoUsd: 4 },
      { task: "draft", model: "a/two", calls: 2, costNanoUsd: 3 },
    ];
    const inThisRealm = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
    expect(inThisRealm(summed(groups, "task"))).toEqual([
      { task: "draft", calls: 3, costNanoUsd: 7 },
      { task: "sort", calls: 1, costNanoUsd: 5 },
    ]);
    expect(inThisRealm(summed(groups, "model"))).toMatchObject([
      { model: "a/one", calls: 2 },
      { model: "a/two", calls: 2 },
    ]);
  });

  it("reads the fleet's status as JSON, without any secret", async () => {
    await context.states.make("batch-1", "classify-ticket", "test");
    const text = await (await get("/api/status")).text();
    const status = JSON.parse(text) as FleetStatus;
    expect(status.batches).toMatchObject([{ batch: "batch-1", task: "classify-ticket", state: "open", models: {} }]);
    expect(status.models.map(({ model }) => model)).toEqual(["openai/gpt-5-mini", "anthropic/claude-haiku-4-5"]);
    expect(text).not.toContain("secret-of");
  });
});

describe("metrics", () => {
  it("are the fleet's numbers in Prometheus' text format", async () => {
    await context.states.make("batch-1", "classify-ticket", "test");
    await redis.hset(batchKeys("batch-1").meta, {
      answered: 7,
      failed: 2,
    });
    const call = { task: "classify-ticket", model: "openai/gpt-5-mini", costNanoUsd: 750_000_000 } as const;
    await countCalls(redis, [call, { ...call, tags: { team: "x" }, isDuplicate: true }, { ...call, tenant: 'acme "1"' }]);
    await context.queues.queue(taskQueue("classify-ticket")).add("x", {});
    await context.breaker.trip({ model: "openai/gpt-5-mini" }, "quota", 60_000);
    const response = await get("/metrics");
    const text = await response.text();
    expect(response.headers.get("content-type")).toContain("text/plain; version=0.0.4");
    const lines = text.split("\n");
    expect(lines).toEqual(
      expect.arrayContaining([
        "# TYPE modelfleet_batches gauge",
        'modelfleet_batches{state="open"} 1',
        'modelfleet_rows_total{batch="batch-1",status="answered"} 7',
        'modelfleet_rows_total{batch="batch-1",status="failed"} 2',
        'modelfleet_queue_jobs{queue="task classify-ticket",state="waiting"} 1',
        'modelfleet_breaker_open{model="openai/gpt-5-mini"} 1',
        'modelfleet_breaker_open{model="anthropic/claude-haiku-4-5"} 0',
        'modelfleet_calls_total{task="classify-ticket",model="openai/gpt-5-mini"} 2',
        'modelfleet_calls_total{task="classify-ticket",model="openai/gpt-5-mini",tenant="acme \\"1\\""} 1',
        'modelfleet_cost_usd_total{task="classify-ticket",model="openai/gpt-5-mini"} 1.5',
        'modelfleet_tokens_total{task="classify-ticket",model="openai/gpt-5-mini",kind="input"} 200',
        'modelfleet_tokens_total{task="classify-ticket",model="openai/gpt-5-mini",kind="cached_input"} 80',
        'modelfleet_tokens_total{task="classify-ticket",model="openai/gpt-5-mini",tenant="acme \\"1\\"",kind="output"} 20',
        'modelfleet_duplicate_calls_total{task="classify-ticket",model="openai/gpt-5-mini"} 1',
      ]),
    );
    for (const line of lines) expect(line).toMatch(/^$|^# (HELP|TYPE) \w+ .+$|^\w+(\{(\w+="([^"\\\n]|\\.)*",?)+\})? [-+.\de]+$/);
  });

  it("have counters that never fall, not even when a web process is started anew", async () => {
    const costs = async (url: string) => {
      const text = await (await fetch(`${url}/metrics`)).text();
      return Array.from(text.matchAll(/^modelfleet_(?:cost_usd|duplicate_calls)_total\{.*\} (.+)$/gm), ([, value]) => Number(value));
    };
    const before = ledgerEntry({ outcome: "uncertain", costNanoUsd: 500_000_000 });
    await countChanges(redis, [{ after: before }]);
    expect(await costs(web.url)).toEqual([0.5, 1]);
    // The exact entry came, and it is lower.
    await countChanges(redis, [{ before, after: ledgerEntry({ costNanoUsd: 400_000_000 }) }]);
    const another = await createWeb(context);
    expect(await costs(another.url)).toEqual([0.5, 1]);
    await another.stop(0);
  });

  it("tell of limits: their use, calls in flight, slots, and what holds a model or slows it down", async () => {
    const model = "openai/gpt-5-mini";
    const limiter = createRedisLimiter({ redis, clock: context.clock, providers: fleet.providers });
    const grant = async (call: string) => {
      const request = { call, model, inputTokens: 10, inputCharacters: 40, outputTokens: 5, leaseMs: 60_000 } as const;
      expect(await limiter.acquire(request, { patienceMs: 1_000, signal: new AbortController().signal })).toEqual({
        kind: "granted",
        permit: expect.any(String),
      });
    };
    await grant("a.0.0.0.1");
    await grant("a.1.0.0.1");
    await limiter.settle({ call: "a.0.0.0.1", model, ending: "failed", refusal: { waitMs: 60_000, kind: "slow-down" } });
    await limiter.stop();
    const pool = registerProcess(redis, context.clock, { roles: ["pool:openai"], configHash: fleet.hash, tasks: [] });
    pool.tell(model, { slots: 12 });
    const sampleOf = (text: string, name: string, labels: string) =>
      text.split("\n").flatMap((line) => (line.startsWith(`${name}{${labels}} `) ? [Number(line.split(" ")[1])] : []))[0];
    const slotsSeen = async () => sampleOf(await (await get("/metrics")).text(), "modelfleet_slots", `model="${model}"`);
    await expect.poll(slotsSeen, { timeout: 10_000 }).toBe(12);
    await pool.stop();

    const text = await (await get("/metrics")).text();
    expect(sampleOf(text, "modelfleet_limit_use_ratio", `model="${model}",dimension="rpm"`)).toBeGreaterThan(0);
    expect(sampleOf(text, "modelfleet_limit_use_ratio", `model="${model}",dimension="tpm"`)).toBeLessThan(1);
    expect(sampleOf(text, "modelfleet_limit_use_ratio", 'model="anthropic/claude-haiku-4-5",dimension="otpm"')).toBe(0);
    expect(sampleOf(text, "modelfleet_calls_in_flight", `model="${model}"`)).toBe(1);
    expect(sampleOf(text, "modelfleet_model_held_seconds", `model="${model}"`)).toBeGreaterThan(0);
    expect(sampleOf(text, "modelfleet_model_held_seconds", 'model="anthropic/claude-haiku-4-5"')).toBe(0);
    expect(sampleOf(text, "modelfleet_pace_per_minute", `model="${model}"`)).toBeGreaterThan(0);
    expect(text).not.toContain('modelfleet_pace_per_minute{model="anthropic');
  });

  it("have samples of live batches only", async () => {
    await context.states.make("over", "classify-ticket", "test");
    await redis.hset(batchKeys("over").meta, { state: "finished", answered: 7 });
    const text = await (await get("/metrics")).text();
    expect(text).toContain('modelfleet_batches{state="finished"} 1');
    expect(text).not.toContain('batch="over"');
  });
});

describe("Bull Board", () => {
  it("shows every queue of the configuration under a name for people", async () => {
    const page = await get("/queues/");
    expect(page.status).toBe(200);
    expect(page.headers.get("content-security-policy")).toContain("default-src 'self'");
    expect((await boardQueues()).map(({ displayName, readOnlyMode }) => [displayName, readOnlyMode])).toEqual([
      ["task classify-ticket", true],
      ["model openai/gpt-5-mini", true],
      ["model anthropic/claude-haiku-4-5", true],
      ["reroute", true],
      ["dead letters", false],
    ]);
  });

  it.each([
    [taskQueue("classify-ticket"), "task:classify-ticket"],
    [modelQueue("openai/gpt-5.1"), "model:openai:gpt-5.1"],
    [modelQueue("vllm/meta/llama"), "model:vllm:meta~2fllama"],
    [REROUTE_QUEUE, "reroute"],
    [DEAD_QUEUE, "dead"],
  ])("knows the queue %s as %s, grouped by what it is, and leads there from either name", async (queue, name) => {
    expect(boardName(queue)).toBe(name);
    const response = await get(`/queues/queue/${encodeURIComponent(queue)}`);
    expect([response.status, response.url]).toEqual([200, `${web.url}/queues/queue/${encodeURIComponent(name)}`]);
  });

  it("shows a park as such, and not the window of a limiter that never limits", async () => {
    const queue = context.queues.queue(modelQueue("openai/gpt-5-mini"));
    await redis.set(`bull:${queue.name}:limiter`, 5, "PX", 60_000);
    expect((await boardQueues()).find(({ name }) => name === boardName(queue.name))?.activeRateLimitTtl).toBeLessThanOrEqual(0);
    await queue.rateLimit(60_000);
    expect((await boardQueues()).find(({ name }) => name === boardName(queue.name))?.activeRateLimitTtl).toBeGreaterThan(0);
  });

  it("shows a queue that appears later by itself", async () => {
    expect((await boardQueues()).map(({ name }) => name)).not.toContain("task:new-task");
    const elsewhere = contextOf(redis, fleet);
    elsewhere.queues.queue(taskQueue("new-task"));
    await expect.poll(async () => (await boardQueues()).map(({ name }) => name), { timeout: 10_000 }).toContain("task:new-task");
    await elsewhere.stop();
  });

  it("cuts long payloads, saying how long they are", async () => {
    await context.queues.queue(taskQueue("classify-ticket")).add("x", { input: { text: "x".repeat(3 * 2 ** 20) } });
    const response = await listing(taskQueue("classify-ticket"));
    const text = await response.text();
    expect(text.length).toBeLessThan(30_000);
    expect(text).toContain("3,145,728 characters in all");
  });

  it("refuses every change to queues that are not dead letters", async () => {
    for (const name of [taskQueue("classify-ticket"), modelQueue("openai/gpt-5-mini"), REROUTE_QUEUE]) {
      const queue = context.queues.queue(name);
      await queue.add("x", { n: 1 }, { jobId: "batch.0.0.0" });
      await queue.add("x", { n: 2 }, { jobId: "batch.1.0.0", delay: 60_000 });
      const before = await queue.getJobCounts();
      await boardQueues();
      const attempts: [string, string, object?][] = [
        ["PUT", boardPath(name, "batch.0.0.0/clean")],
        ["PUT", boardPath(name, "batch.0.0.0/retry")],
        ["PUT", boardPath(name, "batch.1.0.0/promote")],
        ["PATCH", boardPath(name, "batch.0.0.0/update-data"), { jobData: { n: 9 } }],
        ["PATCH", boardPath(name, "batch.1.0.0/delay"), { runAt: 1 }],
        ["PATCH", boardPath(name, "batch.0.0.0/priority"), { priority: 5 }],
        ["PUT", boardPath(name, "batch.0.0.0/remove-unprocessed-children")],
        ["POST", boardPath(name, "add"), { name: "x", data: {}, options: {} }],
        ["PUT", boardPath(name, "clean/wait")],
        ["PUT", boardPath(name, "clean/delayed")],
        ["PUT", boardPath(name, "retry/failed")],
        ["PUT", boardPath(name, "promote")],
        ["PUT", boardPath(name, "pause")],
        ["PUT", boardPath(name, "resume")],
        ["PUT", boardPath(name, "empty")],
        ["PUT", boardPath(name, "obliterate"), { force: true }],
        ["PUT", boardPath(name, "concurrency"), { concurrency: 1 }],
        ["PUT", boardPath(name, "rate-limit"), { max: 1, duration: 1_000 }],
        ["PUT", boardPath(name, "rate-limit/release")],
        ["PUT", "/queues/api/queues/pause"],
        ["PUT", "/queues/api/queues/resume"],
      ];
      for (const [method, path, body] of attempts) {
        expect([method, path, (await change(method, path, body)).status]).toEqual([method, path, 403]);
      }
      expect((await change("DELETE", boardPath(name, "batch.0.0.0"))).status).toBe(404);
      expect(await queue.getJobCounts()).toEqual(before);
      expect((await queue.getJob("batch.0.0.0"))?.data).toEqual({ n: 1 });
      expect(await queue.isPaused()).toBe(false);
    }
  });

  it("lets nothing be done with dead letters but retrying and removing them", async () => {
    await boardQueues();
    const queue = context.queues.queue(DEAD_QUEUE);
    await queue.add("x", { n: 1 }, { jobId: "batch.0.0.0" });
    for (const [method, path, body] of [
      ["POST", boardPath(DEAD_QUEUE, "add"), { name: "x", data: {}, options: {} }],
      ["PATCH", boardPath(DEAD_QUEUE, "batch.0.0.0/update-data"), { jobData: { n: 9 } }],
      ["PUT", boardPath(DEAD_QUEUE, "pause")],
      ["PUT", boardPath(DEAD_QUEUE, "obliterate"), { force: true }],
      ["PUT", boardPath(DEAD_QUEUE, "empty")],
    ] as const) {
      expect([path, (await change(method, path, body)).status]).toEqual([path, 403]);
    }
    expect((await queue.getJob("batch.0.0.0"))?.data).toEqual({ n: 1 });
  });

  it("opens a row again when its dead letter is retried, and loses nothing when one is removed", async () => {
    await finishedWithError("retried");
    await finishedWithError("removed");
    const reroute = createReroute(context);
    try {
      const letters = () => boardQueues(DEAD_QUEUE).then((queues) => queues.find(({ name }) => name === "dead")?.jobs ?? []);
      const dead = context.queues.queue(DEAD_QUEUE);
      await expect.poll(() => dead.getFailedCount(), { timeout: 10_000 }).toBe(2);
      const letter = (await letters()).find(({ id }) => id === "retried.0.0.0");
      expect(letter).toMatchObject({ failedReason: "exhausted: every model was tried", stacktrace: [] });
      expect(JSON.stringify(letter?.data)).toContain("5,000 characters in all");

      expect((await change("PUT", boardPath(DEAD_QUEUE, "retried.0.0.0/retry"))).status).toBe(204);
      await expect.poll(() => context.queues.queue(taskQueue("classify-ticket")).getWaitingCount(), { timeout: 10_000 }).toBe(1);
      const [again] = await context.queues.queue(taskQueue("classify-ticket")).getWaiting();
      expect(again?.data).toMatchObject({ batch: "retried", row: 0, fleet: { round: 1 }, input: { text: "x".repeat(5_000) } });
      expect(await context.states.status("retried")).toMatchObject({ state: "sealed", round: 1, done: 0 });

      expect((await change("PUT", boardPath(DEAD_QUEUE, "removed.0.0.0/clean"))).status).toBe(204);
      await expect.poll(letters, { timeout: 10_000 }).toEqual([]);
      expect(await context.states.status("removed")).toMatchObject({ state: "finished", failed: 1 });
    } finally {
      await reroute.stop(0);
    }
  });
});

describe("health", () => {
  it("is up and ready while Redis answers", async () => {
    expect((await get("/healthz")).status).toBe(200);
    expect((await get("/readyz")).status).toBe(200);
  });

  it("while Redis is away is up and not ready, says so everywhere, and comes back with it", async (test) => {
    if (!server.isOurs) test.skip(NOT_OURS);
    await server.kill();
    await expect.poll(async () => (await get("/readyz")).status, { timeout: 10_000 }).toBe(503);
    expect((await get("/healthz")).status).toBe(200);
    expect((await get("/")).status).toBe(200);
    const status = await get("/api/status");
    expect(status.status).toBe(503);
    expect(await status.json()).toMatchObject({ error: expect.stringContaining("Redis has not answered") as string });
    const board = await get("/queues/api/queues");
    expect(board.status).toBe(500);
    expect(await board.text()).toContain("Redis is away");
    await server.restart();
    await expect.poll(async () => (await get("/readyz")).status, { timeout: 10_000 }).toBe(200);
    await expect.poll(async () => (await get("/api/status")).status, { timeout: 10_000 }).toBe(200);
  });
});

describe("what is not there", () => {
  it("is said to programs in JSON and to browsers as a page, escaped", async () => {
    const json = await get("/nothing");
    expect(json.status).toBe(404);
    expect(await json.json()).toEqual({
      error: "there is no page /nothing; there are /, /queues, /metrics, /api/status, /healthz, /readyz",
    });
    const page = await (await get("/<script>alert(1)</script>", { accept: "text/html" })).text();
    expect(page).toContain("404 Not Found");
    expect(page).not.toContain("<script>");
    expect((await change("POST", "/api/status")).status).toBe(404);
  });

  it("never shows where in the code a request failed", async () => {
    const response = await get("/queues/queue/%E0%A4%A");
    const text = await response.text();
    expect(response.status).toBe(400);
    expect(text).not.toMatch(/node_modules|\.ts|\.js:|at /);
  });

  it("comes with the headers that keep a page to itself, and without the server's name", async () => {
    for (const path of ["/", "/queues/", "/api/status", "/metrics", "/nothing"]) {
      const { headers } = await get(path);
      expect([path, headers.get("x-frame-options"), headers.get("x-content-type-options"), headers.get("x-powered-by")]).toEqual([
        path,
        "DENY",
        "nosniff",
        null,
      ]);
      expect(headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
    }
  });
});

describe("access", () => {
  it("on loopback is for this machine's own names", async () => {
    expect(await statusWithHost("localhost:3000")).toBe(200);
    expect(await statusWithHost("evil.example:3000")).toBe(403);
  });

  it("to changes is for this server's own pages", async () => {
    await boardQueues();
    const path = boardPath(DEAD_QUEUE, "clean/failed");
    const foreign = await fetch(`${web.url}${path}`, { method: "PUT", headers: { origin: "https://evil.example" } });
    expect(foreign.status).toBe(403);
    expect(await foreign.text()).toContain("own pages only");
    expect((await change("PUT", path)).status).toBe(200);
  });

  it("from other machines is possible where the host is set so, with a warning in the log", async () => {
    const warnings: string[] = [];
    const log = Object.assign(Object.create(silentLogger) as Logger, {
      warn: (_fields: object, message: string) => warnings.push(message),
    });
    const open = await createWeb({ ...context, log, fleet: { ...fleet, web: { host: "0.0.0.0", port: 0 } } });
    try {
      expect(open.url).toMatch(/^http:\/\/localhost:\d+$/);
      expect(warnings).toEqual([expect.stringContaining("no keys yet")]);
      expect((await fetch(`${open.url.replace("localhost", "127.0.0.1")}/healthz`)).status).toBe(200);
    } finally {
      await open.stop(0);
    }
  });
});

describe("starting and stopping", () => {
  it("a port that is taken is named, with what to do", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => other.once("listening", resolve));
    const { port } = other.address() as AddressInfo;
    const failure = await createWeb({ ...context, fleet: { ...fleet, web: { host: "127.0.0.1", port } } }).catch((error: unknown) => error);
    other.close();
    expect(failure).toBeInstanceOf(StoppedError);
    expect(failure).toMatchObject({
      message: `port ${port} of 127.0.0.1 is taken by another program`,
      hint: expect.stringContaining("web: { port:") as string,
    });
  });

  it("an address of another machine is named", async () => {
    await expect(createWeb({ ...context, fleet: { ...fleet, web: { host: "192.0.2.1", port: 0 } } })).rejects.toThrow(
      "can't listen on 192.0.2.1",
    );
  });

  it("stopping twice is stopping once, and open connections don't hold it up", async () => {
    await get("/healthz");
    await Promise.all([web.stop(10_000), web.stop(10_000)]);
    await expect(get("/healthz")).rejects.toThrow("fetch failed");
  });
});
